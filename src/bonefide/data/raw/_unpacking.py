# SPDX-License-Identifier: Apache-2.0
"""Unpack a block of a 7z archive from front to back, holding neither the packed nor the unpacked bytes."""

from __future__ import annotations

import bz2
import lzma
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

__all__ = ["ENCRYPTION", "Block", "Coder", "DamagedBlockError", "UnknownPackingError", "Unpacker"]

ENCRYPTION = b"\x06\xf1\x07\x01"
_COPY, _LZMA, _LZMA2, _BZIP2 = b"\x00", b"\x03\x01\x01", b"\x21", b"\x04\x02\x02"
_DELTA = b"\x03"
_BRANCHES = {
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}
_NAMES = {
    b"\x03\x04\x01": "PPMd",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x04\x01\x08": "Deflate",
    b"\x04\x01\x09": "Deflate64",
}
_SMALLEST_DICTIONARY = 4096
_INPUT = 2**17
_OUTPUT = 2**20


@dataclass(frozen=True)
class Coder:
    """One step of packing: its method's number and what the method needs to know."""

    method: bytes
    properties: bytes


@dataclass(frozen=True)
class Block:
    """Files packed as one, from byte `start`, by coders in the order of packing; `chained` unless they fork."""

    start: int
    packed: int
    unpacked: int
    checksum: int | None
    coders: tuple[Coder, ...]
    chained: bool


class UnknownPackingError(Exception):
    """A way of packing that the standard library does not unpack."""


class DamagedBlockError(Exception):
    """Packed bytes that do not unpack; what follows in the block is lost."""


class _Decompressor(Protocol):
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Copy:
    """Stored bytes; what exceeds a request waits for the next one."""

    def __init__(self) -> None:
        self._waiting = b""

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        content = self._waiting + data
        self._waiting = content[max_length:]
        return content[:max_length]


class Unpacker:
    """The unpacked bytes of a block, asked for in order.

    Args:
        file: the archive, whose position nobody else moves.
        block: where the block is and how it is packed.

    Raises:
        UnknownPackingError: if it is packed in another way than by copying, LZMA, LZMA2 or bzip2.
    """

    def __init__(self, file: BinaryIO, block: Block) -> None:
        self._decompressor = _decompressor(block)
        self._file, self._unread = file, block.packed
        self.block, self.place = block, 0
        self._fault: DamagedBlockError | None = None
        file.seek(block.start)

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            DamagedBlockError: if there are not as many, now and whenever it is asked again.
            OSError: if the file cannot be read.
        """
        pieces = []
        end = self.place + size
        while self.place < end:
            pieces.append(self._piece(end - self.place))
        return b"".join(pieces)

    def skip_to(self, place: int) -> None:
        """Unpack and forget what comes before a place.

        Raises:
            DamagedBlockError: as `read`.
            OSError: as `read`.
        """
        while self.place < place:
            self._piece(min(place - self.place, _OUTPUT))

    def _piece(self, most: int) -> bytes:
        if self._fault is not None:
            raise self._fault
        packed = b""
        if self._decompressor.needs_input:
            packed = self._file.read(min(_INPUT, self._unread))
            self._unread -= len(packed)
        try:
            piece = self._decompressor.decompress(packed, most)
            if not piece and not packed:
                raise EOFError("the packed bytes end early")
        except (lzma.LZMAError, OSError, EOFError, ValueError, MemoryError) as fault:
            self._fault = DamagedBlockError(str(fault))
            raise self._fault from None
        self.place += len(piece)
        return piece


def _decompressor(block: Block) -> _Decompressor:
    methods = [coder.method for coder in block.coders]
    if not block.chained or not methods:
        raise UnknownPackingError(_name(block.coders))
    if methods == [_COPY]:
        return _Copy()
    if methods == [_BZIP2]:
        return bz2.BZ2Decompressor()
    *filters, last = block.coders
    # LZMA does not say where it ends, so that a filter behind it keeps the last bytes back.
    if last.method == _LZMA2 or (last.method == _LZMA and not filters):
        chain = [*map(_filter, filters), _dictionary_filter(last, block.unpacked)]
        try:
            return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)
        except (lzma.LZMAError, MemoryError) as fault:
            raise UnknownPackingError(f"{_name(block.coders)} ({fault})") from None
    raise UnknownPackingError(_name(block.coders))


def _filter(coder: Coder) -> dict[str, Any]:
    if coder.method in _BRANCHES:
        return {"id": _BRANCHES[coder.method]}
    if coder.method == _DELTA and len(coder.properties) == 1:
        return {"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1}
    raise UnknownPackingError(_name([coder]))


def _dictionary_filter(coder: Coder, unpacked: int) -> dict[str, Any]:
    """LZMA and LZMA2; no dictionary is larger than what is unpacked, whatever is declared."""
    if coder.method == _LZMA2:
        if len(coder.properties) != 1 or coder.properties[0] > 40:
            raise UnknownPackingError(_name([coder]))
        code = coder.properties[0]
        declared = 2**32 - 1 if code == 40 else (2 | code & 1) << (code // 2 + 11)
        found: dict[str, Any] = {"id": lzma.FILTER_LZMA2}
    else:
        if len(coder.properties) != 5 or coder.properties[0] >= 9 * 5 * 5:
            raise UnknownPackingError(_name([coder]))
        packed, declared = struct.unpack("<BL", coder.properties)
        found = {"id": lzma.FILTER_LZMA1, "lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45}
    return {**found, "dict_size": max(_SMALLEST_DICTIONARY, min(declared, unpacked))}


def _name(coders: Sequence[Coder]) -> str:
    known = {_LZMA: "LZMA", _LZMA2: "LZMA2", _BZIP2: "bzip2", _COPY: "copy", _DELTA: "delta", **_NAMES}
    branches = dict.fromkeys(_BRANCHES, "a branch filter")
    return " and ".join({**branches, **known}.get(coder.method, f"method {coder.method.hex()}") for coder in coders)
