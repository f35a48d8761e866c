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
    from bonefide.evaluation.audit import AuditCard
    from bonefide.run import Run
    from bonefide.types import Scores

__all__ = ["ensemble"]

_CHOICES = ("published", "equal", "validation", "fitted_on_test")


def ensemble(
    runs: Annotated[list[Path], typer.Argument(help="Folders of the runs to fuse.")],
    weights: Annotated[
        str,
        typer.Option(
            help="published, equal, validation (fitted on kept training samples), w,w,... by run, or fitted_on_test, "
            "whose result is no accuracy and is never called one."
        ),
    ] = "published",
    vote: Annotated[
        bool, typer.Option("--vote", help="Let the runs vote instead, and print their average and oracle beside it.")
    ] = False,
    priority: Annotated[
        str, typer.Option(help="Runs by trust, a,b,..., which decides a vote between equals; said if left out.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for scores and card; beside the runs if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fuse the scores of runs, joined on sample ids; or let them vote, which needs no weights."""
    from bonefide.evaluation.audit import audit, card_of, save_card
    from bonefide.evaluation.ensemble import fuse, fuse_fitted_on_test
    from bonefide.evaluation.metrics import top_k
    from bonefide.evaluation.scores import load_scores, save_scores
    from bonefide.evaluation.zero_shot import unseen_part
    from bonefide.evaluation.zero_shot_figures import judged
    from bonefide.evaluation.zero_shot_words import zero_shot_rows
    from bonefide.run import Run

    opened = {run.facts["run"]: run for run in map(Run.open, runs)}
    if len(opened) < len(runs):
        raise RunError("two of these runs have the same name; fuse one run of each stream, of one seed")
    scores = {name: load_scores(run.scores_file) for name, run in opened.items()}
    _refuse_zero_shot(opened, scores, what="a vote" if vote or priority else weights)
    if vote or priority:
        _vote(opened, scores, priority=priority, out=out, as_json=as_json)
        return
    if weights == "fitted_on_test":
        fused, chosen = fuse_fitted_on_test(scores)
        how = "fitted_on_test"
    else:
        chosen, how = _weights(weights, list(opened.values()))
        fused = fuse(scores, chosen)
    fusion_name, published = _fusion(list(opened.values()))
    cards = [audit(run) for run in opened.values()]
    card = card_of(fused, cards, fusion={"weights": chosen, "chosen": how}, published=published, name=fusion_name)
    seeds = "+".join(f"seed{seed}" for seed in card.seeds)
    folder = out or runs[0].parent / f"{fusion_name}.{weights.replace(',', '_')}.{seeds}"
    save_scores(fused, folder / "scores.npz")
    save_card(card, folder / "ensemble.json")
    if as_json:
        leaky = {} if card.fitted_on_test is None else {"fitted_on_test": card.fitted_on_test}
        said = {"top1": card.accuracy, "top5": card.top5, **leaky, "weights": chosen, "out": str(folder)}
        typer.echo(json.dumps(said, indent=1))
        return
    for name, run in opened.items():
        typer.echo(f"{name:14} {top_k(judged(run)):6.2f} %   weight {chosen[name]:g}")
    label, how = _words(card, how)
    counted = fused if card.zero_shot is None else unseen_part(fused, card.zero_shot.classes)
    typer.echo(f"{label:14} {top_k(counted):6.2f} %   weights: {how}")
    for title, words in zero_shot_rows(card.zero_shot) if card.zero_shot else ():
        typer.echo(f"  {title}: {words}")
    typer.echo(f"scores and card in {folder}")


def _vote(runs: dict[str, Run], scores: dict[str, Scores], *, priority: str, out: Path | None, as_json: bool) -> None:
    from bonefide.cli._vote import cast
    from bonefide.evaluation.audit import audit, card_of, save_card
    from bonefide.evaluation.scores import save_scores

    ballot = cast(runs, scores, priority=priority)
    cards = [audit(run) for run in runs.values()]
    fusion = {"weights": dict.fromkeys(runs, 1.0), "chosen": f"majority vote; of equals {ballot.how}"}
    card = card_of(ballot.scores, cards, fusion=fusion, published=None, name="vote", parts=ballot.verdicts)
    seeds = "+".join(f"seed{seed}" for seed in card.seeds)
    folder = out or next(iter(runs.values())).folder.parent / f"vote.{seeds}"
    save_scores(ballot.scores, folder / "scores.npz")
    save_card(card, folder / "ensemble.json")
    found, oracles = ballot.verdicts.accuracies, ballot.verdicts.oracles
    if as_json:
        said = {"top1": card.accuracy, "parts": found, "oracles": oracles, "priority": ballot.priority}
        typer.echo(json.dumps({**said, "out": str(folder)}, indent=1))
        return
    leaky = "" if card.accuracy is not None else ", best_on_test"
    for name, value in found.items():
        typer.echo(f"{name + leaky:14} {value:6.2f} %")
    typer.echo(f"vote by majority; of equals {ballot.how}")
    for name, value in oracles.items():
        typer.echo(f"{name:14} {value:6.2f} %   labels decide: an upper bound and no accuracy")
    typer.echo(f"scores and card in {folder}")


def _refuse_zero_shot(runs: dict[str, Run], scores: dict[str, Scores], *, what: str) -> None:
    """Of zero-shot runs, what would take samples of seen and unseen classes for one accuracy."""
    from bonefide.evaluation.zero_shot_figures import split_of

    refused = {"a vote", "fitted_on_test"} & {what}
    if any(each.selected_on == "best_on_test" for each in scores.values()):
        refused.add("a fusion of weights that test labels chose")
    if refused and any(split_of(run, scores[name]) for name, run in runs.items()):
        raise RunError(
            f"{min(refused)} is not for zero-shot runs, whose accuracy is of unseen classes; fuse runs of last epochs "
            "with --weights equal or w,w,..."
        )


def _words(card: AuditCard, how: str) -> tuple[str, str]:
    """What the figure of a fusion is called, and how its weights were chosen."""
    if card.fitted_on_test is not None:
        return "fitted_on_test", "those best by test labels; this is no accuracy"
    return "fused" if card.accuracy is not None else "fused, best_on_test", how


def _fusion(runs: list[Run]) -> tuple[str, float | None]:
    """What the recipe calls the fusion of these runs, and the published figure."""
    names, recipe = {run.facts["run"] for run in runs}, runs[0].recipe
    found = next((name for name, weights in recipe.fusions.items() if weights.keys() == names), None)
    return found or "ensemble", recipe.published.get(found) if found else None


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
        return _published(runs[0], names), "published with the recipe"
    try:
        numbers = [float(part) for part in asked.split(",")]
    except ValueError:
        raise UnknownNameError("ways to weigh", asked, _CHOICES) from None
    if len(numbers) != len(names):
        raise RunError(f"{len(numbers)} weights for {len(names)} runs; give one for each, in their order")
    if not all(map(math.isfinite, numbers)) or not any(numbers):
        raise RunError(f"weights {asked} fuse nothing; give finite numbers that are not all 0")
    return dict(zip(names, numbers, strict=True)), "given on the command line"


def _published(run: Run, names: list[str]) -> dict[str, float]:
    fusions = run.recipe.fusions
    for known in fusions.values():
        if known.keys() >= set(names):
            return {name: known[name] for name in names}
    weighed = {name for known in fusions.values() for name in known}
    if missing := [name for name in names if name not in weighed]:
        raise RunError(
            f"the recipe {run.facts['recipe']} publishes no weight for {', '.join(missing)}; "
            "use --weights equal, validation, or numbers"
        )
    ways = "; or ".join(", ".join(known) for known in fusions.values())
    raise RunError(f"the recipe {run.facts['recipe']} does not fuse all of these runs together; give {ways}")
