# SPDX-License-Identifier: Apache-2.0
"""A folder of raw files, or one file that is no archive."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from bonefide.data.raw._places import Entry, is_hidden, printable

__all__ = ["FolderPlace"]


class FolderPlace:
    """Files as they lie; see `Place`.

    Args:
        path: of the folder, or of one file.
    """

    sequential: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self, refused: list[str]) -> Iterator[Entry]:
        """All files below the folder."""
        if not self.path.is_dir():
            yield Entry(self.path.name, self.path.stat().st_size, 0)
        for folder, folders, files in os.walk(self.path):
            folders[:] = sorted(name for name in folders if not is_hidden(name))
            for name in sorted(files):
                path = Path(folder, name)
                inner = path.relative_to(self.path).as_posix()
                if is_hidden(name):
                    continue
                with contextlib.suppress(OSError):  # what vanishes while it is listed was not there
                    found = path.lstat()
                    if stat.S_ISREG(found.st_mode):
                        yield Entry(inner, found.st_size, 0)
                    else:
                        refused.append(printable(inner))

    def content(self, entry: Entry, name: str, limit: int) -> bytes:
        """What stands in a file now."""
        path = self.path if self.path.is_file() else self.path / entry.inner
        with path.open("rb") as file:
            return file.read(limit + 1)

    def afresh(self) -> FolderPlace:
        """Nothing is open."""
        return self

    def close(self) -> None:
        """Nothing is open."""
