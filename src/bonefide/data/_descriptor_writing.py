# SPDX-License-Identifier: Apache-2.0
"""Write images of descriptors: in pieces, by several processes, resumable, and visible only when they are complete.

All work happens in `.NAME.partial` beside the target. An array has its full size there from the beginning; pieces are
written into it where they belong, and an empty file says of each that it is on the disk.
"""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import BaseFileLock

from bonefide.data._checksum import checksum
from bonefide.data._partial import FINISHED, LOCK, give_name, is_free, recover, take_up, work_of
from bonefide.data._writing import sync_folder
from bonefide.data.descriptor_info import DESCRIPTORS_FILE, DescriptorInfo, array_file
from bonefide.data.descriptor_store import LABELS_FILE, NAMES_FILE, DescriptorStore, open_descriptors
from bonefide.data.store import SkeletonStore
from bonefide.errors import OutputError, StoreError
from bonefide.types import Array
from bonefide.writing import hold, replacing, write_file, writing

__all__ = ["PIECE", "ArrayFolder", "DescriptorWriter"]

PIECE = 256
"""Sequences of a piece: what an interruption costs at most, for each process."""


@dataclass(frozen=True)
class ArrayFolder:
    """Unfinished arrays. Different processes may write different pieces at the same time.

    Args:
        path: folder.
        info: what they will be.
    """

    path: Path
    info: DescriptorInfo

    def allocate(self, name: str) -> None:
        """Make the file of a stored descriptor, unless it is there already; without one, no piece of it counts.

        Raises:
            OutputError: if it cannot be made.
        """
        file, header, size = self._file(name), _header(self.info.shape(name)), self._size(name)
        if file.is_file() and file.stat().st_size == size:
            return
        with writing(file, needed=size):
            for mark in self.path.glob(f"{name}-*"):
                mark.unlink()
            with file.open("wb") as opened:
                opened.write(header)
                opened.truncate(size)
                os.fsync(opened.fileno())

    def pending(self, name: str) -> list[range]:
        """Pieces of a stored descriptor that are not written yet."""
        count = self.info.sequences
        parts = [range(start, min(start + PIECE, count)) for start in range(0, count, PIECE)]
        return [part for part in parts if not self._mark(name, part).is_file()]

    def write(self, name: str, part: range, images: Array) -> None:
        """Write a piece.

        Args:
            name: of a stored descriptor.
            part: rows of the store.
            images: theirs, uint8.

        Raises:
            OutputError: if it cannot be written; what was written before is kept.
        """
        each = int(np.prod(self.info.shape(name)[1:]))
        with writing(self._file(name), needed=images.nbytes):
            with self._file(name).open("r+b") as opened:
                opened.seek(len(_header(self.info.shape(name))) + part.start * each)
                opened.write(np.ascontiguousarray(images, dtype=np.uint8).data)
                opened.flush()
                os.fsync(opened.fileno())
            self._mark(name, part).touch()

    def _file(self, name: str) -> Path:
        return self.path / array_file(name)

    def _mark(self, name: str, part: range) -> Path:
        return self.path / f"{name}-{part.start:07}-{part.stop:07}"

    def _size(self, name: str) -> int:
        shape = self.info.shape(name)
        return len(_header(shape)) + int(np.prod(shape))


