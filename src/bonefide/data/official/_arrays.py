# SPDX-License-Identifier: Apache-2.0
"""Arrays in `.npy` and `.npz` files, read row by row: headers are checked before anything is allocated."""

from __future__ import annotations

import contextlib
import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bonefide.errors import DataError
from bonefide.types import Array

__all__ = ["ArrayArchive", "ArrayFile", "parse_header"]

_HEADER_LIMIT = 65_536
_ROW_LIMIT = 256 * 2**20
_CHUNK = 16 * 2**20
_RATIO_LIMIT = 1100
"""Deflate packs at most about 1032 bytes into one."""
# NumPy parses a header as Python, and lets the errors of a damaged one through.
_HEADER_FAULTS = (
    ValueError,
    TypeError,
    SyntaxError,
    OverflowError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)


_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class ArrayFile:
    """An array on the disk, read along its first axis; fastest in order.

    Args:
        file: opened for reading; must be able to seek.
        size: its bytes, header included.
        place: path, for messages.

    Raises:
        DataError: if it is no `.npy` file of numbers or text, or has not the size its header tells.

    Example:
        >>> content = io.BytesIO()
        >>> np.save(content, np.arange(6.0).reshape(3, 2))
        >>> ArrayFile(content, len(content.getvalue()), place="x.npy").row(2).tolist()
        [4.0, 5.0]
    """

    def __init__(self, file: BinaryIO, size: int, *, place: str) -> None:
        self.place = place
        self._file = file
        with _reading(place):
            file.seek(0)
            head = io.BytesIO(file.read(_HEADER_LIMIT))
        self.shape, self.dtype = _read_header(head, place)
        self._start = head.tell()
        self.row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        expected = self._start + math.prod(self.shape) * self.dtype.itemsize
        if expected != size:
            raise DataError(f"{place} is damaged: its header tells {expected} bytes, it has {size}; get it again")
        if not 0 < self.row_bytes <= _ROW_LIMIT:
            raise DataError(f"{place}: one sample has {self.row_bytes} bytes; it must have some, {_ROW_LIMIT} at most")

    def __len__(self) -> int:
        """Rows."""
        return self.shape[0]

    def row(self, place: int) -> Array:
        """One row, read-only."""
        return self.rows(place, place + 1)[0]

    def rows(self, start: int, stop: int) -> Array:
        """Some rows, read-only.

        Raises:
            DataError: if they cannot be read.
        """
        wanted = (stop - start) * self.row_bytes
        with _reading(self.place):
            self._file.seek(self._start + start * self.row_bytes)
            content = self._file.read(wanted)
        if len(content) != wanted:
            raise DataError(f"{self.place} is damaged: it ends early; get it again")
        return np.frombuffer(content, self.dtype).reshape(stop - start, *self.shape[1:])

    def chunks(self) -> Iterator[Array]:
        """All rows, a few megabytes at a time."""
        step = max(1, _CHUNK // max(1, self.row_bytes))
        for start in range(0, len(self), step):
            yield self.rows(start, min(start + step, len(self)))


class ArrayArchive:
    """The arrays of an `.npz`, packed or not.

    Args:
        path: of the file.

    Raises:
        DataError: if it is missing or no zip archive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _reading(str(path)):
            self._zip = zipfile.ZipFile(path)
        self._entries = {entry.filename.removesuffix(".npy"): entry for entry in self._zip.infolist()}

    @property
    def names(self) -> tuple[str, ...]:
        """Of its arrays, in the order of the archive."""
        return tuple(self._entries)

    @property
    def facts(self) -> list[tuple[str, int, int]]:
        """Name, size and checksum of every array."""
        return [(name, entry.file_size, entry.CRC) for name, entry in self._entries.items()]

    def array(self, name: str) -> ArrayFile:
        """One of its arrays.

        Raises:
            DataError: if there is none of that name, or it is damaged or packed in a way that is not NumPy's.
        """
        place = f"{self._path}, {name}"
        entry = self._entries.get(name)
        if entry is None:
            raise DataError(f"{self._path} has no array '{name}'; it has {', '.join(self.names) or 'none'}")
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{place} is encrypted or packed in a way that is not NumPy's; save it again with NumPy")
        if entry.file_size > _RATIO_LIMIT * entry.compress_size + _HEADER_LIMIT:
            raise DataError(f"{place} is damaged: {entry.compress_size} bytes cannot hold {entry.file_size}")
        with _reading(place):
            file = self._zip.open(entry)
        return ArrayFile(file, entry.file_size, place=place)  # type: ignore[arg-type]

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def parse_header(head: BinaryIO, place: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and type of a `.npy` file.

    Args:
        head: the beginning of the file; stands after the header then.
        place: path, for messages.

    Raises:
        DataError: if it is no such file.
    """
    try:
        version = np.lib.format.read_magic(head)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"format version {version}")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(head)
    except _HEADER_FAULTS as fault:
        raise DataError(f"{place} is no .npy array or damaged ({type(fault).__name__}: {fault!s:.80})") from None


def _read_header(head: BinaryIO, place: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    shape, fortran, dtype = parse_header(head, place)
    if dtype.kind not in "fiubUS" or not dtype.itemsize:
        raise DataError(f"{place} holds {dtype!s:.60}, not numbers or text; such a file could run code, or is another")
    if not shape or min(shape) < 0:
        raise DataError(f"{place} has the shape {shape}; a list of samples is needed")
    if fortran and len(shape) > 1:
        raise DataError(f"{place} is stored in Fortran order; save it again from numpy.ascontiguousarray")
    return shape, dtype


@contextlib.contextmanager
def _reading(place: str) -> Iterator[None]:
    """Turn a failure to read into one clear sentence."""
    try:
        yield
    except _ZIP_FAULTS as fault:
        raise DataError(f"{place} is damaged or another kind of file ({fault}); get it again") from None
    except OSError as fault:
        raise DataError(f"{place} cannot be read: {fault.strerror or fault}") from None
