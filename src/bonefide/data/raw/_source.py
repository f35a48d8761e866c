# SPDX-License-Identifier: Apache-2.0
"""Raw files in archives and folders, listed and read one by one, never unpacked to the disk."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bonefide.data.raw._folder import FolderPlace
from bonefide.data.raw._places import Entry, Place, is_hidden, printable, refuse_size
from bonefide.data.raw._seven_zip import SevenZipPlace
from bonefide.data.raw._zip import ZipPlace
from bonefide.errors import DataError, RawFileError, did_you_mean

__all__ = ["RawSource"]

MEMBER_LIMIT = 64 * 2**20
"""Largest raw file, in bytes: the longest official recordings have a tenth of it."""
TOGETHER_LIMIT = 4 * MEMBER_LIMIT
"""Most bytes that are read at once: the label files of all data sets have a hundredth of it."""

_ARCHIVES = (".zip", ".7z")
_LISTS = (".txt", ".csv", ".tsv")
_SINGLE = (*_LISTS, ".json", ".npy", ".npz", ".bvh", ".mat", ".skeleton")
"""Endings of files that are no archives but one raw file; `.npz` would pass for a zip archive."""

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class _Member:
    place: int
    entry: Entry


class RawSource:
    """Raw files of zip and 7z archives, folders and single raw files, as one list of members.

    Nothing is unpacked to the disk or written. Hidden files, `__MACOSX`, links, and names that leave their archive are
    passed over. A pickled source reopens its archives where it arrives. A 7z archive packs many files as one: read its
    members in the order that `order` gives; `read` goes on from where the last one ended, and otherwise unpacks
    everything before a member again. Not for several threads at once.

    Args:
        paths: archives, folders, and single files with the ending of a raw format. Archives in a folder are opened if
            it holds nothing but archives and lists (`.txt`, `.csv`, `.tsv`), as a folder of downloads does.
        limit: largest size of a member, in bytes.

    Raises:
        DataError: if a path is missing, none of these, or a damaged or encrypted archive.

    Example:
        >>> import tempfile, zipfile
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
        if not self.paths:
            raise DataError("no raw data were given; name an archive or a folder")
        self._limit = limit
        self._places = tuple(place for path in self.paths for place in _places(path))
        self._members: dict[str, _Member] = {}
        self.refused: tuple[str, ...] = ()
        self._list()

    def __enter__(self) -> RawSource:
        """Nothing more to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archives; a later read opens them again."""
        _close(self._places)

    @property
    def members(self) -> tuple[tuple[str, int], ...]:
        """Names, with folders, and sizes in bytes, in order of the names."""
        return tuple((name, self._members[name].entry.size) for name in sorted(self._members))

    @property
    def sequential(self) -> bool:
        """Whether some members are much cheaper to read in order than at random: those of 7z archives."""
        return any(self._places[place].sequential for place in {member.place for member in self._members.values()})

    def digest(self) -> str:
        """SHA-256 over names and sizes, and the archives' own checksums of the contents."""
        entries = [(name, self._members[name].entry) for name in sorted(self._members)]
        listed = [(name, entry.size, entry.checksum) for name, entry in entries]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    def order(self, names: Iterable[str]) -> list[str]:
        """Names in the cheapest order to read them: by name; behind these, members of 7z archives as they lie there."""
        return sorted(names, key=self._rank)

    def narrowed(self, names: Iterable[str]) -> RawSource:
        """The same source, knowing no more members than these: small enough to be sent to a worker with each task."""
        own = copy.copy(self)
        own._places = tuple(place.afresh() for place in self._places)
        own._members = {name: self._members[name] for name in names}
        return own

    def read(self, name: str) -> bytes:
        """Content of one member.

        Raises:
            RawFileError: `read` if it is gone or cannot be read, `checksum` if its archive is damaged there,
                `too_large` if it exceeds the limit or unpacks to several hundred times its packed size, `compression`
                if it is packed in a way this package does not unpack.
        """
        return self._read(name, self._places)

    def stream(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | RawFileError]]:
        """Content of members one by one, in the order given, or why there is none.

        Memory is bounded by the largest member. In the order of `order` every block of an archive is unpacked once.
        What `read` does meanwhile does not disturb this, and closing the iterator releases the archives.

        Args:
            names: which members.

        Yields:
            Name, and content or the error that `read` raises.
        """
        places = tuple(place.afresh() if place.sequential else place for place in self._places)
        try:
            for name in names:
                yield name, self._try(name, places)
        finally:
            _close(place for place in places if place.sequential)

    def read_many(self, names: Collection[str], *, limit: int = TOGETHER_LIMIT) -> dict[str, bytes]:
        """Contents of small files, such as labels, in one pass through their archives.

        Args:
            names: which members.
            limit: most bytes of all of them together.

        Raises:
            RawFileError: of the first that cannot be read, see `read`; `too_large` if they exceed the limit together.
        """
        total = sum(self._members[name].entry.size for name in set(names) & self._members.keys())
        if total > limit:
            refuse_size(f"{len(names)} files together", total, limit)
        contents: dict[str, bytes] = {}
        for name, content in self.stream(self.order(set(names))):
            if isinstance(content, RawFileError):
                raise content
            contents[name] = content
        return {name: contents[name] for name in names}

    def _rank(self, name: str) -> tuple[int, int, str]:
        member = self._members.get(name)
        if member is None or not self._places[member.place].sequential:
            return -1, 0, name
        return member.place, member.entry.position, name

    def _try(self, name: str, places: Sequence[Place]) -> bytes | RawFileError:
        try:
            return self._read(name, places)
        except RawFileError as fault:
            return fault

    def _read(self, name: str, places: Sequence[Place]) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise RawFileError("read", "there is no such file in the raw data", path=name)
        if member.entry.size > self._limit:
            refuse_size(name, member.entry.size, self._limit)
        try:
            content = places[member.place].content(member.entry, name, self._limit)
        except RawFileError:
            raise
        except (OSError, DataError, KeyError, NotImplementedError, RuntimeError, ValueError) as fault:
            raise RawFileError("read", f"it cannot be read ({fault}); it was there when listed", path=name) from None
        if len(content) > self._limit:
            refuse_size(name, len(content), self._limit)
        return content

    def _list(self) -> None:
        refused: list[str] = []
        opened = {place.path for place in self._places}
        for number, place in enumerate(self._places):
            with _telling(place.path):
                for entry in place.entries(refused):
                    if place.path / entry.inner in opened:
                        continue
                    name = printable(entry.inner)
                    name = f"{place.path.name}!/{name}" if name in self._members else name
                    self._members[name] = _Member(number, entry)
        self.refused = tuple(sorted(refused))


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror or fault}") from None


def _places(path: Path) -> list[Place]:
    """A path, and the archives in it if it is a folder of downloads: of archives and lists, and nothing else."""
    own = _place(path)
    if not path.is_dir():
        return [own]
    with _telling(path):
        inner = sorted(each for each in path.iterdir() if not is_hidden(each.name))
    archives = [each for each in inner if each.suffix.lower() in _ARCHIVES and each.is_file()]
    others = [each for each in inner if each not in archives]
    downloads = all(each.is_file() and each.suffix.lower() in _LISTS for each in others)
    return [own, *map(_place, archives)] if downloads else [own]


def _place(path: Path) -> Place:
    if path.is_dir():
        return FolderPlace(path)
    if not path.exists():
        siblings = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"there is no {path}{did_you_mean(path.name, siblings)}")
    if not path.is_file():
        raise DataError(f"{path} is neither a folder nor a file")
    with _telling(path):
        if SevenZipPlace.recognizes(path):
            return SevenZipPlace(path)
    return FolderPlace(path) if path.suffix.lower() in _SINGLE else ZipPlace(path)


def _close(places: Iterable[Place]) -> None:
    for place in places:
        place.close()
