# SPDX-License-Identifier: Apache-2.0
"""`bonefide demo`: the whole chain on synthetic people, from raw files to a report page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from bonefide.config.recipe import Recipe
    from bonefide.data.store import SkeletonStore
    from bonefide.run import Run

__all__ = ["demo"]

_RECIPES = {
    "supervised": ("ctrgcn/synthetic",),
    "self-supervised": ("mamp/synthetic", "mamp/synthetic_linear"),
    "zero-shot": ("pgfa/synthetic",),
}
"""What each task trains, one after the other; later ones start from earlier ones."""
_CAMERAS = 2


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all of it.")] = Path("demo"),
    task: Annotated[
        Literal["supervised", "self-supervised", "zero-shot"],
        typer.Option(
            help="Recognition from labels; pre-training without any and a linear classifier on top; or recognition of "
            "classes that no training sample shows, from words about them."
        ),
    ] = "supervised",
    subjects: Annotated[int, typer.Option(min=2, help="Made-up people; those with odd numbers train.")] = 20,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the people and of the training.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON when done.")] = False,
) -> None:
    """Synthetic raw archive -> store -> training -> test -> report page; minutes on two CPU cores.

    Self-supervised, the training is two: a transformer without labels, then linear classifiers on what it learned and
    on the same network with random weights.

    Zero-shot, five of the 26 classes are unseen. A network learns to match the other 21 with sentences about them, once
    to rehearse with some of them held out, once for good; then it finds the unseen ones by their sentences.

    Started again, it continues; what is done is not done again.
    """
    from bonefide.cli._pretraining import illustrations
    from bonefide.cli._progress import Counter
    from bonefide.config import load
    from bonefide.data.preparation import prepare
    from bonefide.data.synthetic.write import synthesize
    from bonefide.evaluation.audit import audit
    from bonefide.evaluation.report import report

    settings = {"training.epochs": epochs} if epochs is not None else {}
    recipes = [load.recipe(name, set={"training.seed": seed, **settings}) for name in _RECIPES[task]]
    people = f"people{subjects}.seed{seed}"
    archive = out / "raw" / f"{people}.zip"
    with _step("synthesize", archive):
        # The archive appears only when it is complete, so one that is there is the one.
        if not archive.is_file():
            with Counter("perform") as counter:
                synthesize("ntu", archive, subjects=subjects, cameras=_CAMERAS, seed=seed, progress=counter)
    with _step("prepare", out / "stores" / people), Counter("prepare") as counter:
        store = prepare("synthetic", raw=archive, out=out / "stores" / people, progress=counter)
    runs = [run for recipe in recipes for run in _train(recipe, out / "runs" / people, store, device)]
    pages = out / ("report" if task == "supervised" else f"report_{task.replace('-', '_')}")
    with _step("report", pages):
        page = report(runs, out=pages, store=store, illustrations=illustrations(runs, store))
    if task == "zero-shot":
        _tell_zero_shot(runs[-1], page, as_json=as_json)
        return
    neighbor = _nearest_neighbor(store)
    if task == "self-supervised":
        _tell_self_supervised(runs, neighbor, page, as_json=as_json)
        return
    run, card = runs[0], audit(runs[0])
    if as_json:
        numbers = {"top1": card.accuracy, "top5": card.top5, "nearest_neighbor": neighbor}
        typer.echo(json.dumps({**numbers, "page": str(page), "run": str(run.folder)}))
        return
    typer.echo(f"top-1 on unseen subjects: {card.accuracy:.2f} % of {card.test_samples} samples (last epoch)")
    typer.echo(f"nearest neighbour on raw coordinates, for comparison: {neighbor:.2f} %")
    typer.echo(f"page: {page}")


def _train(recipe: Recipe, out: Path, store: SkeletonStore, device: str) -> list[Run]:
    from bonefide.cli._device import computing_device
    from bonefide.cli._progress import training_progress
    from bonefide.training.fit import plan_runs
    from bonefide.training.parallel import train_all

    plans = plan_runs(recipe, out)
    with _step("train", plans[0][2]), training_progress(plans) as progress:
        return train_all(plans, store=store, device=computing_device(device), report=progress)


def _tell_self_supervised(runs: list[Run], neighbor: float, page: Path, *, as_json: bool) -> None:
    from bonefide.evaluation.audit import audit

    before, pretrained, random = (audit(run) for run in runs)
    numbers = {
        "linear": pretrained.accuracy,
        "linear_random": random.accuracy,
        "embedding_neighbor": before.accuracy,
        "nearest_neighbor": neighbor,
    }
    if as_json:
        typer.echo(json.dumps({**numbers, "page": str(page), "runs": [str(run.folder) for run in runs]}))
        return
    typer.echo(f"top-1 on unseen subjects, {pretrained.test_samples} samples (last epoch):")
    for name, words in (
        ("linear", "linear classifier on what was learned without labels"),
        ("linear_random", "the same on the network with random weights"),
        ("embedding_neighbor", "nearest neighbour of what was learned without labels"),
        ("nearest_neighbor", "nearest neighbour on raw coordinates"),
    ):
        typer.echo(f"  {numbers[name]:6.2f} %  {words}")
    typer.echo(f"page: {page}")


def _tell_zero_shot(run: Run, page: Path, *, as_json: bool) -> None:
    from bonefide.evaluation.audit import audit

    figures = audit(run).zero_shot
    assert figures is not None
    seen, unseen, harmonic = figures.calibrated
    numbers = {
        "unseen_alone": figures.acc_inductive,
        "chance": figures.chance,
        "seen": seen,
        "unseen": unseen,
        "harmonic": harmonic,
        "gamma": figures.gamma,
    }
    if as_json:
        typer.echo(json.dumps({**numbers, "page": str(page), "run": str(run.folder)}))
        return
    typer.echo(f"unseen classes of unseen subjects: {', '.join(figures.unseen_classes)}")
    typer.echo(f"  {figures.acc_inductive:6.2f} %  told from each other; chance is {figures.chance:.2f} %")
    if figures.acc_transductive is not None:
        typer.echo(f"  {figures.acc_transductive:6.2f} %  the same, decided for all samples together (transductive)")
    typer.echo(f"  {harmonic:6.2f} %  harmonic mean, told from all classes: seen {seen:.2f} %, unseen {unseen:.2f} %")
    typer.echo("  what seen classes are handicapped by was chosen on training samples alone (last epoch)")
    typer.echo(f"page: {page}")


def _nearest_neighbor(store: SkeletonStore) -> float:
    """How far one comes without learning: first frame's spine at the origin, 32 frames, Euclidean distance."""
    from bonefide.data.dataset import SkeletonDataset
    from bonefide.data.protocols import split
    from bonefide.evaluation.knn import knn_accuracy
    from bonefide.transforms.resample import Resample

    parts = split(store, "xsub")
    train, test = (
        SkeletonDataset(store, rows, transform=Resample(32), persons=2) for rows in (parts.train, parts.test)
    )
    return knn_accuracy(train, test)


@contextmanager
def _step(name: str, place: Path) -> Iterator[None]:
    started = time.perf_counter()
    yield
    typer.echo(f"{name:10} {time.perf_counter() - started:6.1f} s   {place}", err=True)
