# SPDX-License-Identifier: Apache-2.0
"""Progress: bars on a terminal, silence elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from bonefide.config.recipe import Recipe

__all__ = ["Counter", "training_progress"]

Report = Callable[[Path, dict[str, float]], None]


class Counter:
    """A bar that appears with the first step, and goes when the block ends.

    Args:
        what: is done, in a word.
    """

    def __init__(self, what: str) -> None:
        self.total = 0
        console = Console(stderr=True)
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task(what, total=None)

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self.total:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """So many steps of so many are done."""
        if not self.total:
            self._bar.start()
        self.total = total
        self._bar.update(self._task, completed=done, total=total)


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
