# SPDX-License-Identifier: Apache-2.0
"""Made-up runs, as training leaves them, without training; run as a script it also makes a report to look at."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from bonefide.config.load import dump
from bonefide.config.recipe import Recipe
from bonefide.data.datasets import info
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.evaluation.scores import save_scores
from bonefide.layouts import layout
from bonefide.run import Run
from bonefide.types import Scores, SkeletonSequence

HASHES = {"split": "5f1a0c77e2", "preparation": "a83d1e90b4", "recipe": "19c4d2f7aa"}


def names_of(count: int) -> list[str]:
    return [f"a{number % 10 + 1:02}_s{number % 4 + 1:02}_e{number:03}_v03" for number in range(count)]


def made_scores(
    count: int = 60,
    *,
    classes: tuple[str, ...] = info("nwucla").classes,
    strength: float = 2.5,
    seed: int = 0,
    selected_on: str = "last",
) -> Scores:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % len(classes)
    values = generator.normal(size=(count, len(classes)))
    values[np.arange(count), labels] += strength
    # Neighbouring classes look alike, so that the confusions have a shape.
    values[np.arange(count), (labels + 1) % len(classes)] += strength * 0.45 * (labels % 3 == 0)
    return Scores(np.array(names_of(count)), values.astype(np.float32), labels, classes, selected_on, dict(HASHES))


def make_run(
    folder: Path,
    scores: Scores,
    *,
    run: str = "joint",
    recipe: str = "ctrgcn/nwucla_small",
    seed: int = 0,
    epochs: int = 40,
    published: float | None = 95.4,
    validation: bool = False,
    store: str = "",
) -> Run:
    folder.mkdir(parents=True)
    content = {
        "paper": "ctrgcn",
        "encoder": {"name": "ctrgcn"},
        "method": {"name": "supervised"},
        "data": {"dataset": "nwucla", "protocol": "xview", "stream": "joint", "train": [], "test": []},
        "training": {"epochs": epochs, "optimizer": {"name": "sgd", "lr": 0.1}, "seed": seed},
        "runs": {run: {}},
        "published": {} if published is None else {run: published},
        "source": "table 5 of the paper",
    }
    (folder / "recipe.yaml").write_text(dump(Recipe.model_validate(content)))
    facts = {
        "recipe": recipe,
        "run": run,
        "seed": seed,
        "store": store,
        "preparation": "nwucla",
        "parameters": 1_446_820,
        "hashes": scores.hashes,
    }
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "environment.json").write_text(
        json.dumps({"device": "cpu", "threads": 2, "python": "3.11", "versions": {"torch": "2.11.0"}})
    )
    (folder / "log.csv").write_text(_log(scores, epochs, seed, validation=validation))
    (folder / "weights.safetensors").write_bytes(b"")
    save_scores(scores, folder / "scores.npz")
    return Run.open(folder)


def _log(scores: Scores, epochs: int, seed: int, *, validation: bool) -> str:
    generator = np.random.default_rng(seed)
    final = 100 * float((scores.predictions == scores.labels).mean())
    columns = [
        "epoch",
        "seconds",
        "lr",
        "loss",
        "train_top1",
        *(["validation_top1"] if validation else []),
        "test_top1",
    ]
    rows = [",".join(columns)]
    for epoch in range(1, epochs + 1):
        learned = 1 - np.exp(-5 * epoch / epochs)
        noise = generator.normal(size=3) * 6 * (1.05 - learned)
        rate = 0.1 * min(1, epoch / 5) * 0.1 ** ((epoch > 0.55 * epochs) + (epoch > 0.8 * epochs))
        test = final if epoch == epochs else float(np.clip(final * learned + noise[0], 0, 100))
        shares = [min(100.0, 100 * learned + noise[1])]
        shares += [min(100.0, (final + 1) * learned + noise[2])] if validation else []
        values = [epoch, 4.2, rate, 2.3 * np.exp(-4 * epoch / epochs) + 0.02, *shares, test]
        rows.append(",".join(f"{value:.6g}" for value in values))
    return "\n".join(rows) + "\n"


def made_store(path: Path, count: int = 60, *, frames: int = 30, persons: int = 1) -> SkeletonStore:
    """Stick figures that swing their limbs, in the order of `ucla20`."""
    entries = [
        Entry(SkeletonSequence(name, number % 10, _figure(number, frames, persons)), number % 4 + 1, 3, -1, number)
        for number, name in enumerate(names_of(count))
    ]
    return write_store(path, info("nwucla"), entries)


def _figure(number: int, frames: int, persons: int) -> np.ndarray:
    ucla = layout("ucla20")
    rest = {"hip_center": (0, 0.95), "spine": (0, 1.1), "shoulder_center": (0, 1.4), "head": (0, 1.65)}
    limbs = {"shoulder": (0.2, 1.38), "elbow": (0.28, 1.1), "wrist": (0.3, 0.88), "hand": (0.3, 0.8)}
    limbs |= {"hip": (0.1, 0.9), "knee": (0.12, 0.5), "ankle": (0.12, 0.1), "foot": (0.13, 0.04)}
    joints = np.zeros((persons, frames, 20, 3), dtype=np.float32)
    phase = 2 * np.pi * np.arange(frames) / frames + number
    for place, name in enumerate(ucla.joints):
        side = 1 if name.startswith("left_") else -1
        part = name.removeprefix("left_").removeprefix("right_")
        x, y = rest.get(part) or limbs[part]
        hanging = {"elbow": 0.3, "wrist": 0.6, "hand": 0.7, "knee": 0.2, "ankle": 0.4, "foot": 0.42}.get(part, 0.0)
        for person in range(persons):
            swing = hanging * np.sin(phase + side + person) * (0.5 + number % 3 / 2)
            joints[person, :, place] = np.stack(
                [np.full(frames, side * x + 0.9 * person), y + np.abs(swing) * 0.6, 2.5 + swing], axis=-1
            )
    return joints


if __name__ == "__main__":
    from bonefide.evaluation.report import report

    place = Path(sys.argv[1])
    many = len(sys.argv) > 2
    classes = tuple(f"action number {number + 1}" for number in range(120)) if many else info("nwucla").classes
    store = made_store(place / "store", 464, frames=60, persons=2 if many else 1)
    runs = [
        make_run(
            place / f"runs/{run}/seed{seed}",
            made_scores(464, classes=classes, seed=seed + 10 * len(run), strength=4.6 if many else 3.4),
            run=run, seed=seed, epochs=65, validation=seed == 1, store=str(store.path),
        )
        for run in (("joint", "bone") if many else ("joint",)) for seed in (0, 1, 2)
    ]  # fmt: skip
    print(report(runs, out=place / "report", store=store))  # noqa: T201
