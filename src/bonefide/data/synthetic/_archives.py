# SPDX-License-Identifier: Apache-2.0
"""Archives written member by member: the same members give the same bytes, and a file appears when it is complete."""

from __future__ import annotations

import contextlib
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from bonefide.errors import OutputError
from bonefide.writing import replacing

__all__ = ["Archive", "seven_zip_archive", "zip_archive"]

_DICTIONARY = 2**20
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": _DICTIONARY}]
_DICTIONARY_CODE = b"\x10"
"""2 ** (12 + 16 / 2) bytes, as LZMA2 puts it."""
_ATTRIBUTES = (stat.S_IFREG | 0o644) << 16 | 0x8000 | 0x20
"""Mode of Unix, the mark that it is given, the mark of a plain file."""
_EPOCH_1980 = 119_600_064_000_000_000
"""1 January 1980 in units of 100 ns since 1601, the earliest that zip archives know as well."""


class Archive(Protocol):
    """What both writers hand out."""

    def add(self, member: str, content: bytes) -> None:
        """Append one file, its folders separated by `/`."""
        ...


@contextlib.contextmanager
def zip_archive(path: Path) -> Iterator[Archive]:
    """A zip file (deflate, fast) that takes its name when it is complete, and leaves nothing behind when it is not.

    Raises:
        OutputError: if it cannot be written; what stood there before is kept.
    """
    with _replacing(path, "zip") as file, zipfile.ZipFile(file, "w") as archive:
        yield _Zip(archive)


@contextlib.contextmanager
def seven_zip_archive(path: Path) -> Iterator[Archive]:
    """A 7z file, one solid LZMA2 block as the official archives have it, otherwise like `zip_archive`.

    Raises:
        OutputError: if it cannot be written; what stood there before is kept.
    """
    with _replacing(path, "7z") as file:
        archive = _SevenZip(file)
        yield archive
        archive.finish()


@contextlib.contextmanager
def _replacing(path: Path, kind: str) -> Iterator[BinaryIO]:
    if path.is_dir():
        raise OutputError(f"cannot write {path}: a folder has that name; give the path of a {kind} file")
    with replacing(path) as temporary, temporary.open("wb") as file:
        yield file


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, member: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(member, date_time=(1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, content, compresslevel=zlib.Z_BEST_SPEED)


@dataclass(frozen=True)
class _Written:
    name: str
    size: int
    checksum: int


class _SevenZip:
    """The packed bytes stand between a signature, which points behind them, and the header, which describes them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._compressor = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=_FILTERS)
        self._written: list[_Written] = []
        self._packed = 0
        self._file.write(bytes(32))

    def add(self, member: str, content: bytes) -> None:
        if content:
            self._write(self._compressor.compress(content))
        self._written.append(_Written(member, len(content), zlib.crc32(content)))

    def finish(self) -> None:
        full = [each for each in self._written if each.size]
        if full:
            self._write(self._compressor.flush())
        streams = _streams(full, self._packed) if full else b""
        header = b"\x01" + streams + _files(self._written) + b"\x00" if self._written else b""
        self._file.write(header)
        self._file.seek(0)
        start = struct.pack("<QQL", self._packed, len(header), zlib.crc32(header))
        self._file.write(b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<L", zlib.crc32(start)) + start)

    def _write(self, packed: bytes) -> None:
        self._packed += self._file.write(packed)


def _streams(full: Sequence[_Written], packed: int) -> bytes:
    """How the packed bytes unpack, and how the unpacked bytes part into files."""
    size = sum(each.size for each in full)
    pack = b"\x06" + _number(0) + _number(1) + b"\x09" + _number(packed) + b"\x00"
    block = _number(1) + b"\x21\x21" + _number(len(_DICTIONARY_CODE)) + _DICTIONARY_CODE
    unpack = b"\x07\x0b" + _number(1) + b"\x00" + block + b"\x0c" + _number(size) + b"\x00"
    sizes = b"".join(_number(each.size) for each in full[:-1])
    parts = b"\x0d" + _number(len(full)) + (b"\x09" + sizes if sizes else b"")
    checksums = b"\x0a\x01" + struct.pack(f"<{len(full)}L", *(each.checksum for each in full))
    return b"\x04" + pack + unpack + b"\x08" + parts + checksums + b"\x00" + b"\x00"


def _files(written: Sequence[_Written]) -> bytes:
    """Names and attributes; files without content are only here."""
    count = len(written)
    names = b"\x00" + b"".join(f"{each.name}\x00".encode("utf-16-le") for each in written)
    times = b"\x01\x00" + struct.pack("<Q", _EPOCH_1980) * count
    attributes = b"\x01\x00" + struct.pack("<L", _ATTRIBUTES) * count
    content = b"\x05" + _number(count)
    empty = [not each.size for each in written]
    if any(empty):
        content += _property(0x0E, _bits(empty)) + _property(0x0F, _bits([True] * sum(empty)))
    return content + _property(0x11, names) + _property(0x14, times) + _property(0x15, attributes) + b"\x00"


def _property(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _number(len(content)) + content


def _bits(flags: Sequence[bool]) -> bytes:
    text = "".join("1" if flag else "0" for flag in flags).ljust(-(-len(flags) // 8) * 8, "0")
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _number(number: int) -> bytes:
    """As 7z writes numbers: the leading ones of the first byte count the bytes that follow, its rest is the top."""
    for more in range(8):
        if number < 1 << (7 * (more + 1)):
            top = (0xFF00 >> more) & 0xFF | number >> (8 * more)
            return bytes([top]) + (number & ((1 << 8 * more) - 1)).to_bytes(more, "little")
    return b"\xff" + number.to_bytes(8, "little")
