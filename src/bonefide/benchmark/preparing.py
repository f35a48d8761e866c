# SPDX-License-Identifier: Apache-2.0
"""What it costs to turn an archive of NTU files into a store, against splitting the same bytes at blanks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bonefide.benchmark.table import Cell, Table
from bonefide.benchmark.timing import Cost, interleaved
from bonefide.data.preparation import prepare
from bonefide.data.raw._recording import RawBody
from bonefide.data.synthetic.ntu_text import skeleton_text
from bonefide.errors import InstallationError
from bonefide.types import Array

__all__ = ["FEWEST_FILES", "SPLIT_GOAL", "measure_prepare"]

FEWEST_FILES = 4
SPLIT_GOAL = 3.0
"""How often the cost of `bytes.split` the whole conversion may take at most."""
_SPEEDUP_GOAL = 1.7
_MEMORY_GOAL = 600.0
_OFFICIAL = 12.5
"""Multiples of `bytes.split` the three official scripts take together."""
_SETS = (56_578, 113_945)
_ALONE, _FOLDER, _TOGETHER = "prepare, zip, 1 process", "prepare, folder, 1 process", "prepare, zip, 2 processes"
_OTHERS = "official scripts"
_HOW = (
    "{files} made-up `.skeleton` files of 60 to 100 frames, two in five with two actors, twelve fields a joint, CR LF: "
    "{size:.1f} MB. 'splits' is the time on the clock as a multiple of reading the unpacked files and splitting their "
    "bytes at blanks, in the same rounds. 'prepare' is the whole of `bonefide prepare ntu60`: unpacking, reading, "
    "`ntu_denoise`, writing, checksums. One process is pinned to one core, as the official scripts were, where the "
    "system can; processes of the pool are started before, which takes a second or two. The "
    "official scripts' multiple was measured with their code on files of the same kind. Peak memory is that of a fresh "
    "process, or of the largest where there are several. The last two columns say how many minutes all files of both "
    "data sets take at this rate."
)
_FRESH = r"""
import pathlib, re, resource, sys, warnings
warnings.simplefilter("ignore")
from bonefide.data import prepare
prepare("ntu60", raw=sys.argv[1], out=sys.argv[2], workers=int(sys.argv[3]), overwrite=True)
if int(sys.argv[3]) > 1:
    from joblib.externals.loky import get_reusable_executor
    get_reusable_executor().shutdown()
unit = 1 if sys.platform == "darwin" else 1024
status = pathlib.Path("/proc/self/status")
if status.exists():  # the resources of a process on Linux begin with the memory of the one that started it
    own = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024
else:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit))
"""


def measure_prepare(*, rounds: int, files: int = 300) -> Table:
    """Time the preparation of NTU RGB+D from a zip archive and from a folder, in one process and in two.

    Args:
        rounds: at least 1.
        files: how many, at least `FEWEST_FILES`.

    Raises:
        OutputError: if the temporary files cannot be written.
        InstallationError: if a fresh process fails.
    """
    with tempfile.TemporaryDirectory(prefix="bonefide-bench-") as place:
        folder, archive = Path(place, "raw"), Path(place, "raw.zip")
        size = _write_files(folder, archive, files)
        sources = {_ALONE: (archive, 1), _FOLDER: (folder, 1), _TOGETHER: (archive, 2)}
        runs = {name: partial(_prepare, raw, Path(place, "store"), count) for name, (raw, count) in sources.items()}
        tasks = {"read": partial(_read, folder), "bytes.split": partial(_split, folder), **runs}
        pinned = {name: task if name == _TOGETHER else partial(_on_one_core, task) for name, task in tasks.items()}
        costs = interleaved(pinned, rounds=rounds)
        peaks = {name: _peak(raw, Path(place, "store"), count) for name, (raw, count) in sources.items()}
    how = _HOW.format(files=files, size=size / 1e6)
    columns = (
        "what", "wall_s", "files_a_second", "megabytes_a_second", "splits", "speedup", "goal", "met", "peak_mb",
        "below_600", "ntu60_minutes", "ntu120_minutes",
    )  # fmt: skip
    return Table("prepare", "Preparing NTU RGB+D", how, columns, tuple(_rows(costs, peaks, files, size)))


def _rows(costs: dict[str, Cost], peaks: dict[str, float | None], files: int, size: int) -> list[tuple[Cell, ...]]:
    split, alone = costs["bytes.split"].wall, costs[_ALONE].wall
    rows = []
    for name, cost in costs.items():
        splits, speedup = cost.wall / split, alone / cost.wall if name == _TOGETHER else None
        goal, met = _judged(name, splits, speedup)
        peak = peaks.get(name)
        within = None if peak is None else peak <= _MEMORY_GOAL
        whole = _minutes(cost.wall / files) if name in peaks else (None, None)
        rates = (files / cost.wall, size / 1e6 / cost.wall)
        rows.append((name, cost.wall, *rates, splits, speedup, goal, met, peak, within, *whole))
    official = _OFFICIAL * split
    rates = (files / official, size / 1e6 / official)
    return [*rows, (_OTHERS, official, *rates, _OFFICIAL, *[None] * 5, *_minutes(official / files))]


def _judged(name: str, splits: float, speedup: float | None) -> tuple[str | None, bool | None]:
    if speedup is not None:
        return f"{_SPEEDUP_GOAL:g} x faster", speedup >= _SPEEDUP_GOAL
    return (f"{SPLIT_GOAL:g} splits", splits <= SPLIT_GOAL) if name == _ALONE else (None, None)


def _minutes(seconds: float) -> tuple[float, ...]:
    """For every file of both data sets, at some seconds a file."""
    return tuple(count * seconds / 60 for count in _SETS)


def _write_files(folder: Path, archive: Path, files: int) -> int:
    """The same files in a folder and in an archive; their size in bytes."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    total = 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(files):
            name = f"S001C{number % 3 + 1:03}P{number % 40 + 1:03}R{number // 120 + 1:03}A{number % 60 + 1:03}.skeleton"
            content = _content(number, generator)
            (folder / name).write_bytes(content)
            packed.writestr(f"nturgb+d_skeletons/{name}", content)
            total += len(content)
    return total


def _content(number: int, generator: np.random.Generator) -> bytes:
    frames = int(generator.integers(60, 100, endpoint=True))
    bodies = [_body(number, slot, frames, generator) for slot in range(2 if number % 5 in (1, 3) else 1)]
    return skeleton_text(bodies, frames).encode("ascii")


def _body(number: int, slot: int, frames: int, generator: np.random.Generator) -> RawBody:
    steps = generator.normal(scale=0.01, size=(frames, 25, 3)).cumsum(axis=0)
    joints: Array = steps + generator.normal(size=(1, 25, 3)) * [0.3, 0.6, 0.1] + [0.1, 0.2, 3.0]
    tracked = generator.integers(1, 2, (frames, 25), endpoint=True).astype(np.int8)
    places = np.arange(frames), np.full(frames, slot)
    return RawBody(str(72057594037930000 + 10 * number + slot), *places, joints, tracked)


def _on_one_core(task: Callable[[], None]) -> None:
    """As the official scripts were measured; where the system cannot pin all threads, they run as they like."""
    threads = [int(each.name) for each in Path("/proc/self/task").glob("*")]
    cores = os.sched_getaffinity(0) if threads else set()
    for thread in threads:
        os.sched_setaffinity(thread, {max(cores)})
    try:
        task()
    finally:
        for each in Path("/proc/self/task").glob("*"):
            os.sched_setaffinity(int(each.name), cores)


def _read(folder: Path) -> None:
    for path in os.scandir(folder):
        Path(path).read_bytes()


def _split(folder: Path) -> None:
    for path in os.scandir(folder):
        Path(path).read_bytes().split()


def _prepare(raw: Path, out: Path, workers: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it is not the whole data set
        prepare("ntu60", raw=raw, out=out, workers=workers, overwrite=True)


def _peak(raw: Path, out: Path, workers: int) -> float | None:
    """Largest memory of a fresh process and its workers, in MB; None where the system does not tell."""
    if os.name == "nt":
        return None
    command = [sys.executable, "-c", _FRESH, str(raw), str(out), str(workers)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise InstallationError(f"a fresh process cannot prepare: {ended.stderr.strip().splitlines()[-1]}")
    return int(ended.stdout) / 1e6
