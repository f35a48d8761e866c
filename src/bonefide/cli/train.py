# SPDX-License-Identifier: Apache-2.0
"""`bonefide train`: the runs of a recipe, one after the other or side by side; started again, they continue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bonefide.errors import RecipeError

if TYPE_CHECKING:
    from bonefide.config.recipe import Recipe
    from bonefide.data.store import SkeletonStore

__all__ = ["train"]

_INTERRUPTED = 130


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe (`bonefide ls recipes`), or a YAML file.")],
    store: Annotated[Path, typer.Option(help="The prepared data.")],
    out: Annotated[Path, typer.Option(help="Folder of all runs.")] = Path("runs"),
    run: Annotated[list[str] | None, typer.Option(help="Only this run of the recipe; may be given again.")] = None,
    seeds: Annotated[str, typer.Option(help="One training each, as in 1,2,3; the recipe's seed if empty.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, as in training.epochs=10.")] = None,
    start_from: Annotated[
        Path | None, typer.Option(help="A run or weights to start from, instead of those the recipe names.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[Literal["32", "bf16", "16"], typer.Option(help="Of the arithmetic.")] = "32",
    parallel: Annotated[int, typer.Option(min=1, help="Runs side by side on one device.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that load data, a run.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON when done.")] = False,
) -> None:
    """Train the runs of a recipe; the same command continues what was interrupted."""
    from bonefide.cli._device import computing_device
    from bonefide.cli._progress import training_progress
    from bonefide.config import load
    from bonefide.data.store import open_store
    from bonefide.training.fit import plan_runs
    from bonefide.training.parallel import train_all

    whole = load.recipe(recipe, set=load.parse_overrides(settings or []))
    plans = plan_runs(whole, out, runs=run or [], seeds=_seeds(seeds), start_from=start_from)
    opened = open_store(store)
    try:
        _make_images(plans, opened)
        with training_progress(plans) as report:
            done = train_all(
                plans,
                store=opened,
                device=computing_device(device),
                precision=precision,
                workers=workers,
                parallel=parallel,
                report=report,
            )
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command continues from the last finished epoch", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    cards = {str(each.folder): json.loads(each.report_file.read_text(encoding="utf-8")) for each in done}
    if as_json:
        typer.echo(json.dumps(cards, indent=1))
        return
    for folder, card in cards.items():
        typer.echo(f"{folder}: {_summary(card)}")


def _make_images(plans: list[tuple[Recipe, str, Path]], store: SkeletonStore) -> None:
    from bonefide.cli._progress import Counter
    from bonefide.config.build import make_images

    for recipe, _, _ in plans:
        with Counter("describe") as counter:
            make_images(recipe, store, progress=counter)
        if counter.total:
            typer.echo(f"described {len(store)} sequences; their images lie in {store.path}", err=True)


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        seeds = [-1]
    if any(seed < 0 for seed in seeds):
        raise RecipeError([f"--seeds: expected numbers from 0 with commas between, as in 1,2,3, got '{text}'"])
    return seeds


def _summary(card: dict[str, object]) -> str:
    if card["accuracy"] is None:
        return "weights chosen with test labels; see best_on_test in the report, which is no accuracy"
    judged = ", nearest neighbours of embeddings" if card.get("neighbors") else ""
    chosen = f"weights: {card['selected_on']}{judged}"
    return f"top-1 {card['accuracy']:.2f} % on {card['test_samples']} test samples ({chosen})"
