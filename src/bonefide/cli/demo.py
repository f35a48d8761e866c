# SPDX-License-Identifier: Apache-2.0
"""`bonefide demo`: the whole chain on synthetic people, from raw files to a report page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore

__all__ = ["demo"]

_RECIPE = "ctrgcn/synthetic"
_CAMERAS = 2


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all of it.")] = Path("demo"),
    subjects: Annotated[int, typer.Option(min=2, help="Made-up people; those with odd numbers train.")] = 20,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the people and of the training.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON when done.")] = False,
) -> None:
    """Synthetic raw archive -> store -> training -> test -> report page; minutes on two CPU cores.

    Started again, it continues; what is done is not done again.
    """
    from bonefide.cli._progress import Counter, training_progress
    from bonefide.config import load
    from bonefide.data.preparation import prepare
    from bonefide.data.synthetic.write import synthesize
    from bonefide.evaluation.audit import audit
    from bonefide.evaluation.report import report
    from bonefide.training.fit import plan_runs
    from bonefide.training.parallel import train_all

    settings = {"training.epochs": epochs} if epochs is not None else {}
    whole = load.recipe(_RECIPE, set={"training.seed": seed, **settings})
    people = f"people{subjects}.seed{seed}"
    archive = out / "raw" / f"{people}.zip"
    with _step("synthesize", archive):
        # The archive appears only when it is complete, so one that is there is the one.
        if not archive.is_file():
            with Counter("perform") as counter:
                synthesize("ntu", archive, subjects=subjects, cameras=_CAMERAS, seed=seed, progress=counter)
    with _step("prepare", out / "stores" / people), Counter("prepare") as counter:
        store = prepare("synthetic", raw=archive, out=out / "stores" / people, progress=counter)
    plans = plan_runs(whole, out / "runs" / people)
    with _step("train", plans[0][2]), training_progress(plans) as progress:
        run = train_all(plans, store=store, device=device, report=progress)[0]
    card = audit(run)
    with _step("report", out / "report"):
        page = report([run], out=out / "report", store=store)
    neighbor = _nearest_neighbor(store)
    if as_json:
        numbers = {"top1": card.accuracy, "top5": card.top5, "nearest_neighbor": neighbor}
        typer.echo(json.dumps({**numbers, "page": str(page), "run": str(run.folder)}))
        return
    typer.echo(f"top-1 on unseen subjects: {card.accuracy:.2f} % of {card.test_samples} samples (last epoch)")
    typer.echo(f"nearest neighbour on raw coordinates, for comparison: {neighbor:.2f} %")
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
