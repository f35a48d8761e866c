# SPDX-License-Identifier: Apache-2.0
"""Small stores of any data set, and a recipe that trains in well under a second, for all tests that train."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bonefide.config import load
from bonefide.config.recipe import Recipe
from bonefide.data.datasets import DatasetInfo, Rule, info
from bonefide.data.raw import reader
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, Shard, StorePlan, StoreWriter
from bonefide.layouts import layout
from bonefide.run import Run
from bonefide.training.fit import train_run
from bonefide.types import Array, SkeletonSequence

FRAMES = 8
EQUALLY_LONG = {"ntu_agcn", "ntu_50frames", "pkummd_neuron"}
"""Preparations that make all sequences equally long."""
CONTENT: dict[str, Any] = {
    "paper": "ctrgcn",
    "encoder": {"name": "tiny_net:TinyNet"},
    "method": {"name": "supervised"},
    "data": {
        "dataset": "nwucla",
        "protocol": "xview",
        "train": [{"name": "sample_frames", "frames": FRAMES, "random": True}, {"name": "modality"}],
        "test": [{"name": "sample_frames", "frames": FRAMES, "random": False}, {"name": "modality"}],
        "batch_size": 4,
    },
    "training": {"epochs": 3, "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.001}},
}
"""An encoder from outside the package, with dropout, on half of the samples of `tiny_store`."""


def tiny_store(
    path: Path,
    dataset: str = "nwucla",
    *,
    count: int = 24,
    persons: int = 1,
    preparation: str | None = None,
    classes: int = 4,
    in_a_row: int = 2,
) -> SkeletonStore:
    """Random walks whose class shows; half of the samples train by every protocol of the data set.

    They differ in length, unless by their preparation they are all equally long.
    """
    facts = info(dataset)
    if not facts.classes:
        # One's own data: these here have four classes, and a list of who trains.
        facts = dataclasses.replace(facts, classes=("a", "b", "c", "d"), protocols={"random": Rule("lists")})
    raw, usual = next(iter(facts.preparations.items()))
    kind = layout(str(reader(raw).layout))
    generator = np.random.default_rng(3)
    lengths = [8 if preparation in EQUALLY_LONG else 6 + number % 5 for number in range(count)]
    entries = tuple(
        _entry(facts, number, number // in_a_row % classes, (persons, length, len(kind.joints)), generator)
        for number, length in enumerate(lengths)
    )
    members = tuple(entry.sequence.name for entry in entries)
    version = _version(preparation or usual)
    listed = tuple(name for name, rule in facts.protocols.items() if rule.by == "lists")
    plan = StorePlan(
        facts,
        raw,
        preparation or usual,
        version,
        kind,
        "float32",
        members,
        source=str((count, persons)),
        listed=listed,
    )
    with StoreWriter(path, plan) as writer:
        for part in plan.parts():
            writer.shards.write(part, Shard(entries[part.start : part.stop]))
        return writer.finish()


def tiny_recipe(folder: Path, *, name: str = "tiny", runs: Any = None, **settings: Any) -> Path:
    """A recipe's file; settings are paths with `__` for the dots."""
    content = CONTENT | ({} if runs is None else {"runs": runs})
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    if settings:
        whole = load.recipe(file, set={key.replace("__", "."): value for key, value in settings.items()})
        file.write_text(load.dump(whole))
    return file


def loaded(folder: Path, **settings: Any) -> Recipe:
    return load.recipe(tiny_recipe(folder, **settings))


def trained(recipe: Recipe, folder: Path, store: SkeletonStore) -> Run:
    """The only run of a recipe, on the CPU."""
    (name,) = recipe.runs
    return train_run(load.single_run(recipe, name), name, folder, store=store, device="cpu")


def _version(preparation: str) -> int:
    from bonefide.data.preparation import preparation as find

    return int(find(preparation).version)


def _entry(
    facts: DatasetInfo, number: int, label: int, shape: tuple[int, int, int], generator: np.random.Generator
) -> Entry:
    label %= len(facts.classes)
    steps = generator.normal(size=(*shape, 3)).astype(np.float32)
    walk: Array = 0.1 * steps.cumsum(axis=1) + generator.normal(size=3) * 0.1
    walk[..., label * 2 % 20 : label * 2 % 20 + 2, :] += 2 + label
    trains = frozenset(facts.protocols) if number % 2 == 0 else frozenset[str]()
    groups = {by: _group(facts, by, number) for by in ("subject", "camera", "setup")}
    return Entry(
        SkeletonSequence(f"sample{number:04}", label, walk.astype(np.float32)), **groups, repeat=number, trains=trains
    )


def _group(facts: DatasetInfo, by: str, number: int) -> int:
    """Even samples train, by at least two groups; odd ones test."""
    train = sorted({value for rule in facts.protocols.values() if rule.by == by for value in rule.train} or {1, 2})
    return train[number // 2 % 2 % len(train)] if number % 2 == 0 else max(train) + 1
