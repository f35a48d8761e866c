# SPDX-License-Identifier: Apache-2.0
"""The adapter is measured against a bare loop that does the same."""

from __future__ import annotations

import pytest
import torch

from bonefide.benchmark import adapter
from bonefide.benchmark.timing import Cost
from bonefide.methods.supervised import Supervised


def test_both_loops_are_timed() -> None:
    bare, trainer, added = adapter.measure_adapter(rounds=1, steps=5).facts()["rows"]
    assert bare["wall_per_step_ms"] > 0
    assert trainer["wall_per_step_ms"] > 0
    assert added["wall_per_step_ms"] == pytest.approx(trainer["wall_per_step_ms"] - bare["wall_per_step_ms"])


def test_both_loops_make_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Supervised] = []

    class Kept(Supervised):
        def __init__(self, encoder: object, num_classes: int) -> None:
            torch.manual_seed(3)
            super().__init__(adapter._Toy(), num_classes)
            made.append(self)

    monkeypatch.setattr(adapter, "Supervised", Kept)
    adapter._bare("cpu", 3)
    adapter._adapted("cpu", 3)
    first, second = (method.head.bias for method in made)
    assert torch.equal(first, second)
    assert first.abs().max() > 0


def test_only_the_steps_after_warming_up_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 14.0])
    monkeypatch.setattr(adapter.time, "perf_counter", lambda: next(clock))
    batches = adapter._Ticking(adapter._batch(), 8, "cpu")
    assert len(list(batches)) == len(batches) == adapter._WARM_UP + 9
    assert batches.cost.wall == Cost(4.0, 0.0).over(8).wall
