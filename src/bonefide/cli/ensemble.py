# SPDX-License-Identifier: Apache-2.0
"""`bonefide ensemble`: fused scores of several runs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonefide.errors import RunError, UnknownNameError

if TYPE_CHECKING:
    from bonefide.run import Run

__all__ = ["ensemble"]

_CHOICES = ("published", "equal", "validation")


def ensemble(
    runs: Annotated[list[Path], typer.Argument(help="Folders of the runs to fuse.")],
    weights: Annotated[
        str, typer.Option(help="published, equal, validation (fitted on kept training samples), or w,w,... by run.")
    ] = "published",
    out: Annotated[Path | None, typer.Option(help="Folder for scores and card; beside the runs if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fuse the scores of runs, joined on sample ids, by weights that never saw a test label."""
    from bonefide.evaluation.audit import audit, card_of, save_card
    from bonefide.evaluation.ensemble import fuse
    from bonefide.evaluation.metrics import top_k
    from bonefide.evaluation.scores import load_scores, save_scores
    from bonefide.run import Run

    opened = {run.facts["run"]: run for run in map(Run.open, runs)}
    if len(opened) < len(runs):
        raise RunError("two of these runs have the same name; fuse one run of each stream, of one seed")
    scores = {name: load_scores(run.scores_file) for name, run in opened.items()}
    chosen, how = _weights(weights, list(opened.values()))
    fused = fuse(scores, chosen)
    cards = [audit(run) for run in opened.values()]
    recipe = next(iter(opened.values())).recipe
    published = recipe.published.get("ensemble") if opened.keys() == recipe.ensemble.keys() else None
    card = card_of(fused, cards, fusion={"weights": chosen, "chosen": how}, published=published)
    seeds = "+".join(f"seed{seed}" for seed in card.seeds)
    folder = out or runs[0].parent / f"ensemble.{weights.replace(',', '_')}.{seeds}"
    save_scores(fused, folder / "scores.npz")
    save_card(card, folder / "ensemble.json")
    if as_json:
        typer.echo(
            json.dumps({"top1": card.accuracy, "top5": card.top5, "weights": chosen, "out": str(folder)}, indent=1)
        )
        return
    for name, each in scores.items():
        typer.echo(f"{name:14} {top_k(each):6.2f} %   weight {chosen[name]:g}")
    label = "fused" if card.accuracy is not None else "fused, best_on_test"
    typer.echo(f"{label:14} {top_k(fused):6.2f} %   weights: {how}")
    typer.echo(f"scores and card in {folder}")


def _weights(asked: str, runs: list[Run]) -> tuple[dict[str, float], str]:
    from bonefide.evaluation.ensemble import equal_weights, fit_weights
    from bonefide.evaluation.scores import load_scores

    names = [run.facts["run"] for run in runs]
    if asked == "equal":
        return equal_weights(names), "equal"
    if asked == "validation":
        if unkept := [run for run in runs if not run.validation_scores_file.is_file()]:
            raise RunError(
                f"{unkept[0].folder}: no validation samples were kept from training; "
                "train with --set data.validation='{share: 0.2}'"
            )
        kept = {name: load_scores(run.validation_scores_file) for name, run in zip(names, runs, strict=True)}
        return fit_weights(kept), "fitted on validation samples of the training part"
    if asked == "published":
        known = runs[0].recipe.ensemble
        if missing := [name for name in names if name not in known]:
            raise RunError(
                f"the recipe {runs[0].facts['recipe']} publishes no weight for {', '.join(missing)}; "
                "use --weights equal, validation, or numbers"
            )
        return {name: known[name] for name in names}, "published with the recipe"
    try:
        numbers = [float(part) for part in asked.split(",")]
    except ValueError:
        raise UnknownNameError("ways to weigh", asked, _CHOICES) from None
    if len(numbers) != len(names):
        raise RunError(f"{len(numbers)} weights for {len(names)} runs; give one for each, in their order")
    if not all(map(math.isfinite, numbers)) or not any(numbers):
        raise RunError(f"weights {asked} fuse nothing; give finite numbers that are not all 0")
    return dict(zip(names, numbers, strict=True)), "given on the command line"
