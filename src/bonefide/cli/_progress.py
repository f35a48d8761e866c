# SPDX-License-Identifier: Apache-2.0
"""Progress of trainings: bars on a terminal, silence elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from bonefide.config.recipe import Recipe

__all__ = ["training_progress"]

Report = Callable[[Path, dict[str, float]], None]


@contextmanager
def training_progress(plans: Sequence[tuple[Recipe, str, Path]]) -> Iterator[Report]:
    """Bars of the epochs of all runs; what is yielded takes a run's folder and a row of its log."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[now]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        tasks = {
            folder: progress.add_task(f"{recipe.name} {folder.name}", total=recipe.training.epochs, now="")
            for recipe, _, folder in plans
        }

        def report(folder: Path, row: dict[str, float]) -> None:
            tested = f", test {row['test_top1']:.1f} %" if "test_top1" in row else ""
            progress.update(tasks[folder], completed=row["epoch"], now=f"loss {row['loss']:.3f}{tested}")

        yield report
