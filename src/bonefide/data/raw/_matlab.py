# SPDX-License-Identifier: Apache-2.0
"""One numeric array out of a MATLAB 5 file, with every declared size checked before it is believed.

`scipy.io.loadmat` reserves whatever memory a file declares and unpacks without a limit, so files from elsewhere are not
given to it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["read_matrix"]

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMERIC_CLASSES = range(6, 16)
_COMPLEX, _LOGICAL = 0x0800, 0x0200


@dataclass(frozen=True)
class _Element:
    kind: int
    content: memoryview


def read_matrix(content: bytes, variable: str, *, limit: int, path: str = "") -> Array:
    """One variable of a file.

    Args:
        content: the file's bytes.
        variable: its name.
        limit: most bytes that its compressed data may unpack to, all together.
        path: the file, for messages.

    Shape:
        returned: as MATLAB has it, float64.

    Raises:
        RawFileError: `empty`, `mat` (no MATLAB 5 file, or damaged), `truncated`, `too_large`, `keys` (no such
            variable), `number` (not real numbers).
    """
    if not content:
        raise RawFileError("empty", "there is nothing in it", path=path)
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128], "")
    if not order:
        raise RawFileError("mat", "no MATLAB 5 file; save it by `save -v7` or `-v6`", path=path)
    for element in _elements(memoryview(content)[_HEADER:], order, path):
        matrices = [element]
        if element.kind == _COMPRESSED:
            unpacked = _inflate(element.content, limit, path)
            limit -= len(unpacked)
            matrices = list(_elements(unpacked, order, path))
        for matrix in matrices:
            if matrix.kind == _MATRIX:
                parts = list(_elements(matrix.content, order, path))
                if len(parts) >= 3 and bytes(parts[2].content) == variable.encode():
                    return _array(parts, order, path)
    raise RawFileError("keys", f"there is no variable {variable} in it", path=path)


def _elements(content: memoryview, order: str, path: str) -> Iterator[_Element]:
    place = 0
    while place < len(content):
        if len(content) - place < 8:
            raise RawFileError("truncated", "it ends inside a tag", path=path)
        kind, size = struct.unpack_from(f"{order}II", content, place)
        start = place + 8
        if kind >> 16:
            # Up to four bytes are kept inside the tag itself.
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            padding = 0 if kind == _COMPRESSED else -size % 8
            place = start + size + padding
        if start + size > len(content) or (start == place - 4 and size > 4):
            raise RawFileError("truncated", f"it declares {size} bytes and has {len(content) - start}", path=path)
        yield _Element(kind, content[start : start + size])


def _inflate(content: memoryview, limit: int, path: str) -> memoryview:
    unpack = zlib.decompressobj()
    try:
        unpacked = unpack.decompress(content, max(limit, 1))
    except zlib.error as fault:
        raise RawFileError("mat", f"its compressed data are damaged ({fault})", path=path) from None
    if unpack.unconsumed_tail:
        raise RawFileError("too_large", f"its compressed data unpack to more than {limit} bytes", path=path)
    if not unpack.eof:
        raise RawFileError("truncated", "its compressed data end early", path=path)
    return memoryview(unpacked)


def _array(parts: list[_Element], order: str, path: str) -> Array:
    flags, sizes = parts[0].content, parts[1].content
    if len(flags) < 8 or len(sizes) % 4 or not sizes:
        raise RawFileError("mat", "the header of its array is damaged", path=path)
    flag = struct.unpack_from(f"{order}I", flags)[0]
    if flag & 0xFF not in _NUMERIC_CLASSES or flag & (_COMPLEX | _LOGICAL) or len(parts) != 4:
        raise RawFileError("number", "its array does not hold real numbers", path=path)
    if parts[3].kind not in _NUMBERS:
        raise RawFileError("number", "its array holds numbers of an unknown type", path=path)
    dtype = np.dtype(order + _NUMBERS[parts[3].kind])
    shape = tuple(np.frombuffer(sizes, dtype=f"{order}i4").tolist())
    if min(shape) < 0 or int(np.prod(shape, dtype=object)) * dtype.itemsize != len(parts[3].content):
        raise RawFileError("truncated", f"its array of {shape} does not fit its data", path=path)
    numbers = np.frombuffer(parts[3].content, dtype=dtype).astype(np.float64)
    return numbers.reshape(shape, order="F")
