# SPDX-License-Identifier: Apache-2.0
"""A zip archive of raw files."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from bonefide.data.raw._places import Entry, is_hidden, leaves, printable, refuse_bomb
from bonefide.errors import DataError, RawFileError

__all__ = ["ZipPlace"]

_DEFLATE: Any = importlib.import_module("isal.isal_zlib") if importlib.util.find_spec("isal") else zlib
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}


class ZipPlace:
    """Members packed one by one; see `Place`.

    Deflated members are unpacked in one go, by Intel's library where it is installed, which halves the time.

    Args:
        path: of the archive.
    """

    sequential: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._owner = os.getpid()
        self._sent = False

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_archive": None, "_owner": 0, "_sent": True}

    def entries(self, refused: list[str]) -> Iterator[Entry]:
        """All members.

        Raises:
            DataError: if it is no zip archive, or a damaged or encrypted one.
        """
        archive = self._opened()
        for name in dict.fromkeys(archive.namelist()):
            entry = archive.getinfo(name)
            if entry.is_dir() or is_hidden(name):
                continue
            if leaves(name) or stat.S_ISLNK(entry.external_attr >> 16):
                refused.append(printable(name))
            else:
                yield Entry(name, entry.file_size, entry.CRC)

    def content(self, entry: Entry, name: str, limit: int) -> bytes:
        """Unpack a member.

        Raises:
            RawFileError: `compression`, `too_large` or `checksum`.
        """
        archive = self._opened()
        found = archive.getinfo(entry.inner)
        if found.compress_type not in _COMPRESSIONS:
            raise RawFileError("compression", "packed by a method other than deflate or bzip2", path=name)
        refuse_bomb(name, found.compress_size, found.file_size)
        try:
            if found.compress_type == zipfile.ZIP_DEFLATED:
                return _inflated(archive, found, limit + 1)
            with archive.open(found) as file:
                return file.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, _DEFLATE.error, EOFError) as fault:
            raise RawFileError("checksum", f"the archive is damaged here ({fault})", path=name) from None

    def afresh(self) -> ZipPlace:
        """The same archive, not yet open."""
        return ZipPlace(self.path)

    def close(self) -> None:
        """Close the archive."""
        if self._archive is not None and not self._sent:
            self._archive.close()
        self._archive = None

    def _opened(self) -> zipfile.ZipFile:
        if self._owner != os.getpid():
            # A forked process shares the file position with its parent.
            self._archive, self._owner = None, os.getpid()
        if self._archive is None:
            # A worker gets the same archive with every task; its list of members takes longer to read than a task.
            self._archive = _kept(self.path, os.stat(self.path).st_mtime_ns) if self._sent else _open(self.path)
        return self._archive


def _inflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """A deflated member, or its first `most` bytes."""
    stored = copy.copy(entry)
    stored.compress_type, stored.file_size = zipfile.ZIP_STORED, entry.compress_size
    stored.CRC = None  # type: ignore[assignment]  # that of the packed bytes is not known
    with archive.open(stored) as file:
        packed = file.read()
    unpacking = _DEFLATE.decompressobj(wbits=-zlib.MAX_WBITS)
    content: bytes = unpacking.decompress(packed, most)
    if len(content) < most and (not unpacking.eof or len(content) != entry.file_size):
        raise zipfile.BadZipFile(f"{len(content)} bytes instead of {entry.file_size}")
    if len(content) < most and _DEFLATE.crc32(content) != entry.CRC:
        raise zipfile.BadZipFile("wrong checksum")
    return content


@lru_cache(maxsize=4)
def _kept(path: Path, changed: int) -> zipfile.ZipFile:
    return _open(path)


def _open(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as fault:
        with path.open("rb") as file:
            truncated = file.read(4) == b"PK\x03\x04"
        state = (
            "a truncated or damaged zip archive; download or copy it again"
            if truncated
            else "neither a folder nor a zip archive nor a 7z archive; unpack other archives first and give the folder"
        )
        raise DataError(f"{path} is {state} ({fault})") from None
    if any(entry.flag_bits & 1 for entry in archive.infolist()):
        archive.close()
        raise DataError(f"{path} is encrypted; unpack it with its password and give the folder")
    return archive
