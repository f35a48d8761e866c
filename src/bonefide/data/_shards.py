# SPDX-License-Identifier: Apache-2.0
"""A shard: some prepared recordings, in memory and as two files of an unfinished store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data._writing import write_array
from bonefide.data.store_info import MOST_PERSONS, LeftOut
from bonefide.errors import DataError
from bonefide.types import Array, SkeletonSequence
from bonefide.writing import replacing, write_file, writing

__all__ = ["Entry", "SavedShard", "Shard", "ShardFolder"]

_COLUMNS = ("name", "label", "subject", "camera", "setup", "repeat", "trains", "persons", "frames")


@dataclass(frozen=True, eq=False)
class Entry:
    """A prepared recording and what the index says of it; -1 where unknown.

    Args:
        sequence: name, label and joints.
        subject: number of the performer.
        camera: number of the camera or view.
        setup: number of the camera setup.
        repeat: number of the repetition.
        trains: protocols whose list of training samples, given with the raw data, names it.
    """

    sequence: SkeletonSequence
    subject: int = -1
    camera: int = -1
    setup: int = -1
    repeat: int = -1
    trains: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Shard:
    """What came of some raw files.

    Args:
        entries: those that gave a sample.
        left_out: those that gave none.
        warnings: number of tolerated faults by code.
    """

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SavedShard:
    """A shard read back.

    Args:
        columns: of the index, but for the offsets.
        path: of its coordinates.
        left_out: raw files that gave no sample.
        warnings: number of tolerated faults by code.
    """

    columns: Mapping[str, list[Any]]
    path: Path
    left_out: tuple[LeftOut, ...]
    warnings: Mapping[str, int]

    def open(self) -> Array:
        """Its coordinates, a memory map (R, V, C). Each holds a file open, and a system allows about a thousand."""
        return np.load(self.path, mmap_mode="r", allow_pickle=False)


@dataclass(frozen=True)
class ShardFolder:
    """The shards of an unfinished store. Different processes may write different ones at the same time.

    Args:
        path: folder.
        shape: joints V and channels C of every sequence.
        dtype: type of the stored coordinates.
        finite: whether coordinates that are not finite are refused.
    """

    path: Path
    shape: tuple[int, int]
    dtype: str
    finite: bool = True

    def write(self, part: range, shard: Shard) -> None:
        """Write what came of the members of one part.

        Raises:
            OutputError: if it cannot be written; what was written before is kept.
            DataError: if a sequence is not (M, T, V, C) with 1 to 127 persons, a frame at least, and finite.
        """
        size = sum(entry.sequence.joints.size for entry in shard.entries) * np.dtype(self.dtype).itemsize
        with writing(self.path, needed=size):
            _write_shard(self._stem(part), shard, self.shape, self.dtype, finite=self.finite)

    def read(self, part: range) -> SavedShard | None:
        """Read what was written of a part; None if it is not there or not whole."""
        return _read_shard(self._stem(part), self.shape, self.dtype)

    def _stem(self, part: range) -> Path:
        return self.path / f"shard-{part.start:07}-{part.stop:07}"


def _write_shard(stem: Path, shard: Shard, shape: tuple[int, int], dtype: str, *, finite: bool) -> None:
    # It counts as finished once its `.json` is there, so that comes last.
    rows = [_rows(entry.sequence, shape, dtype, finite=finite) for entry in shard.entries]
    joints = np.concatenate(rows) if rows else np.zeros((0, *shape), dtype)
    facts = {
        "columns": {name: [_cell(entry, name) for entry in shard.entries] for name in _COLUMNS},
        "left_out": [asdict(each) for each in shard.left_out],
        "warnings": dict(shard.warnings),
    }
    with replacing(stem.with_suffix(".npy"), needed=joints.nbytes) as temporary, temporary.open("wb") as file:
        write_array(file, joints.shape, joints.dtype, [joints])
    write_file(stem.with_suffix(".json"), json.dumps(facts))


def _read_shard(stem: Path, shape: tuple[int, int], dtype: str) -> SavedShard | None:
    try:
        facts = json.loads(stem.with_suffix(".json").read_bytes())
        columns = {name: list(facts["columns"][name]) for name in _COLUMNS}
        left_out = tuple(LeftOut(**each) for each in facts["left_out"])
        warnings = dict(facts["warnings"])
        shard = SavedShard(columns, stem.with_suffix(".npy"), left_out, warnings)
        joints = shard.open()
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    rows = sum(m * t for m, t in zip(columns["persons"], columns["frames"], strict=True))
    return shard if joints.shape == (rows, *shape) and joints.dtype == np.dtype(dtype) else None


def _cell(entry: Entry, column: str) -> str | int:
    sequence = entry.sequence
    match column:
        case "name":
            return sequence.name
        case "label":
            return int(sequence.label)
        case "persons" | "frames":
            return int(sequence.joints.shape[column == "frames"])
        case "trains":
            return " ".join(sorted(entry.trains))
        case _:
            return int(getattr(entry, column))


def _rows(sequence: SkeletonSequence, shape: tuple[int, int], dtype: str, *, finite: bool) -> Array:
    joints = sequence.joints
    if joints.ndim != 4 or joints.shape[2:] != shape or not 1 <= joints.shape[0] <= MOST_PERSONS or not joints.shape[1]:
        raise DataError(f"{sequence.name}: joints of shape {joints.shape} do not fit (M, T, {shape[0]}, {shape[1]})")
    with np.errstate(over="ignore"):
        rows: Array = joints.reshape(-1, *shape).astype(dtype, copy=False)
    if finite and not np.isfinite(rows).all():
        raise DataError(f"{sequence.name}: joints are not all finite as {dtype}; leave such recordings out")
    return rows
