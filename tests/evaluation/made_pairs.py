# SPDX-License-Identifier: Apache-2.0
"""Made-up cards of trainings with and without a method."""

from __future__ import annotations

from pathlib import Path

from make_runs import made_scores, make_run

from bonefide.evaluation.audit import AuditCard, audit
from bonefide.run import Run


def made_run(folder: Path, method: str, *, seed: int, strength: float, recipe: str = "csre/small") -> Run:
    """A run of the recipe by a method, without training."""
    scores = made_scores(100, seed=10 * seed + 5 * (method == "csre"), strength=strength)
    run = make_run(folder, scores, run=method, recipe=recipe, seed=seed, epochs=4, published=None)
    content = (folder / "recipe.yaml").read_text().replace("name: supervised", f"name: {method}")
    (folder / "recipe.yaml").write_text(content)
    return Run.open(run.folder)


def made_cards(place: Path, *, seeds: tuple[int, ...] = (1, 2, 3), gain: float = 2.0) -> list[AuditCard]:
    """Pairs of cards, one for each seed, plain training first."""
    sides = (("supervised", 1.5), ("csre", 1.5 + gain))
    return [
        audit(made_run(place / f"{method}.seed{seed}", method, seed=seed, strength=strength))
        for seed in seeds
        for method, strength in sides
    ]
