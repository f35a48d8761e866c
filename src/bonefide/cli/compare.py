# SPDX-License-Identifier: Apache-2.0
"""`bonefide compare`: two runs, significance included."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bonefide.evaluation.compare import Comparison
    from bonefide.types import Scores

__all__ = ["compare"]


def compare(
    first: Annotated[
        Path, typer.Argument(help="A run's folder, a file of scores, or a run without its .seedN for all seeds.")
    ],
    second: Annotated[Path, typer.Argument(help="Another, likewise.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Is one run better than the other, or is it chance? McNemar's exact test, and the difference per class.

    Several seeds are compared one by one, then together. Of zero-shot runs samples of unseen classes are compared,
    decided among these.
    """
    from bonefide.evaluation.compare import compare as compare_scores

    found = {pair: compare_scores(*map(_scores, pair)) for pair in _pairs(first, second)}
    if len(found) > 1:
        _tell_many(found, as_json=as_json)
        return
    ((pair, only),) = found.items()
    if as_json:
        typer.echo(json.dumps(_facts(only) | {"per_class": _per_class(only)}, indent=1))
        return
    before, after = only.accuracies
    typer.echo(f"first   {before:6.2f} %   {pair[0]}")
    typer.echo(f"second  {after:6.2f} %   {pair[1]}")
    typer.echo(
        f"right by both {only.both_right}, only by the first {only.only_first}, only by the second "
        f"{only.only_second}, by neither {only.both_wrong}"
    )
    typer.echo(f"difference {after - before:+.2f} points, {_verdict(only.p_value)}")
    changed = sorted((item for item in _per_class(only).items() if item[1]), key=lambda item: item[1])
    for name, change in changed:
        typer.echo(f"  {change:+7.2f}  {name}")


def _tell_many(found: dict[tuple[Path, Path], Comparison], *, as_json: bool) -> None:
    import numpy as np

    from bonefide.evaluation.compare import Disagreement, pooled

    together = pooled(Disagreement(each.only_first, each.only_second) for each in found.values())
    changes = [each.accuracies[1] - each.accuracies[0] for each in found.values()]
    mean, spread = float(np.mean(changes)), float(np.std(changes, ddof=1))
    if as_json:
        content = {
            "pairs": [{"first": str(a), "second": str(b), **_facts(each)} for (a, b), each in found.items()],
            "difference": {"mean": mean, "spread": spread},
            "pooled": {**asdict(together), "p_value": together.p_value},
        }
        typer.echo(json.dumps(content, indent=1))
        return
    for (first, second), each in found.items():
        before, after = each.accuracies
        typer.echo(
            f"{before:6.2f} % {after:6.2f} %  {after - before:+6.2f}  only one right {each.only_first:>3} "
            f"{each.only_second:>3}  p = {each.p_value:<6.3g} {first.name}, {second.name}"
        )
    typer.echo(
        f"difference {mean:+.2f} ± {spread:.2f} points over {len(found)} pairs; together only one right "
        f"{together.only_first} {together.only_second}, {_verdict(together.p_value)}; pairs share their samples, so p "
        "tends to be too low"
    )


def _verdict(p_value: float) -> str:
    words = "not to be told from chance" if p_value >= 0.05 else "unlikely by chance"
    return f"p = {p_value:.3g} (McNemar, exact): {words}"


def _facts(found: Comparison) -> dict[str, Any]:
    return {
        "top1": found.accuracies,
        "both_right": found.both_right,
        "only_first": found.only_first,
        "only_second": found.only_second,
        "both_wrong": found.both_wrong,
        "p_value": found.p_value,
    }


def _per_class(found: Comparison) -> dict[str, float]:
    """Of classes that have samples."""
    changes = zip(found.classes, map(float, found.per_class), strict=True)
    return {name: change for name, change in changes if math.isfinite(change)}


def _pairs(first: Path, second: Path) -> list[tuple[Path, Path]]:
    """The two places, or those of equal seeds if both stand for several runs."""
    from bonefide.errors import RunError

    every = [_seeds(place) for place in (first, second)]
    if not all(every):
        return [(first, second)]
    if every[0].keys() != every[1].keys():
        told = " against ".join(", ".join(map(str, sorted(seeds))) for seeds in every)
        raise RunError(f"seeds {told}: only equal seeds make pairs; train the missing ones, or name one run of each")
    return [(every[0][seed], every[1][seed]) for seed in sorted(every[0])]


def _seeds(place: Path) -> dict[int, Path]:
    """The runs `place.seedN` by seed; none if the place itself is there."""
    if place.exists():
        return {}
    found = {
        folder.name.removeprefix(f"{place.name}.seed"): folder for folder in place.parent.glob(f"{place.name}.seed*")
    }
    return {int(seed): folder for seed, folder in found.items() if seed.isdecimal()}


def _scores(place: Path) -> Scores:
    from bonefide.evaluation.scores import load_scores
    from bonefide.evaluation.zero_shot_figures import judged
    from bonefide.run import Run

    return judged(Run.open(place)) if place.is_dir() else load_scores(place)
