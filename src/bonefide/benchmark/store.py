# SPDX-License-Identifier: Apache-2.0
"""How long it takes to read one sequence from a store, at random, once its pages are in memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bonefide.benchmark.table import Table
from bonefide.data.datasets import info
from bonefide.data.store import SkeletonStore, open_store
from bonefide.data.write_store import Entry, write_store
from bonefide.types import Array, SkeletonSequence

__all__ = ["READ_GOAL", "measure_store", "random_store", "store_or_random"]

READ_GOAL = 20.0
"""Microseconds the median random read of one sequence may take at most."""
_HOW = (
    "Sequences in random order, all read before, each read timed alone on the clock. 'view' is what `store[row]` gives "
    "and touches no coordinate; 'read' copies every coordinate out, as any use of them must, and has the goal. The "
    "processor time is the mean over a round."
)


def measure_store(store: SkeletonStore, *, rounds: int) -> Table:
    """Time random reads of single sequences.

    Args:
        store: what to read from.
        rounds: passes over all its sequences, at least 1.
    """
    generator = np.random.default_rng(0)
    taken: dict[str, list[tuple[Array, float]]] = {"view": [], "read": []}
    for _ in range(rounds + 1):
        rows = generator.permutation(len(store)).tolist()
        for what, passes in taken.items():
            passes.append(_read_all(store, rows, copy=what == "read"))
    lines = []
    for what, passes in taken.items():
        # The first pass brings the pages into memory.
        walls, cpus = zip(*passes[1:], strict=True)
        median, high = (float(np.percentile(np.concatenate(walls), share)) for share in (50, 99))
        goal, met = (READ_GOAL, median <= READ_GOAL) if what == "read" else (None, None)
        lines.append((what, len(store), _mean_bytes(store), median, high, float(np.median(cpus)), goal, met))
    columns = ("what", "sequences", "bytes_each", "median_us", "p99_us", "cpu_us", "goal_us", "met")
    return Table("store", "Random reads from a store", _HOW, columns, tuple(lines))


@contextmanager
def store_or_random(path: Path | None, *, sequences: int) -> Iterator[SkeletonStore]:
    """The store at `path`, or for the time being one of random sequences.

    Raises:
        StoreError: if there is no usable store.
        OutputError: if the temporary one cannot be written.
    """
    if path is not None:
        yield open_store(path)
        return
    with tempfile.TemporaryDirectory(prefix="bonefide-bench-") as folder:
        yield random_store(Path(folder) / "store", sequences=sequences)


def random_store(path: Path, *, sequences: int, frames: tuple[int, int] = (40, 120)) -> SkeletonStore:
    """A store of random numbers in the sizes of NTU RGB+D: 25 joints, in one of four sequences two persons.

    Args:
        path: where it goes.
        sequences: how many, at least 1.
        frames: fewest and most frames of a sequence.

    Raises:
        OutputError: if it cannot be written.
    """
    generator = np.random.default_rng(0)
    entries = []
    for number in range(sequences):
        shape = (2 if number % 4 == 3 else 1, int(generator.integers(*frames, endpoint=True)), 25, 3)
        joints = generator.standard_normal(shape, dtype=np.float32)
        sequence = SkeletonSequence(f"S001C001P001R001A{number:06}", number % 60, joints)
        entries.append(Entry(sequence, subject=1, camera=1))
    return write_store(path, info("ntu60"), entries, layout="ntu25")


def _read_all(store: SkeletonStore, rows: list[int], *, copy: bool) -> tuple[Array, float]:
    """Microseconds on the clock of each read, and of processor time on average."""
    nanoseconds = np.empty(len(rows), np.int64)
    cpu = time.process_time()
    for place, row in enumerate(rows):
        before = time.perf_counter_ns()
        joints = store[row].joints
        if copy:
            joints.copy()
        nanoseconds[place] = time.perf_counter_ns() - before
    return nanoseconds / 1e3, (time.process_time() - cpu) / len(rows) * 1e6


def _mean_bytes(store: SkeletonStore) -> int:
    frames, joints, channels = store.info.shape
    return frames * joints * channels * np.dtype(store.info.dtype).itemsize // len(store)
