# SPDX-License-Identifier: Apache-2.0
"""Stores to export, and loaders that read official files as the papers' feeders do, written from their descriptions."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data.datasets import info
from bonefide.data.preparation import preparation as preparation_of
from bonefide.data.store import SkeletonStore
from bonefide.data.store_plan import StorePlan
from bonefide.data.write_store import Entry, Shard, StoreWriter
from bonefide.layouts import layout as named_layout
from bonefide.types import Array, SkeletonSequence

RAW = Path(__file__).parents[1] / "golden" / "data_ntu_raw.zip"


def ntu_name(number: int) -> str:
    setup, action = divmod(number, 60)
    return f"S{setup + 1:03}C{number % 3 + 1:03}P{number % 5 + 1:03}R{number % 2 + 1:03}A{action + 1:03}"


def entry(
    name: str,
    label: int,
    *,
    frames: int = 5,
    persons: int = 1,
    shape: tuple[int, int] = (25, 3),
    trains: tuple[str, ...] = (),
) -> Entry:
    joints = np.random.default_rng(label + frames).normal(size=(persons, frames, *shape)).astype(np.float32)
    sequence = SkeletonSequence(name, label, joints)
    if name.startswith("S0"):
        setup, camera, subject, repeat = (int(name[start : start + 3]) for start in (1, 5, 9, 13))
        return Entry(sequence, subject, camera, setup, repeat, frozenset(trains))
    return Entry(sequence, trains=frozenset(trains))


def store_of(
    path: Path,
    entries: list[Entry],
    *,
    dataset: str = "ntu60",
    preparation: str = "ntu_denoise",
    layout: str = "ntu25",
    dtype: str = "float32",
    listed: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
) -> SkeletonStore:
    """A store that says it was prepared in some way."""
    facts = info(dataset)
    facts = dataclasses.replace(facts, classes=classes) if classes else facts
    channels = entries[0].sequence.joints.shape[-1]
    members = tuple(each.sequence.name for each in entries)
    joints = named_layout(layout)
    version = preparation_of(preparation).version
    plan = StorePlan(facts, "memory", preparation, version, joints, dtype, members, channels=channels, listed=listed)
    with StoreWriter(path, plan) as writer:
        for part in writer.pending():
            writer.shards.write(part, Shard(tuple(entries[part.start : part.stop])))
        return writer.finish()


def ntu_store(
    path: Path, count: int = 12, *, preparation: str = "ntu_denoise", dtype: str = "float32"
) -> SkeletonStore:
    fixed = 50 if preparation == "ntu_50frames" else 0
    made = [
        entry(ntu_name(number), number % 60, frames=fixed or number % 7 + 1, persons=number % 2 + 1)
        for number in range(count)
    ]
    layout = "ntu25_pyskl" if preparation == "ntu_pyskl" else "ntu25"
    return store_of(path, made, preparation=preparation, dtype=dtype, layout=layout)


def same(first: SkeletonStore, second: SkeletonStore) -> None:
    """Equal names, labels, actors and joints."""
    assert first.names.tolist() == second.names.tolist()
    for column in ("labels", "subjects", "cameras", "setups", "repeats", "persons", "frames"):
        assert getattr(first, column).tolist() == getattr(second, column).tolist(), column
    for row in range(len(first)):
        np.testing.assert_array_equal(first.joints(row), second.joints(row), first.names[row])


def load_as_ctrgcn(path: Path, part: str) -> tuple[Array, Array]:
    """(N, 3, T, 25, 2) and labels, as the feeder of CTR-GCN has them."""
    content = np.load(path)
    data, label = content[f"x_{part}"], np.where(content[f"y_{part}"] > 0)[1]
    return data.reshape(len(data), data.shape[1], 2, 25, 3).transpose(0, 4, 1, 3, 2), label


def load_as_stgcn(folder: Path, part: str) -> tuple[Array, list[str], list[int]]:
    """Mapped data, names and labels, as the feeder of ST-GCN has them."""
    with (folder / f"{part}_label.pkl").open("rb") as file:
        names, labels = pickle.load(file)
    return np.load(folder / f"{part}_data.npy", mmap_mode="r"), names, labels


def load_as_pyskl(path: Path, part: str) -> list[dict[str, Any]]:
    """Annotations of a part, as PYSKL's data set has them."""
    with path.open("rb") as file:
        content = pickle.load(file)
    chosen = set(content["split"][part])
    return [each for each in content["annotations"] if each["frame_dir"] in chosen]
