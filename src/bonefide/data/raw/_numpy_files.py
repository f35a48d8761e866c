# SPDX-License-Identifier: Apache-2.0
"""Arrays out of `.npy` and `.npz` files, with every declared size checked before it is believed, and never a pickle."""

from __future__ import annotations

import io
import tokenize
import warnings
import zipfile
import zlib

import numpy as np

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["read_npy", "read_npz"]

# NumPy parses a header as Python, and lets the errors of a damaged one through.
_HEADER_FAULTS = (
    ValueError, TypeError, SyntaxError, OverflowError, RecursionError, MemoryError, AttributeError, tokenize.TokenError,
)  # fmt: skip
_ARCHIVE_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, KeyError,
)  # fmt: skip
_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_REAL = "iuf"
_MOST_AXES = 8


def read_npy(content: bytes, *, path: str) -> tuple[Array, bool]:
    """The array of a `.npy` file, and whether something follows it.

    Args:
        content: the file's bytes.
        path: the file, for messages.

    Shape:
        returned: as the file has it, and of its type; a view of `content`.

    Raises:
        RawFileError: `empty`, `npy` (no `.npy` file, or a damaged header), `number` (text, records or Python objects
            where real numbers should be), `truncated`.
    """
    if not content:
        raise RawFileError("empty", "there is nothing in it", path=path)
    shape, fortran, dtype, start = _header(content, path)
    if dtype.kind not in _REAL or dtype.hasobject:
        what = "Python objects, which are not loaded" if dtype.hasobject else f"{dtype} where real numbers should be"
        raise RawFileError("number", f"it holds {what}; save it as an array of float32", path=path)
    count = 1
    for size in shape:
        count *= size
    if len(content) - start < count * dtype.itemsize:
        needed = f"an array of {shape} needs {count * dtype.itemsize} bytes and {len(content) - start} are there"
        raise RawFileError("truncated", needed, path=path)
    numbers = np.frombuffer(content, dtype=dtype, count=count, offset=start) if count else np.zeros(0, dtype)
    return numbers.reshape(shape, order="F" if fortran else "C"), len(content) - start > count * dtype.itemsize


def _header(content: bytes, path: str) -> tuple[tuple[int, ...], bool, np.dtype[np.generic], int]:
    file = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            # Headers of Python 2 and odd literals are told by warnings; what matters is the array they describe.
            warnings.simplefilter("ignore")
            shape, fortran, dtype = _READ_HEADER[np.lib.format.read_magic(file)](file)
    except KeyError:
        raise RawFileError("npy", "a `.npy` file of an unknown version", path=path) from None
    except _HEADER_FAULTS as fault:
        raise RawFileError("npy", f"no `.npy` file, or a damaged one ({type(fault).__name__})", path=path) from None
    if len(shape) > _MOST_AXES or any(size < 0 or isinstance(size, bool) for size in shape):
        raise RawFileError("npy", f"its header declares an impossible shape, {str(shape)[:80]}", path=path)
    return shape, fortran, dtype, file.tell()


def read_npz(content: bytes, *, limit: int, path: str) -> tuple[dict[str, Array], bool]:
    """The arrays of a `.npz` file, and whether something follows one of them.

    Args:
        content: the file's bytes.
        limit: most bytes that its arrays may unpack to, all together.
        path: the file, for messages.

    Raises:
        RawFileError: as `read_npy`, and `npz` (no `.npz` file, or a damaged one), `keys` (two arrays of one name),
            `too_large`.
    """
    if not content:
        raise RawFileError("empty", "there is nothing in it", path=path)
    arrays: dict[str, Array] = {}
    trailing = False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            for entry in entries:
                limit -= entry.file_size
                if limit < 0:
                    raise RawFileError("too_large", "its arrays unpack to more than a recording can have", path=path)
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                if name in arrays:
                    raise RawFileError("keys", f"there are two arrays '{name}' in it", path=path)
                with archive.open(entry) as file:
                    unpacked = file.read(entry.file_size + 1)
                arrays[name], more = read_npy(unpacked, path=path)
                trailing |= more
    except RawFileError:
        raise
    except _ARCHIVE_FAULTS as fault:
        raise RawFileError("npz", f"no `.npz` file, or a damaged one ({fault})", path=path) from None
    return arrays, trailing