class DescriptorWriter:
    """Writes images of a store's sequences; a context manager that holds the only right to write them.

    Args:
        target: their folder. Images of other descriptors that lie there, made in the same way, are kept.
        info: what they will be.
        store: whose sequences they are of.
        overwrite: replace what lies there; it stays until the new images are complete.

    Raises:
        OutputError: on entering, if something else lies at the target, another process is writing it, or the place
            cannot be written.
    """

    def __init__(self, target: Path, info: DescriptorInfo, store: SkeletonStore, *, overwrite: bool = False) -> None:
        self.target, self.info, self.store = Path(os.path.realpath(target)), info, store
        self._overwrite = overwrite
        self._work = work_of(self.target)
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> DescriptorWriter:
        """Take the lock and the work that is left."""
        self._lock = hold(self._work / LOCK, self.target)
        try:
            with writing(self._work):
                recover(self.target)
                self._refuse_what_is_there()
                if take_up(self._work, self.info.to_json()):
                    self._take_back()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock back; unfinished work stays."""
        if self._lock is not None:
            self._lock.release()

    @property
    def folder(self) -> ArrayFolder:
        """Where pieces are written, by whichever process: it can be pickled, and needs no lock while this one holds."""
        return ArrayFolder(self._work, self.info)

    @property
    def there(self) -> tuple[str, ...]:
        """Stored descriptors whose images are complete and stay."""
        found = existing(self.target)
        return found.info.stored if found and found.info.alike(self.info) and not self._overwrite else ()

    def finish(self, names: Sequence[str]) -> DescriptorStore:
        """Give the finished arrays their place.

        Args:
            names: stored descriptors that were written.

        Raises:
            OutputError: if pieces are pending, or the place cannot be written.
        """
        missing = [name for name in names if self.folder.pending(name)]
        if missing:
            raise OutputError(f"{self._work} lacks images of {', '.join(missing)}; run the same command again")
        with writing(self.target):
            if self.there:
                self._add(names)
            else:
                self._make(names)
        shutil.rmtree(self._work, ignore_errors=True)
        return open_descriptors(self.target)

    def _add(self, names: Sequence[str]) -> None:
        # What `descriptors.json` does not name does not count, so that comes last.
        checksums = {array_file(name): checksum(self._work / array_file(name)) for name in names}
        for file in checksums:
            os.replace(self._work / file, self.target / file)
        before = open_descriptors(self.target).info.checksums
        info = dataclasses.replace(self.info, checksums={**before, **checksums})
        write_file(self.target / DESCRIPTORS_FILE, info.to_json())

    def _make(self, names: Sequence[str]) -> None:
        finished = self._work / FINISHED
        finished.mkdir(exist_ok=True)
        _save(finished / NAMES_FILE, self.store.names)
        _save(finished / LABELS_FILE, self.store.labels)
        for name in names:
            if (self._work / array_file(name)).is_file():
                os.replace(self._work / array_file(name), finished / array_file(name))
        checksums = {file: checksum(finished / file) for file in (NAMES_FILE, LABELS_FILE, *map(array_file, names))}
        write_file(finished / DESCRIPTORS_FILE, dataclasses.replace(self.info, checksums=checksums).to_json())
        sync_folder(finished)
        give_name(finished, self.target)

    def _refuse_what_is_there(self) -> None:
        if is_free(self.target):
            return
        if not (self.target / DESCRIPTORS_FILE).is_file():
            raise OutputError(
                f"{self.target} is there already and holds no descriptors; move it away, or describe into another --out"
            )
        if not self._overwrite and (fault := self._fault(existing(self.target))):
            raise OutputError(
                f"{self.target} {fault}; replace them by `bonefide describe --overwrite`, or describe into another "
                "--out, which trainings do not look at"
            )

    def _fault(self, found: DescriptorStore | None) -> str:
        """Why images that are there cannot stay; nothing if they can."""
        if found is None:
            return "holds descriptors that are damaged, or of another version"
        if found.info.store != self.info.store:
            return "holds descriptors of another store"
        there, wanted = dataclasses.asdict(found.info), dataclasses.asdict(self.info)
        differing = [
            f"{name} {there[name]} instead of {wanted[name]}"
            for name in wanted
            if name != "checksums" and there[name] != wanted[name]
        ]
        return f"holds descriptors made in another way ({', '.join(differing)})" if differing else ""

    def _take_back(self) -> None:
        """Arrays that were finished, but whose folder had not got its name."""
        finished = self._work / FINISHED
        if finished.is_dir():
            for array in finished.glob("*.npy"):
                if array.name not in (NAMES_FILE, LABELS_FILE):
                    os.replace(array, self._work / array.name)
            shutil.rmtree(finished)


def existing(path: Path) -> DescriptorStore | None:
    """The descriptors at a place; None if there are none that can be used."""
    try:
        return open_descriptors(path)
    except StoreError:
        return None


def _header(shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    facts = {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, facts)
    return content.getvalue()


def _save(file: Path, array: Array) -> None:
    with replacing(file) as temporary, temporary.open("wb") as opened:
        np.lib.format.write_array(opened, array, version=(1, 0), allow_pickle=False)
