# SPDX-License-Identifier: Apache-2.0
"""Made-up runs of zero-shot recognisers, without training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from make_runs import made_scores, make_run

from bonefide.data.class_splits import class_split
from bonefide.data.datasets import info
from bonefide.run import Run
from bonefide.types import Scores

SPLIT = class_split("nwucla10_8_2_bonefide1", dataset="nwucla")


def zero_shot_scores(
    count: int = 120,
    *,
    seed: int = 0,
    strength: float = 1.5,
    lead: float = 3.0,
    branches: tuple[str, ...] = (),
    transductive: bool = False,
    rehearsal: bool = False,
    split: str = SPLIT.name,
    selected_on: str = "last",
) -> Scores:
    """Scores over all classes, in which the seen ones lead, as they do."""
    known = class_split(split, dataset="nwucla")
    used = known.rehearsal if rehearsal else known
    scores = made_scores(count, seed=seed, strength=strength, selected_on=selected_on)
    columns = [*used.seen, *used.unseen]
    labels = np.array(columns)[np.arange(count) % len(columns)]
    generator = np.random.default_rng(seed + 1)

    def drawn() -> np.ndarray:
        values = generator.normal(size=(count, 10))
        values[np.arange(count), labels] += strength
        values[:, list(used.seen)] += lead
        return values.astype(np.float32)

    found = {name: drawn() for name in branches}
    values = np.sum(list(found.values()), axis=0) if found else drawn()
    if transductive:
        found["transductive"] = values + 0.5 * np.eye(10, dtype=np.float32)[labels]
    return replace(scores, values=values, labels=labels, branches=found)


def made_zero_shot_run(
    folder: Path,
    scores: Scores,
    *,
    method: str = "pgfa",
    recipe: str = "pgfa/nwucla_small_1",
    run: str = "main",
    seed: int = 0,
    split: str = SPLIT.name,
    texts: str = "minilm",
) -> Run:
    """A run of a method that reads texts, which the recipe need not know."""
    made = make_run(folder, scores, run=run, recipe=recipe, seed=seed, epochs=4, published=None)
    content = yaml.safe_load(made.recipe_file.read_text())
    content |= {"paper": method, "method": {"name": method}}
    content["data"] |= {"classes": split, "rehearsal": run == "rehearsal", "texts": texts}
    made.recipe_file.write_text(yaml.safe_dump(content))
    return Run.open(folder)


def family(place: Path, *, method: str = "pgfa", seeds: tuple[int, ...] = (1, 2), splits: int = 2) -> list[Run]:
    """Finished runs and their rehearsals over splits and seeds."""
    made = []
    for number in range(1, splits + 1):
        split = f"nwucla10_8_2_bonefide{number}"
        for seed in seeds:
            folder = place / method / f"bonefide{number}"
            for run in ("rehearsal", "main"):
                scores = zero_shot_scores(
                    seed=100 * number + seed, split=split, rehearsal=run == "rehearsal", transductive=method == "pgfa"
                )
                recipe = f"{method}/nwucla_small_{number}"
                made.append(
                    made_zero_shot_run(
                        folder / f"{run}.seed{seed}",
                        scores,
                        method=method,
                        recipe=recipe,
                        run=run,
                        seed=seed,
                        split=split,
                    )
                )
    return made


NAMES = info("nwucla").classes
