# SPDX-License-Identifier: Apache-2.0
"""`describe_store`: the sequences of a store to images of descriptors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError

from bonefide.data._descriptor_writing import ArrayFolder, DescriptorWriter, existing
from bonefide.data.descriptor_info import DescriptorInfo, stored_names
from bonefide.data.descriptor_store import DescriptorStore
from bonefide.data.store import SkeletonStore
from bonefide.descriptors import describe
from bonefide.errors import DataError, OutputError

__all__ = ["SIZE", "describe_store", "descriptor_folder", "training_images"]

Progress = Callable[[int, int], None]

SIZE = 112
"""Rows, and columns, of a published image."""
_SMALLEST, _LARGEST = 8, 1024
_TOGETHER = 64
"""Sequences that are described at once."""
_FRAMES_PER_WORKER = 150_000
"""Frames of bodies below which another process costs more time to start than it saves."""


def descriptor_folder(store: SkeletonStore, *, corrected: bool = False) -> Path:
    """Where trainings look for the images of a store.

    Args:
        store: whose sequences they are of.
        corrected: images without the mistakes of the official code, which lie apart.
    """
    return store.path / ("descriptors_corrected" if corrected else "descriptors")


def describe_store(
    store: SkeletonStore,
    names: Sequence[str],
    out: str | os.PathLike[str] | None = None,
    *,
    corrected: bool = False,
    size: int = SIZE,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DescriptorStore:
    """Compute images of descriptors of all sequences of a store, as far as they are not there.

    Interrupted in whatever way, the same call continues where it stopped and gives the same bytes, whoever does the
    work.

    Args:
        store: whose sequences they are of.
        names: descriptors.
        out: folder of the images; None for where trainings look for them, see `descriptor_folder`.
        corrected: without the mistakes of the official code.
        size: rows, and columns, of an image, 8 to 1024; published networks take 112.
        workers: number of processes; None for all cores as far as there is enough to do.
        overwrite: replace images that are there.
        progress: called with the number of sequences done and of all, first when work begins, then after every piece.

    Raises:
        UnknownNameError: if there is no such descriptor.
        ShapeError: if a descriptor is not defined for the joints.
        DataError: if `size` or `workers` is out of range, or coordinates are not finite.
        OutputError: if the images cannot be written, or something else is there.
    """
    wanted = stored_names(names)
    _check(store, wanted, size, workers)
    target = descriptor_folder(store, corrected=corrected) if out is None else Path(out)
    info = DescriptorInfo.of(store, corrected=corrected, size=size)
    found = None if overwrite else existing(target)
    if found is not None and found.info.alike(info) and set(wanted) <= set(found.info.stored):
        return found
    with DescriptorWriter(target, info, store, overwrite=overwrite) as writer:
        missing = [name for name in wanted if name not in writer.there]
        for name in missing:
            writer.folder.allocate(name)
        _make(writer.folder, store, missing, workers, progress or _silent)
        return writer.finish(missing)


def training_images(
    store: SkeletonStore, names: Sequence[str], *, corrected: bool = False, progress: Progress | None = None
) -> DescriptorStore:
    """Images to train on: those that lie in the store, from wherever they are; computed into it if there are none.

    Args:
        store: whose sequences they are of.
        names: descriptors.
        corrected: without the mistakes of the official code.
        progress: as of `describe_store`; not called if nothing is to be done.

    Raises:
        BonefideError: as `describe_store`.
    """
    found = existing(descriptor_folder(store, corrected=corrected))
    if found is not None and set(stored_names(names)) <= set(found.info.stored):
        facts = found.info
        if (facts.store, facts.size, facts.corrected) == (store.info.fingerprint, SIZE, corrected):
            return found
    return describe_store(store, names, corrected=corrected, progress=progress)


def _silent(done: int, total: int) -> None:
    """No progress is asked for."""


def _check(store: SkeletonStore, wanted: Sequence[str], size: int, workers: int | None) -> None:
    if not wanted:
        raise DataError("no descriptor is asked for; say one at least, as in --as jdd")
    if not _SMALLEST <= size <= _LARGEST:
        raise DataError(f"the size of an image must be {_SMALLEST} to {_LARGEST}, got {size}")
    if workers is not None and workers < 1:
        raise DataError(f"workers must be at least 1, got {workers}")


def _make(
    folder: ArrayFolder, store: SkeletonStore, names: Sequence[str], workers: int | None, progress: Progress
) -> None:
    lacking: dict[range, list[str]] = {}
    for name in names:
        for part in folder.pending(name):
            lacking.setdefault(part, []).append(name)
    pending = sorted(lacking, key=lambda part: part.start)
    done = len(store) - sum(map(len, pending))
    count = workers or max(1, min(joblib.cpu_count(), store.info.shape[0] // _FRAMES_PER_WORKER))
    progress(done, len(store))
    tasks = [(part, lacking[part]) for part in pending]
    try:
        for part in _made(folder, store, tasks, min(count, len(tasks))):
            done += len(part)
            progress(done, len(store))
    except KeyboardInterrupt as stop:
        stop.add_note(f"{done} of {len(store)} sequences are described; run the same command again to continue")
        raise


def _made(
    folder: ArrayFolder, store: SkeletonStore, tasks: Sequence[tuple[range, list[str]]], count: int
) -> Iterator[range]:
    if count < 2:
        yield from (_describe(folder, store, part, names) for part, names in tasks)
        return
    pool = joblib.Parallel(count, return_as="generator_unordered", batch_size=1, pre_dispatch=2 * count)
    try:
        yield from pool(joblib.delayed(_describe)(folder, store, part, names) for part, names in tasks)
    except TerminatedWorkerError:
        raise OutputError(
            "a worker process died, perhaps for want of memory; what is described is kept: try again with --workers 1"
        ) from None


def _describe(folder: ArrayFolder, store: SkeletonStore, part: range, names: Sequence[str]) -> range:
    """Describe the sequences of a piece and write it; what a worker does."""
    info, layout = folder.info, store.layout
    images = {name: np.empty((len(part), *info.shape(name)[1:]), dtype=np.uint8) for name in names}
    for start in range(part.start, part.stop, _TOGETHER):
        rows = range(start, min(start + _TOGETHER, part.stop))
        joints = [store.joints(row) for row in rows]
        for row, each in zip(rows, joints, strict=True):
            if not np.isfinite(each).all():
                raise DataError(f"{store.names[row]}: coordinates that are not finite cannot be described")
        found = describe(names, joints, layout, corrected=info.corrected, size=info.size)
        for name in names:
            images[name][start - part.start : rows.stop - part.start] = found[name]
    for name in names:
        folder.write(name, part, images[name])
    return part
