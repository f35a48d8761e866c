# SPDX-License-Identifier: Apache-2.0
"""`bonefide compare`: two runs, significance included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(help="A run's folder, or a file of scores.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Is one run better than the other, or is it chance? McNemar's exact test, and the difference per class."""
    import numpy as np

    from bonefide.evaluation.compare import compare as compare_scores
    from bonefide.evaluation.scores import load_scores

    found = compare_scores(*(load_scores(_scores_file(place)) for place in (first, second)))
    per_class = {
        name: float(change) for name, change in zip(found.classes, found.per_class, strict=True) if np.isfinite(change)
    }
    if as_json:
        content = {
            "top1": found.accuracies,
            "both_right": found.both_right,
            "only_first": found.only_first,
            "only_second": found.only_second,
            "both_wrong": found.both_wrong,
            "p_value": found.p_value,
            "per_class": per_class,
        }
        typer.echo(json.dumps(content, indent=1))
        return
    before, after = found.accuracies
    typer.echo(f"first   {before:6.2f} %   {first}")
    typer.echo(f"second  {after:6.2f} %   {second}")
    typer.echo(
        f"right by both {found.both_right}, only by the first {found.only_first}, only by the second "
        f"{found.only_second}, by neither {found.both_wrong}"
    )
    verdict = "not to be told from chance" if found.p_value >= 0.05 else "unlikely by chance"
    typer.echo(f"difference {after - before:+.2f} points, p = {found.p_value:.3g} (McNemar, exact): {verdict}")
    changed = sorted((item for item in per_class.items() if item[1]), key=lambda item: item[1])
    for name, change in changed:
        typer.echo(f"  {change:+7.2f}  {name}")


def _scores_file(place: Path) -> Path:
    from bonefide.run import Run

    return Run.open(place).scores_file if place.is_dir() else place
