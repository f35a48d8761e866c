# SPDX-License-Identifier: Apache-2.0
"""Write a store: resumable shard by shard, and visible only when it is complete.

All work happens in `.NAME.partial` beside the target. Each shard of recordings becomes two files there; the last act is
one rename of the finished folder. Nothing that is written depends on time, on the machine, or on interruptions.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import BaseFileLock

from bonefide.data._joining import join_index, join_shards
from bonefide.data._partial import FINISHED, LOCK, give_name, is_free, recover, take_up, work_of
from bonefide.data._shards import Entry, Shard, ShardFolder
from bonefide.data.datasets import DatasetInfo
from bonefide.data.store import SkeletonStore, open_store
from bonefide.data.store_info import INFO_FILE, is_store_json
from bonefide.data.store_plan import StorePlan
from bonefide.errors import DataError, OutputError, StoreError
from bonefide.layouts import SkeletonLayout
from bonefide.layouts import layout as named_layout
from bonefide.writing import hold, writing

__all__ = ["Entry", "Shard", "StorePlan", "StoreWriter", "finished_store", "is_store", "write_store"]


class StoreWriter:
    """Writes one store; a context manager that holds the only right to write it.

    Args:
        target: folder of the store.
        plan: what will be in it. Work that an earlier writer of the same plan left is taken up, any other is discarded.
        overwrite: replace a store that is already there; it stays until the new one is complete.

    Raises:
        OutputError: on entering, if something else lies at the target, another process is writing it, or the place
            cannot be written.
    """

    def __init__(self, target: str | os.PathLike[str], plan: StorePlan, *, overwrite: bool = False) -> None:
        self.target = Path(os.path.realpath(target))
        self.plan = plan
        self._overwrite = overwrite
        self._work = work_of(self.target)
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> StoreWriter:
        """Take the lock and the work that is left."""
        with writing(self.target):
            _refuse_what_is_there(self.target, overwrite=self._overwrite)
        self._lock = hold(self._work / LOCK, self.target)
        try:
            with writing(self._work):
                recover(self.target)
                _refuse_what_is_there(self.target, overwrite=self._overwrite)
                take_up(self._work, self.plan.fingerprint)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock back; unfinished work stays."""
        if self._lock is not None:
            self._lock.release()

    @property
    def shards(self) -> ShardFolder:
        """Where shards are written, by whichever process: it can be pickled, and needs no lock while this one holds."""
        return ShardFolder(self._work, self.plan.shape, self.plan.dtype, self.plan.finite)

    def pending(self) -> list[range]:
        """Those parts of the plan that are not written yet."""
        return [part for part in self.plan.parts() if self.shards.read(part) is None]

    def finish(self) -> SkeletonStore:
        """Join the shards and give the store its name.

        Raises:
            DataError: if no sample is left, or two have the same name.
            OutputError: if parts are pending, or the store cannot be written; the shards are kept.
        """
        shards = [self.shards.read(part) for part in self.plan.parts()]
        saved = [shard for shard in shards if shard is not None]
        if len(saved) != len(shards):
            raise OutputError(f"{self._work} lacks {len(shards) - len(saved)} of its parts; run the same command again")
        try:
            index = join_index(saved, self.plan)
        except DataError:
            shutil.rmtree(self._work, ignore_errors=True)
            raise
        needed = sum(shard.path.stat().st_size for shard in saved)
        finished = self._work / FINISHED
        with writing(self.target, needed=needed):
            shutil.rmtree(finished, ignore_errors=True)
            finished.mkdir()
            join_shards(finished, index, saved, self.plan)
            give_name(finished, self.target)
        shutil.rmtree(self._work, ignore_errors=True)
        return open_store(self.target)


def write_store(
    target: str | os.PathLike[str],
    info: DatasetInfo,
    entries: Sequence[Entry],
    *,
    layout: str | SkeletonLayout = "ucla20",
    dtype: str = "float32",
    overwrite: bool = False,
) -> SkeletonStore:
    """Write sequences that are in memory, as they are.

    Args:
        target: folder of the store.
        info: their data set.
        entries: the sequences.
        layout: of their joints, or its name.
        dtype: type of the stored coordinates.
        overwrite: replace a store that is already there.

    Raises:
        DataError: if there is none, two have one name, a label has no class, or one does not fit the layout.
        OutputError: if the store cannot be written.
    """
    ordered = sorted(entries, key=lambda entry: entry.sequence.name)
    members = tuple(entry.sequence.name for entry in ordered)
    content = hashlib.sha256()
    for entry in ordered:
        content.update(np.ascontiguousarray(entry.sequence.joints).tobytes())
    channels = ordered[0].sequence.joints.shape[-1] if ordered else 3
    skeleton = named_layout(layout) if isinstance(layout, str) else layout
    plan = StorePlan(info, "memory", "plain", 2, skeleton, dtype, members, content.hexdigest(), channels=channels)
    with StoreWriter(target, plan, overwrite=overwrite) as writer:
        for part in writer.pending():
            writer.shards.write(part, Shard(tuple(ordered[part.start : part.stop])))
        return writer.finish()


def is_store(path: Path) -> bool:
    """Whether a store of any version, damaged or not, lies there."""
    try:
        return is_store_json((path / INFO_FILE).read_bytes())
    except OSError:
        return False


def finished_store(target: str | os.PathLike[str], plan: StorePlan) -> SkeletonStore | None:
    """The store at the target if writing the plan would give it again, else None.

    Args:
        target: folder of the store.
        plan: what would be written.

    Raises:
        OutputError: if a store is there that cannot be used.
    """
    place = Path(target)
    if not is_store(place):
        return None
    try:
        store = open_store(place)
    except StoreError as fault:
        raise OutputError(f"{place} is a store that cannot be used ({fault})") from None
    return store if store.info.fingerprint == plan.fingerprint else None


def _refuse_what_is_there(target: Path, *, overwrite: bool) -> None:
    if is_free(target):
        return
    if not is_store(target):
        raise OutputError(f"{target} is there already and is not a store; choose another --out")
    if not overwrite:
        raise OutputError(f"{target} is another store; choose another --out, or replace it with --overwrite")
