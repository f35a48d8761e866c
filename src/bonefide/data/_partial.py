# SPDX-License-Identifier: Apache-2.0
"""A folder that others see only when it is complete: made in `.NAME.partial` beside its place, and then renamed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bonefide.data._writing import sync_folder
from bonefide.writing import write_file

__all__ = ["FINISHED", "LOCK", "give_name", "is_free", "recover", "take_up", "work_of"]

LOCK, FINISHED = "lock", "finished"
"""In the work: what stands for the right to do it, and the folder that will take the name."""
_PLAN = "plan"


def work_of(target: Path) -> Path:
    """Where it is made; what an interrupted process has left lies there."""
    return target.with_name(f".{target.name}.partial")


def is_free(target: Path) -> bool:
    """Whether nothing lies at the place, or an empty folder."""
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


def take_up(work: Path, plan: str) -> bool:
    """Keep what is left of the same plan, and discard any other; the lock must be held.

    Args:
        work: see `work_of`.
        plan: what will be made, and how.

    Returns:
        Whether work of the same plan is there.
    """
    file = work / _PLAN
    if file.is_file() and file.read_text(encoding="utf-8") == plan:
        return True
    for left in work.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif left.name != LOCK:
            left.unlink()
    write_file(file, plan)
    return False


def give_name(finished: Path, target: Path) -> None:
    """Put a finished folder in its place; what lies there gives way, at no moment is nothing to be recovered."""
    previous = _previous(target)
    if not is_free(target):
        shutil.rmtree(previous, ignore_errors=True)
        os.rename(target, previous)
    os.rename(finished, target)
    sync_folder(target.parent)
    shutil.rmtree(previous, ignore_errors=True)


def recover(target: Path) -> None:
    """Give back what lay there to whoever was killed between the two renames of `give_name`."""
    if _previous(target).exists() and not target.exists():
        os.rename(_previous(target), target)


def _previous(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")
