# SPDX-License-Identifier: Apache-2.0
"""What a clip costs: one item of the feeder against the official one, and the loader's throughput."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np

from bonefide.benchmark.store import random_store
from bonefide.benchmark.table import Table
from bonefide.benchmark.timing import interleaved
from bonefide.config.recipe import Stream
from bonefide.data.dataset import SkeletonDataset
from bonefide.data.loader import loader
from bonefide.data.store import SkeletonStore
from bonefide.layouts import SkeletonLayout
from bonefide.transforms import Compose, Transform
from bonefide.transforms.crop_resize import CropResize
from bonefide.transforms.modality import Modality
from bonefide.transforms.random_rotation import RandomRotation

__all__ = ["OFFICIAL", "OfficialItem", "measure_feeders", "measure_loader"]


@dataclass(frozen=True)
class OfficialItem:
    """One item of the NTU feeder of the CTR-GCN line, and what it costs there.

    Args:
        trains: whether it is cropped at random and rotated.
        frames: length of the clip.
        stream: what the clip holds.
        milliseconds: official cost, one thread, best of five, on a shared AMD EPYC.
        copies: the same as a multiple of a contiguous copy of the item, which holds on any machine.
    """

    trains: bool
    frames: int
    stream: Stream
    milliseconds: float
    copies: float

    @property
    def name(self) -> str:
        """In words."""
        return f"{'train' if self.trains else 'test'} {self.stream} {self.frames}"


OFFICIAL = (
    OfficialItem(False, 64, "joint", 0.43, 5.5),
    OfficialItem(True, 64, "joint", 0.65, 8.4),
    OfficialItem(True, 120, "joint", 0.71, 9.2),
    OfficialItem(True, 64, "bone", 0.98, 10.5),
)
"""Measured with the official code for items of 300 frames, 25 joints and two persons."""
_COPY = "contiguous copy"
_FEEDER_HOW = (
    "One item of 300 frames, 25 joints and two persons, from the store to the finished clip: reading, seeding, "
    "transforms, final copy. 'copies' is its processor time as a multiple of copying the (3, 300, 25, 2) float32 item "
    "from the stored order of axes to a contiguous one, measured in the same rounds; the official multiple is the "
    "goal, since milliseconds of another machine say little."
)
_LOADER_HOW = (
    "Batches of the training chain (crop, rotation, 64 frames), without worker processes: from the store to the tensor "
    "of a batch. Samples per second are per core, by processor time."
)


def measure_feeders(*, rounds: int) -> Table:
    """Time single items against the official feeder.

    Args:
        rounds: at least 1.

    Raises:
        OutputError: if a small temporary store cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="bonefide-bench-") as folder:
        # The last of four has two persons.
        store = random_store(Path(folder) / "store", sequences=8, frames=(300, 300))
        rows = np.flatnonzero(store.persons == 2)
        tasks: dict[str, Callable[[], object]] = {_COPY: _copy_of(store, int(rows[0]))}
        for item in OFFICIAL:
            chain = _chain(store.layout, trains=item.trains, frames=item.frames, stream=item.stream)
            samples = SkeletonDataset(store, rows, transform=chain, persons=2)
            places: Iterator[int] = cycle(range(len(samples)))
            tasks[item.name] = partial(_next_item, samples, places)
        costs = interleaved(tasks, rounds=rounds)
    yardstick = costs[_COPY]
    lines: list[tuple[str | float | bool | None, ...]] = [
        (_COPY, yardstick.wall * 1e3, yardstick.cpu * 1e3, None, 1.0, None, None)
    ]
    for item in OFFICIAL:
        cost, copies = costs[item.name], costs[item.name].cpu / yardstick.cpu
        times = (cost.wall * 1e3, cost.cpu * 1e3, item.milliseconds)
        lines.append((item.name, *times, copies, item.copies, copies < item.copies))
    columns = ("what", "wall_ms", "cpu_ms", "official_ms", "copies", "official_copies", "met")
    return Table("feeders", "One item of the feeder", _FEEDER_HOW, columns, tuple(lines))


def measure_loader(store: SkeletonStore, *, rounds: int, most: int = 512, batch_size: int = 64) -> Table:
    """Time batches from a store.

    Args:
        store: what to load from.
        rounds: at least 1.
        most: largest number of samples in a round.
        batch_size: samples a batch.
    """
    rows = np.random.default_rng(0).permutation(len(store))[:most]
    tasks: dict[str, Callable[[], object]] = {}
    streams: tuple[Stream, ...] = ("joint", "bone")
    for stream in streams:
        chain = _chain(store.layout, trains=True, frames=64, stream=stream)
        samples = SkeletonDataset(store, rows, transform=chain, persons=int(store.persons.max()))
        batches = loader(samples, batch_size=batch_size, shuffle=True)
        tasks[f"train {stream} 64"] = partial(_pass, batches)
    costs = interleaved(tasks, rounds=rounds)
    lines = [
        (what, len(rows), cost.over(len(rows)).wall * 1e3, cost.over(len(rows)).cpu * 1e3, len(rows) / cost.cpu)
        for what, cost in costs.items()
    ]
    columns = ("what", "samples", "wall_each_ms", "cpu_each_ms", "samples_per_core_second")
    return Table("loader", "The loader", _LOADER_HOW, columns, tuple(lines))


def _chain(layout: SkeletonLayout, *, trains: bool, frames: int, stream: Stream) -> Compose:
    steps: list[Transform] = [CropResize(frames, keep=(0.5, 1.0) if trains else (0.95,))]
    steps += [RandomRotation(0.3)] if trains else []
    return Compose((*steps, Modality(stream, layout=layout)))


def _copy_of(store: SkeletonStore, row: int) -> Callable[[], object]:
    item = store.joints(row).transpose(3, 1, 2, 0)
    return partial(np.array, item, order="C")


def _next_item(samples: SkeletonDataset, places: Iterator[int]) -> object:
    return samples[next(places)]


def _pass(batches: Iterable[object]) -> None:
    for _ in batches:
        pass
