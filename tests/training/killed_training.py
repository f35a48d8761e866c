# SPDX-License-Identifier: Apache-2.0
"""Trains, kills itself with SIGKILL at a chosen moment, trains on; run as a script, one process for many trials.

    killed_training.py RECIPE STORE OUT MOMENT...

Moments are counted: before and after each step, in the midst of each file, before and after each renaming.
Moment 0 kills nothing and prints how many there are.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bonefide.config import load
from bonefide.data.store import open_store
from bonefide.training.fit import plan_runs
from bonefide.training.module import MethodModule
from bonefide.training.parallel import train_all


class Moments:
    def __init__(self, last: int) -> None:
        self.last, self.count = last, 0

    def pass_one(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.pass_one()
            returned = function(*arguments, **options)
            self.pass_one()
            return returned

        return watched

    def in_the_midst_of(self, write: Callable[[Path, bytes], int]) -> Callable[[Path, bytes], int]:
        def watched(path: Path, content: bytes) -> int:
            write(path, content[: len(content) // 2])
            self.pass_one()
            return write(path, content)

        return watched


def train(recipe: str, store: str, out: str, last: int) -> int:
    moments = Moments(last)
    os.replace = moments.around(os.replace)
    MethodModule.training_step = moments.around(MethodModule.training_step)  # type: ignore[method-assign]
    Path.write_bytes = moments.in_the_midst_of(Path.write_bytes)  # type: ignore[method-assign, assignment]
    train_all(plan_runs(load.recipe(recipe), Path(out)), store=open_store(store), device="cpu")
    return moments.count


def in_a_process_of_its_own(*arguments: Any) -> int:
    """Number of the signal it ended with; nothing may have been calculated before, threads do not survive a fork."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        print(train(*arguments), flush=True)  # noqa: T201
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    recipe, store, out, *last = sys.argv[1:]
    for moment in map(int, last):
        ended = in_a_process_of_its_own(recipe, store, f"{out}/{moment}", moment)
        if moment and ended != signal.SIGKILL:
            sys.exit(f"moment {moment}: ended by {ended}, not killed")
        if in_a_process_of_its_own(recipe, store, f"{out}/{moment}", 0):
            sys.exit(f"moment {moment}: could not go on")
