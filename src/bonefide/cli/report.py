# SPDX-License-Identifier: Apache-2.0
"""`bonefide report`: runs and cards as a page, and the results document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore
    from bonefide.evaluation.audit import AuditCard
    from bonefide.evaluation.report import Source
    from bonefide.run import Run

__all__ = ["report"]

_SELF_SUPERVISED = "self-supervised"
"""The study of pre-trainings."""
_ZERO_SHOT = "zero-shot"
"""That of zero-shot recognition."""


def report(
    sources: Annotated[list[Path], typer.Argument(help="Runs, folders of runs, or cards (.json).")],
    *,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html, report.json and report.md.")] = None,
    store: Annotated[
        Path | None, typer.Option(help="Store with the test samples. (default: the one of the runs)")
    ] = None,
    results: Annotated[Path | None, typer.Option(help="Write the results document (Markdown) there.")] = None,
    cards: Annotated[Path | None, typer.Option(help="Store one small card per run in this folder.")] = None,
    study: Annotated[
        str | None,
        typer.Option(
            help="A method: let --results set trainings with it beside plain ones of equal settings and seeds; or "
            "self-supervised: trainings from pre-trained weights beside those from random ones; or zero-shot: methods "
            "and baselines over splits and seeds, honestly and as published."
        ),
    ] = None,
    costs: Annotated[
        list[Path] | None, typer.Option(help="For --study: what `bonefide bench --json` printed; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Set runs beside published numbers: a page, a results document, or cards to keep.

    Folders are searched for finished runs and for the cards of ensembles. A folder without runs is one of cards.
    """
    from bonefide.cli._pretraining import illustrations
    from bonefide.errors import RunError
    from bonefide.evaluation.probe_card import is_probe_card
    from bonefide.evaluation.report import report as write_report

    if out is None and results is None and cards is None:
        raise RunError("nothing to write; give --out for a page, --results for a document, or --cards")
    if (study is not None and results is None) or (costs and study is None):
        raise RunError("--study needs --results, the file to write, and --costs needs --study, the method")
    if costs and study in {_SELF_SUPERVISED, _ZERO_SHOT}:
        raise RunError(f"--costs are of methods; --study {study} shows none, leave them out")
    runs, given = _sources(sources)
    probes = [file for file in given if is_probe_card(file)]
    files = [file for file in given if file not in probes]
    written: dict[str, str] = {}
    if out is not None:
        if not runs and not files:
            raise RunError("only cards of probes, which stand in the results document; give --results for it")
        opened = _store(store, runs)
        pictures = illustrations(runs, opened)
        every = [*runs, *map(_scored, files)]
        written["page"] = str(write_report(every, out=out, store=opened, illustrations=pictures))
    if study is not None and results is not None:
        written["study"] = _study(sources, runs, files, method=study, costs=costs or [], results=results)
        results = None
    if cards is not None or results is not None:
        command = f"bonefide report {' '.join(map(str, sources))} --results {results}"
        written |= _keep(runs, files, probes, cards=cards, results=results, command=command)
    if as_json:
        typer.echo(json.dumps(written | {"runs": len(runs), "cards_given": len(given)}))
    else:
        for kind, place in written.items():
            typer.echo(f"{kind}: {place}")


def _sources(places: list[Path]) -> tuple[list[Run], list[Path]]:
    from bonefide.errors import RunError
    from bonefide.run import find_runs

    files = [place for place in places if place.is_file()]
    runs, unfinished = [], []
    for place in places:
        if place in files:
            continue
        below = find_runs([place]) if any(place.rglob("recipe.yaml")) else []
        own = sorted(place.rglob("ensemble.json") if below else place.glob("*.json"))
        if not below and not own:
            raise RunError(f"{place}: neither runs nor audit cards at or below this place; check the path")
        files += own
        runs += [run for run in below if run.finished]
        unfinished += [run for run in below if not run.finished]
    for run in unfinished:
        typer.echo(f"{run.folder}: left out, its training has not finished", err=True)
    if not runs and not files:
        raise RunError(f"none of {len(unfinished)} runs has finished; start the training again to continue it")
    return list({run.folder.resolve(): run for run in runs}.values()), list(
        {file.resolve(): file for file in files}.values()
    )


def _scored(file: Path) -> Source:
    """A card, with its scores if they lie beside it as `bonefide ensemble` leaves them."""
    from bonefide.evaluation.audit import load_card
    from bonefide.evaluation.scores import load_scores

    card, scores = load_card(file), file.with_name("scores.npz")
    return (card, load_scores(scores)) if file.name == "ensemble.json" and scores.is_file() else card


def _store(given: Path | None, runs: list[Run]) -> SkeletonStore | None:
    from bonefide.data.store import open_store
    from bonefide.errors import StoreError

    if given is not None:
        return open_store(given)
    reasons = []
    for place in dict.fromkeys(str(run.facts.get("store", "")) for run in runs):
        try:
            return open_store(place)
        except StoreError as error:
            reasons.append(str(error))
    reason = f" ({reasons[0]})" if reasons else ""
    typer.echo(f"the page has no skeletons: no store at hand{reason}; give it by --store", err=True)
    return None


def _keep(
    runs: list[Run], files: list[Path], probes: list[Path], *, cards: Path | None, results: Path | None, command: str
) -> dict[str, str]:
    from bonefide.evaluation.audit import audit, load_card, save_card
    from bonefide.evaluation.probe_card import load_probe_card
    from bonefide.evaluation.results import write_results

    written = {}
    every = [*map(audit, runs), *map(load_card, files)]
    if cards is not None:
        for name, card in _named(every).items():
            save_card(card, cards / f"{name}.json")
        written["cards"] = str(cards)
    if results is not None:
        probed = list(map(load_probe_card, probes))
        written["results"] = str(write_results(every, results, probes=probed, command=command))
    return written


def _study(
    sources: list[Path], runs: list[Run], files: list[Path], *, method: str, costs: list[Path], results: Path
) -> str:
    from bonefide.config.components import names
    from bonefide.errors import UnknownNameError
    from bonefide.evaluation.audit import audit, load_card
    from bonefide.evaluation.study import load_costs, write_study
    from bonefide.evaluation.study_pretraining import write_pretraining_study
    from bonefide.evaluation.study_zero_shot import write_zero_shot_study

    if method not in (known := (*names("methods"), _SELF_SUPERVISED, _ZERO_SHOT)):
        raise UnknownNameError("methods", method, known)
    every = [*map(audit, runs), *map(load_card, files)]
    measured = [f"--costs {file}" for file in costs]
    said = ["bonefide report", *map(str, sources), f"--study {method}", *measured, f"--results {results}"]
    command = " ".join(said)
    if method == _SELF_SUPERVISED:
        return str(write_pretraining_study(every, results, command=command))
    if method == _ZERO_SHOT:
        return str(write_zero_shot_study(every, results, command=command))
    return str(write_study(every, results, method=method, costs=list(map(load_costs, costs)), command=command))


def _named(cards: list[AuditCard]) -> dict[str, AuditCard]:
    """Cards by the name of their file; those of equal recipe, run and seed are numbered."""
    named: dict[str, AuditCard] = {}
    for card in cards:
        seeds = "+".join(map(str, card.seeds)) or "unknown"
        name = f"{card.recipe.replace('/', '.')}.{card.run}.seed{seeds}"
        if named.get(name, card) != card:
            name = next(f"{name}.{number}" for number in range(2, len(cards) + 2) if f"{name}.{number}" not in named)
        named[name] = card
    return named
