# SPDX-License-Identifier: Apache-2.0
"""Made-up cards of pre-trainings and of what follows them, by recipes of the package."""

from __future__ import annotations

from functools import cache

import numpy as np
from make_runs import names_of

from bonefide.config import load
from bonefide.data.datasets import info
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.hits import pack_hits
from bonefide.types import Scores

COUNT = 100
whole = cache(load.recipe)


def made_card(recipe: str, run: str, seed: int, right: int) -> AuditCard:
    """A card of a run with so many of a hundred samples right: the first ones, turned on by the seed."""
    one = load.single_run(whole(recipe), run, seed=seed)
    labels = np.zeros(COUNT, dtype=np.int64)
    values = np.eye(2, dtype=np.float32)[(np.roll(np.arange(COUNT) >= right, seed)).astype(int)]
    scores = Scores(np.array(names_of(COUNT)), values, labels, info("nwucla").classes[:2], "last", {})
    start = {}
    if one.start_from is not None:
        start = {"recipe": one.start_from.recipe, "run": one.start_from.run, "seed": 0, "sha256": str(one.start_from)}
    return AuditCard(
        recipe=recipe,
        run=run,
        paper=one.paper,
        dataset="nwucla",
        protocol="xview",
        preparation="nwucla",
        stream="joint",
        seeds=(seed,),
        selected_on="last",
        accuracy=float(right),
        top5=100.0,
        balanced=float(right),
        test_samples=COUNT,
        hashes={"split": "a", "preparation": "b", "samples": "c", "recipe": load.recipe_digest(one)},
        epochs=one.training.epochs,
        seconds=90.0,
        parameters=123456,
        method=one.method.name,
        hits=pack_hits(scores),
        neighbors=one.method.name in {"mamp", "stjd_mp"},
        start=start,
    )
