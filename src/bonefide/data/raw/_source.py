# SPDX-License-Identifier: Apache-2.0
"""Raw files in zip archives and folders, listed and read one by one, never unpacked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bonefide.errors import DataError, RawFileError, did_you_mean

__all__ = ["RawSource"]

MEMBER_LIMIT = 64 * 2**20
"""Largest raw file, in bytes: the longest official recordings have a tenth of it."""
_RATIO_LIMIT = 500
_RATIO_APPLIES_FROM = 2**20
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class _Member:
    place: int
    inner: str
    size: int
    checksum: int


class RawSource:
    """Raw files of a zip archive, a folder, or several of these, as one list of members.

    Nothing is unpacked or written. Hidden files, `__MACOSX`, links, and names that leave their archive are passed over.
    A pickled source reopens its archives where it arrives.

    Args:
        paths: archives and folders.
        limit: largest size of a member, in bytes.

    Raises:
        DataError: if a path is missing, no zip archive and no folder, or a damaged or encrypted archive.

    Example:
        >>> import io, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> with zipfile.ZipFile(f"{folder.name}/raw.zip", "w") as archive:
        ...     archive.writestr("take/one.json", "{}")
        >>> with RawSource(f"{folder.name}/raw.zip") as source:
        ...     source.members, source.read("take/one.json")
        ((('take/one.json', 2),), b'{}')
    """

    def __init__(self, paths: Paths, *, limit: int = MEMBER_LIMIT) -> None:
        several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        self.paths = tuple(Path(path).expanduser().absolute() for path in several)
        self._limit = limit
        self._archives: dict[int, zipfile.ZipFile] = {}
        self._owner = os.getpid()
        self._members: dict[str, _Member] = {}
        self._packed: tuple[bool, ...] = tuple(not _is_folder(path) for path in self.paths)
        self.refused: tuple[str, ...] = ()
        self._list()

    def __enter__(self) -> RawSource:
        """Nothing more to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archives; a later read opens them again."""
        self._close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_archives": {}}

    @property
    def members(self) -> tuple[tuple[str, int], ...]:
        """Names, with folders, and sizes in bytes, in order of the names."""
        return tuple((name, self._members[name].size) for name in sorted(self._members))

    def digest(self) -> str:
        """SHA-256 over names and sizes, and the archives' own checksums of the contents."""
        listed = [(name, self._members[name].size, self._members[name].checksum) for name in sorted(self._members)]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    def read(self, name: str) -> bytes:
        """Content of one member.

        Raises:
            RawFileError: `read` if it is gone or cannot be read, `checksum` if its archive is damaged there,
                `too_large` if it exceeds the limit or unpacks to several hundred times its packed size, `compression`
                if it is packed in a way this package does not unpack.
        """
        member = self._members.get(name)
        if member is None:
            raise RawFileError("read", "there is no such file in the raw data", path=name)
        if member.size > self._limit:
            self._refuse_size(name, member.size)
        try:
            packed = self._packed[member.place]
            content = self._unpack(name, member) if packed else self._load(self.paths[member.place] / member.inner)
        except RawFileError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError) as fault:
            raise RawFileError("checksum", f"the archive is damaged here ({fault})", path=name) from None
        except (OSError, DataError, KeyError, NotImplementedError, RuntimeError, ValueError) as fault:
            raise RawFileError("read", f"it cannot be read ({fault}); it was there when listed", path=name) from None
        if len(content) > self._limit:
            self._refuse_size(name, len(content))
        return content

    def _refuse_size(self, name: str, size: int) -> None:
        raise RawFileError("too_large", f"{size} bytes or more, the limit is {self._limit}", path=name)

    def _load(self, path: Path) -> bytes:
        with path.open("rb") as file:
            return file.read(self._limit + 1)

    def _unpack(self, name: str, member: _Member) -> bytes:
        archive = self._archive(member.place)
        entry = archive.getinfo(member.inner)
        if entry.compress_type not in _COMPRESSIONS:
            raise RawFileError("compression", "packed by a method other than deflate or bzip2", path=name)
        if entry.file_size > max(_RATIO_APPLIES_FROM, _RATIO_LIMIT * entry.compress_size):
            raise RawFileError("too_large", f"unpacks {entry.compress_size} bytes to {entry.file_size}", path=name)
        with archive.open(entry) as file:
            return file.read(self._limit + 1)

    def _archive(self, place: int) -> zipfile.ZipFile:
        if self._owner != os.getpid():
            # A forked process shares the file position with its parent.
            self._archives, self._owner = {}, os.getpid()
        if place not in self._archives:
            self._archives[place] = _open_archive(self.paths[place])
        return self._archives[place]

    def _close(self) -> None:
        for archive in self._archives.values():
            archive.close()
        self._archives = {}

    def _list(self) -> None:
        if not self.paths:
            raise DataError("no raw data were given; name an archive or a folder")
        refused: list[str] = []
        for place, path in enumerate(self.paths):
            found = _list_archive(self._archive(place), refused) if self._packed[place] else _list_folder(path, refused)
            for inner, size, checksum in found:
                name = inner.encode("utf-8", "backslashreplace").decode()
                name = f"{path.name}!/{name}" if name in self._members else name
                self._members[name] = _Member(place, inner, size, checksum)
        self.refused = tuple(sorted(refused))


def _is_folder(path: Path) -> bool:
    if path.is_dir():
        return True
    if path.exists():
        return False
    siblings = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"there is no {path}{did_you_mean(path.name, siblings)}")


def _open_archive(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as fault:
        with path.open("rb") as file:
            truncated = file.read(4) == b"PK\x03\x04"
        state = (
            "a truncated or damaged zip archive; download or copy it again"
            if truncated
            else ("neither a folder nor a zip archive; unpack other archives first and give the folder")
        )
        raise DataError(f"{path} is {state} ({fault})") from None
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror or fault}") from None
    if any(entry.flag_bits & 1 for entry in archive.infolist()):
        archive.close()
        raise DataError(f"{path} is encrypted; unpack it with its password and give the folder")
    return archive


def _list_archive(archive: zipfile.ZipFile, refused: list[str]) -> Iterator[tuple[str, int, int]]:
    for name in dict.fromkeys(archive.namelist()):
        entry = archive.getinfo(name)
        if entry.is_dir() or _is_hidden(name):
            continue
        if _leaves(name) or stat.S_ISLNK(entry.external_attr >> 16):
            refused.append(name.encode("utf-8", "backslashreplace").decode())
        else:
            yield name, entry.file_size, entry.CRC


def _list_folder(top: Path, refused: list[str]) -> Iterator[tuple[str, int, int]]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(files):
            path = Path(folder, name)
            inner = path.relative_to(top).as_posix()
            if _is_hidden(name):
                continue
            with contextlib.suppress(OSError):  # what vanishes while it is listed was not there
                found = path.lstat()
                if stat.S_ISREG(found.st_mode):
                    yield inner, found.st_size, 0
                else:
                    refused.append(inner.encode("utf-8", "backslashreplace").decode())


def _is_hidden(name: str) -> bool:
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in PurePosixPath(name).parts)


def _leaves(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or parts[0].endswith(":")
