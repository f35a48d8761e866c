# SPDX-License-Identifier: Apache-2.0
"""Tasks take turns, and what they cost is theirs."""

from __future__ import annotations

import time

import pytest
import torch

from bonefide.benchmark.timing import Cost, interleaved, thread_limit
from bonefide.errors import BonefideError


def test_tasks_take_turns() -> None:
    calls: list[str] = []
    tasks = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    interleaved(tasks, rounds=3, seconds=0.0)
    assert "".join(calls) == "aabb" + "ab" * 3


def test_sleeping_costs_wall_but_no_processor_time() -> None:
    cost = interleaved({"sleep": lambda: time.sleep(0.02)}, rounds=1, seconds=0.0)["sleep"]
    assert cost.wall >= 0.02
    assert cost.cpu < 0.01


def test_a_quick_task_is_repeated_and_its_cost_is_that_of_one_call() -> None:
    calls: list[int] = []
    cost = interleaved({"quick": lambda: calls.append(0)}, rounds=1, seconds=0.01)["quick"]
    assert len(calls) > 100
    assert cost.wall < 0.001


def test_a_part_of_a_cost() -> None:
    assert Cost(6.0, 3.0).over(3) == Cost(2.0, 1.0)


def test_threads_are_limited_and_given_back() -> None:
    before = torch.get_num_threads()
    with thread_limit(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_no_rounds_and_no_threads_are_refused() -> None:
    with pytest.raises(BonefideError, match="rounds must be at least 1, got 0"):
        interleaved({}, rounds=0)
    with pytest.raises(BonefideError, match="threads must be at least 1, got 0"), thread_limit(0):
        pass
