# SPDX-License-Identifier: Apache-2.0
"""A 7z archive of raw files, unpacked from front to back in memory that does not grow with it."""

from __future__ import annotations

import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from bonefide.data.raw._places import Entry, is_bomb, is_hidden, leaves, printable, refuse_bomb, refuse_size
from bonefide.data.raw._seven_zip_header import Contents, PackedFile, encoded_block, is_encoded, parse_header
from bonefide.data.raw._unpacking import ENCRYPTION, Block, DamagedBlockError, UnknownPackingError, Unpacker
from bonefide.errors import DataError, RawFileError

__all__ = ["SevenZipPlace"]

MAGIC = b"7z\xbc\xaf\x27\x1c"
_START = 32
_HEADER_LIMIT = 2**25
"""A hundred thousand names are a quarter of it."""
_LAYERS = 4
_VOLUME = re.compile(r"\.7z\.\d+$", re.IGNORECASE)
_UNIX, _REPARSE = 0x8000, 0x400


class SevenZipPlace:
    """Members packed many together: to unpack one, all before it in its block are unpacked; see `Place`.

    What was unpacked last is kept in mind, so that reading in the order of the archive unpacks everything once.
    Blocks of LZMA, LZMA2, bzip2 and copied bytes are unpacked, also behind a delta or branch filter.

    Args:
        path: of the archive.
    """

    sequential: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._unpacker: Unpacker | None = None
        self._owner = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_unpacker": None}

    @staticmethod
    def recognizes(path: Path) -> bool:
        """Whether a file is a 7z archive, or a part of one, by its content or its name."""
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC or _VOLUME.search(path.name) is not None

    def entries(self, refused: list[str]) -> Iterator[Entry]:
        """All members, in the order of the archive.

        Raises:
            DataError: if it is truncated, damaged, encrypted, or one of several volumes.
        """
        contents = _contents(self.path)
        for position, file in enumerate(contents.files):
            if is_hidden(file.name):
                continue
            if leaves(file.name) or _is_special(file):
                refused.append(printable(file.name))
            else:
                block, checksum = (contents.blocks[file.block], file.checksum) if file.size else (None, 0)
                yield Entry(file.name, file.size, checksum, position, block, file.offset)

    def content(self, entry: Entry, name: str, limit: int) -> bytes:
        """Unpack a member.

        Raises:
            RawFileError: `compression`, `too_large` or `checksum`.
        """
        if entry.block is None:
            return b""
        if entry.size > limit:
            refuse_size(name, entry.size, limit)
        refuse_bomb(name, entry.block.packed, entry.block.unpacked)
        try:
            unpacker = self._before(entry.block, entry.offset)
            unpacker.skip_to(entry.offset)
            content = unpacker.read(entry.size)
        except UnknownPackingError as fault:
            message = f"packed by {fault}, which is not unpacked here; unpack it with 7-Zip and give the folder"
            raise RawFileError("compression", message, path=name) from None
        except DamagedBlockError as fault:
            raise RawFileError("checksum", f"the archive is damaged here or before ({fault})", path=name) from None
        if entry.checksum is not None and zlib.crc32(content) != entry.checksum:
            raise RawFileError("checksum", "the archive is damaged here or before (bad CRC-32)", path=name)
        return content

    def afresh(self) -> SevenZipPlace:
        """The same archive, at its beginning."""
        return SevenZipPlace(self.path)

    def close(self) -> None:
        """Close the archive and forget what was unpacked."""
        if self._file is not None:
            self._file.close()
        self._file = self._unpacker = None

    def _before(self, block: Block, offset: int) -> Unpacker:
        """An unpacker of that block that is not past that place."""
        if self._owner != os.getpid():
            # A forked process shares the file position with its parent.
            self._file, self._unpacker, self._owner = None, None, os.getpid()
        if self._unpacker is None or self._unpacker.block != block or self._unpacker.place > offset:
            self._unpacker = None
            if self._file is None:
                self._file = self.path.open("rb")
            self._unpacker = Unpacker(self._file, block)
        return self._unpacker


def _is_special(file: PackedFile) -> bool:
    mode = file.attributes >> 16 if file.attributes & _UNIX else 0
    return bool(file.attributes & _REPARSE) or (stat.S_IFMT(mode) not in {0, stat.S_IFREG})


def _contents(path: Path) -> Contents:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            header = _header(file, path, size)
            contents = parse_header(header) if header else Contents((), ())
        for block in contents.blocks:
            _check_block(block, path, size)
    except (ValueError, DamagedBlockError, UnknownPackingError) as fault:
        if _VOLUME.search(path.name):
            whole = path.with_suffix("").name
            raise DataError(
                f"{path} is one of several volumes; join them and give the whole archive: cat {whole}.* > {whole}, on "
                f"Windows copy /b {whole}.001+{whole}.002 {whole} (with all volumes)"
            ) from None
        raise DataError(f"{path} is a truncated or damaged 7z archive; download or copy it again ({fault})") from None
    return contents


def _header(file: BinaryIO, path: Path, size: int) -> bytes:
    """The header, unpacked as often as it is packed."""
    start = file.read(_START)
    if len(start) < _START or not start.startswith(MAGIC):
        raise ValueError("it does not begin as an archive does")
    offset, length, checksum = struct.unpack("<QQL", start[12:])
    if struct.unpack("<L", start[8:12])[0] != zlib.crc32(start[12:]):
        raise ValueError("its first bytes are damaged")
    if _START + offset + length > size:
        raise ValueError(f"{_START + offset + length - size} bytes are missing")
    if length > _HEADER_LIMIT:
        raise ValueError(f"its header has {length} bytes")
    file.seek(_START + offset)
    header = file.read(length)
    if zlib.crc32(header) != checksum:
        raise ValueError("its header is damaged")
    for _ in range(_LAYERS):
        if not is_encoded(header):
            return header
        header = _unpacked(file, encoded_block(header), path, size)
    raise ValueError("its header is packed again and again")


def _unpacked(file: BinaryIO, block: Block, path: Path, size: int) -> bytes:
    _check_block(block, path, size)
    if block.unpacked > _HEADER_LIMIT or is_bomb(block.packed, block.unpacked):
        raise ValueError(f"its header has {block.unpacked} bytes")
    header = Unpacker(file, block).read(block.unpacked)
    if block.checksum is not None and zlib.crc32(header) != block.checksum:
        raise ValueError("its header is damaged")
    return header


def _check_block(block: Block, path: Path, size: int) -> None:
    if any(coder.method == ENCRYPTION for coder in block.coders):
        raise DataError(f"{path} is encrypted; unpack it with its password and give the folder")
    if block.start + block.packed > size:
        raise ValueError(f"{block.start + block.packed - size} bytes are missing")
