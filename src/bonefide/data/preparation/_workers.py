# SPDX-License-Identifier: Apache-2.0
"""Make the shards of a store: in this process, in several of this machine, or on a Dask cluster."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from functools import partial
from itertools import islice
from multiprocessing import current_process
from typing import Any

import joblib
from joblib.executor import get_memmapping_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from bonefide.data.preparation._shard_work import ShardWork
from bonefide.data.write_store import StoreWriter
from bonefide.errors import DataError, InstallationError, OutputError

__all__ = ["Progress", "make_shards"]

Progress = Callable[[int, int], None]
Task = Callable[[], range]

_BYTES_PER_WORKER = 32 * 2**20
"""Raw data below which another process costs more time to start than it saves."""
_ATTEMPTS = 3
_PATIENCE = 20
"""Seconds a scheduler may take to answer."""
_AHEAD = 2
"""Shards that wait for each worker, so that none is ever idle and memory stays bounded."""
_MEMORY = {
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Workers keep the memory that they free: asking the system for the same pages with every file costs several of them
at once a fifth of their time. Systems with another C library than glibc do not read this."""


def make_shards(
    writer: StoreWriter,
    work: ShardWork,
    *,
    workers: int | None,
    scheduler: str | None,
    progress: Progress,
) -> None:
    """Make all shards that are pending.

    Workers write their shards themselves. If one dies, its shards are made again.

    Args:
        writer: of the store, entered.
        work: what to do.
        workers: number of processes; None for all cores as far as the raw data are worth it.
        scheduler: address of a Dask scheduler; None for this machine.
        progress: told the number of files done and of all, first before any, then after every shard.

    Raises:
        OutputError: if a shard cannot be written, or workers keep dying.
        InstallationError: if a scheduler is given and Dask is not installed.
        DataError: if the scheduler cannot be reached, or a worker does not see the files.
    """
    plan, pending = writer.plan, writer.pending()
    done = len(plan.members) - sum(map(len, pending))
    progress(done, len(plan.members))
    if not pending:
        return
    made = _made(writer, work, pending, workers=workers, scheduler=scheduler)
    try:
        for part in made:
            done += len(part)
            progress(done, len(plan.members))
    except KeyboardInterrupt as stop:
        stop.add_note(f"{done} of {len(plan.members)} files are prepared; run the same command again to continue")
        raise


def _made(
    writer: StoreWriter, work: ShardWork, pending: Sequence[range], *, workers: int | None, scheduler: str | None
) -> Iterator[range]:
    if scheduler is not None:
        return _on_cluster(scheduler, writer, work, pending)
    count = _workers(workers, [writer.plan.sizes[place] for part in pending for place in part])
    return _in_processes(count, writer, work, pending) if count > 1 else _here(writer, work, pending)


def _workers(asked: int | None, sizes: Sequence[int]) -> int:
    if asked is not None:
        return asked
    return max(1, min(joblib.cpu_count(), sum(sizes) // _BYTES_PER_WORKER))


def _tasks(writer: StoreWriter, work: ShardWork, pending: Sequence[range], *, sent: bool) -> Iterator[Task]:
    """One task a shard. Of archives that are cheaper to read in order, this process reads the files."""
    recordings = [writer.plan.members[part.start : part.stop] for part in pending]
    files = [work.files_of(names) for names in recordings]
    stream = work.source.stream([name for names in files for name in names]) if work.source.sequential else None
    for part, names, inner in zip(pending, recordings, files, strict=True):
        contents = None if stream is None else dict(islice(stream, len(inner)))
        own = work.narrowed(names) if sent else work
        yield partial(own.write, writer.shards, part, names, contents)


def _here(writer: StoreWriter, work: ShardWork, pending: Sequence[range]) -> Iterator[range]:
    for task in _tasks(writer, work, pending, sent=False):
        yield task()


def _in_processes(count: int, writer: StoreWriter, work: ShardWork, pending: Sequence[range]) -> Iterator[range]:
    for _ in range(_ATTEMPTS):
        made: list[range] = []
        try:
            for part in _as_made(count, _tasks(writer, work, pending, sent=True)):
                made.append(part)
                yield part
            return
        except TerminatedWorkerError:
            # What the dead ones finished is on the disk, whether or not they could tell.
            pending, before = writer.pending(), pending
            yield from (part for part in before if part not in pending and part not in made)
    names = [writer.plan.members[part.start] for part in pending[:3]]
    raise OutputError(
        f"worker processes died {_ATTEMPTS} times, perhaps for want of memory; {len(pending)} shards are left, "
        f"beginning with {', '.join(names)}; the others are kept: try again with --workers 1"
    )


def _as_made(count: int, tasks: Iterator[Task]) -> Iterator[range]:
    # joblib.Parallel would do, but looks for results only every ten milliseconds, a tenth of what a shard takes.
    pool = get_memmapping_executor(count, env=_MEMORY, initializer=_keep_to_a_core, initargs=(count,))
    running = {pool.submit(_call, task) for task in islice(tasks, _AHEAD * count)}
    try:
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_call, task) for task in islice(tasks, len(ended))}
            yield from (future.result() for future in ended)
    finally:
        for future in running:
            future.cancel()


def _keep_to_a_core(count: int) -> None:
    """Give each worker a core of its own, if there is one for every core.

    The CSV reader hands each file to a thread and waits for it: no loss on one core, a sixth of the time when both
    look for a place among cores that are all busy. With fewer workers than cores others may need those we would take.
    """
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        number = current_process().name.rpartition("-")[2]  # the pool counts its processes
        if count == len(cores) and number.isdecimal():
            os.sched_setaffinity(0, {cores[int(number) % count]})


def _call(task: Task) -> range:
    return task()


def _on_cluster(address: str, writer: StoreWriter, work: ShardWork, pending: Sequence[range]) -> Iterator[range]:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise InstallationError('--scheduler needs Dask: pip install "bonefide[scale]"') from None
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as fault:
        raise DataError(f"no Dask scheduler answers at {address}: {fault}") from None
    with client:
        ahead = _AHEAD * max(1, sum(client.ncores().values()))
        tasks = _tasks(writer, work, pending, sent=True)
        running = distributed.as_completed(loop=client.loop)
        try:
            for task in islice(tasks, ahead):
                running.add(client.submit(_call, task, pure=False))
            for future in running:
                yield _result(future, distributed.KilledWorker)
                for task in islice(tasks, 1):
                    running.add(client.submit(_call, task, pure=False))
        finally:
            running.clear()


def _result(future: Any, killed: type[Exception]) -> range:
    try:
        part: range = future.result()
    except killed as fault:
        raise OutputError(f"cluster workers died again and again at one shard ({fault}); the others are kept") from None
    return part
