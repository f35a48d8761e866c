# SPDX-License-Identifier: Apache-2.0
"""What a folder and the kinds of archives have in common as places of raw files: entries, and the rules for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, NoReturn, Protocol

from bonefide.data.raw._unpacking import Block
from bonefide.errors import RawFileError

__all__ = ["Entry", "Place", "is_bomb", "is_hidden", "leaves", "printable", "refuse_bomb", "refuse_size"]

_RATIO_LIMIT = 500
_RATIO_APPLIES_FROM = 2**20


@dataclass(frozen=True)
class Entry:
    """A file in its place.

    Args:
        inner: its name there.
        size: bytes, as declared.
        checksum: CRC-32 as the archive has it; 0 for files of a folder, None where an archive has none.
        position: rank in the cheapest order of reading.
        block: of a 7z archive, which packs many files as one; None for empty files and elsewhere.
        offset: first byte in the unpacked block.
    """

    inner: str
    size: int
    checksum: int | None
    position: int = 0
    block: Block | None = None
    offset: int = 0


class Place(Protocol):
    """A folder or an archive. When it is pickled it stays closed; in a forked process it opens again."""

    path: Path
    sequential: ClassVar[bool]

    def entries(self, refused: list[str]) -> Iterator[Entry]:
        """All files that may be read; the names of links and of those that lead elsewhere are added to `refused`."""
        ...

    def content(self, entry: Entry, name: str, limit: int) -> bytes:
        """Content of a file, at most one byte more than the limit; faults are told of `name`."""
        ...

    def afresh(self) -> Place:
        """The same place, opened on its own."""
        ...

    def close(self) -> None:
        """Release the files; a later read opens them again."""
        ...


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder it is in, is of the system's own making."""
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in PurePosixPath(name).parts)


def leaves(name: str) -> bool:
    """Whether a name would lead out of the folder that an archive is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or parts[0].endswith(":")


def printable(name: str) -> str:
    """A name without what UTF-8 does not know."""
    return name.encode("utf-8", "backslashreplace").decode()


def refuse_size(name: str, size: int, limit: int) -> NoReturn:
    """Say that a file is too large."""
    raise RawFileError("too_large", f"{size} bytes or more, the limit is {limit}", path=name)


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether something unpacks to several hundred times its size: no recording does."""
    return unpacked > max(_RATIO_APPLIES_FROM, _RATIO_LIMIT * packed)


def refuse_bomb(name: str, packed: int, unpacked: int) -> None:
    """Refuse what is packed as no recording is."""
    if is_bomb(packed, unpacked):
        raise RawFileError("too_large", f"unpacks {packed} bytes to {unpacked}", path=name)
