# SPDX-License-Identifier: Apache-2.0
"""What Lightning costs: steps under its Trainer against a bare loop of the same method and optimiser."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from bonefide.benchmark.batches import each_tensor
from bonefide.benchmark.table import Table
from bonefide.benchmark.timing import Cost, settle
from bonefide.config.recipe import SGD, TrainingRecipe
from bonefide.methods.supervised import Supervised
from bonefide.training.module import MethodModule
from bonefide.training.optimizers import build_optimizer
from bonefide.training.trainer import build_trainer
from bonefide.types import Batch, Features

__all__ = ["measure_adapter"]

_WARM_UP = 20
_HOW = (
    "A method whose own step costs next to nothing (a linear layer on 16 clips), trained with SGD by a bare loop and "
    "by the Trainer as `bonefide train` sets it up, in turn; the first steps of each are not counted. What the adapter "
    "adds is the median over the rounds of the difference, and does not depend on the method."
)


def measure_adapter(*, rounds: int, device: str = "cpu", steps: int = 200) -> Table:
    """Time training steps with and without Lightning.

    Args:
        rounds: at least 1.
        device: as torch names it.
        steps: counted steps a round, at least 1.
    """
    bare, adapted = [], []
    for _ in range(rounds):
        bare.append(_bare(device, steps))
        adapted.append(_adapted(device, steps))
    rows = []
    for what, costs in (("bare loop", bare), ("under the Trainer", adapted)):
        rows.append((what, _median([cost.wall for cost in costs]), _median([cost.cpu for cost in costs])))
    pairs = list(zip(adapted, bare, strict=True))
    added = (_median([a.wall - b.wall for a, b in pairs]), _median([a.cpu - b.cpu for a, b in pairs]))
    columns = ("what", "wall_per_step_ms", "cpu_per_step_ms")
    return Table("training", "The training adapter", _HOW, columns, (*rows, ("added by the adapter", *added)))


class _Toy(nn.Module):
    """The least an encoder can be."""

    out_channels, needs_joints, map_axis = 8, False, "joint"

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, self.out_channels)

    def map_size(self, frames: int) -> tuple[int, int, int]:
        return self.out_channels, 1, 1

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        pooled = self.linear(clip.mean(dim=(2, 3, 4)))
        return Features(pooled[:, None, :, None, None], pooled)


class _Ticking:
    """The same batch again and again; remembers when counting began and when the last batch was asked for."""

    def __init__(self, batch: Batch, steps: int, device: str) -> None:
        self.batch, self.steps, self.device = batch, steps, device
        self.cost = Cost(0.0, 0.0)

    def __len__(self) -> int:
        return _WARM_UP + self.steps + 1

    def __iter__(self) -> Iterator[Batch]:
        wall = cpu = 0.0
        for number in range(len(self)):
            if number == _WARM_UP:
                settle(self.device)
                wall, cpu = time.perf_counter(), time.process_time()
            if number == len(self) - 1:
                settle(self.device)
                passed = Cost(time.perf_counter() - wall, time.process_time() - cpu)
                self.cost = passed.over(self.steps)
            yield self.batch


def _bare(device: str, steps: int) -> Cost:
    method, recipe = Supervised(_Toy(), 10).to(device), _recipe()
    optimizer = build_optimizer(method, recipe.optimizer)
    batches = _Ticking(_batch(), steps, device)
    for batch in batches:
        moved = each_tensor(batch, lambda part: part.to(device))
        optimizer.zero_grad()
        torch.stack(list(method.losses(moved).values())).sum().backward()
        optimizer.step()
    return batches.cost


def _adapted(device: str, steps: int) -> Cost:
    module = MethodModule(Supervised(_Toy(), 10), _recipe())
    batches = _Ticking(_batch(), steps, device)
    trainer = build_trainer(_recipe(), device=device)
    with warnings.catch_warnings():
        # Recommendations about workers, which this has none of, and Lightning's use of what torch has renamed.
        warnings.simplefilter("ignore")
        trainer.fit(module, batches)
    return batches.cost


def _recipe() -> TrainingRecipe:
    return TrainingRecipe(epochs=1, optimizer=SGD(name="sgd", lr=0.01, momentum=0.9))


def _batch() -> Batch:
    return Batch(torch.zeros(16, 3, 4, 5, 1), torch.zeros(16, dtype=torch.int64), torch.arange(16))


def _median(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1e3
