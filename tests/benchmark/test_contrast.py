# SPDX-License-Identifier: Apache-2.0
"""The contrast is timed against a product of the same size; goals are judged by what was measured."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from bonefide.benchmark import contrast
from bonefide.benchmark.contrast import Contrast, measure_contrast
from bonefide.benchmark.timing import Cost
from bonefide.errors import InstallationError

ENOUGH = 128 * 60


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast, "_SAMPLES", ENOUGH)
    monkeypatch.setattr(contrast, "_extra_in_fresh_process", lambda branches, device: 60.0 * branches**2)


def test_every_anchor_counts_and_the_memory_is_full() -> None:
    made = Contrast(samples=ENOUGH)
    assert made.memory.filled.all()
    torch.testing.assert_close(made.memory.spatial.norm(dim=1), torch.ones(ENOUGH))
    spatial, temporal, label, index = made.batch()
    assert torch.equal(label, made.labels[index])
    assert not torch.equal(spatial, made.batch()[0]), "fresh in every round"
    first, second = made.memory(spatial, temporal, label, index)
    assert 3.7 < first < 8.8, "within what the loss can be, and no zero"
    assert 3.7 < second < 8.8
    made.one(spatial, label, index)
    made.both(spatial, temporal, label, index)
    assert spatial.grad is not None
    assert spatial.grad.any(dim=1).all()


@pytest.mark.usefixtures("few")
def test_it_is_really_measured() -> None:
    table = measure_contrast(rounds=1)
    rows = {row["what"]: row for row in table.facts()["rows"]}
    assert list(rows) == ["similarity product", "one branch", "both branches"]
    assert rows["similarity product"]["products"] == 1
    assert 1 < rows["one branch"]["products"] < rows["both branches"]["products"]
    assert all(row["cpu_ms"] > 0 < row["wall_ms"] for row in rows.values())
    assert (rows["one branch"]["extra_mb"], rows["one branch"]["below_100"]) == (60, True)
    assert (rows["both branches"]["extra_mb"], rows["both branches"]["below_100"]) == (240, False)


@pytest.mark.parametrize(
    ("cpu", "wall", "device", "met"), [(5, 6, "cpu", True), (6, 5, "cpu", False), (6, 5, "cuda", True)]
)
def test_goals_are_judged_in_the_time_that_counts(cpu: float, wall: float, device: str, met: bool) -> None:
    product = [Cost(1.0, 1.0), Cost(2.0, 2.0), Cost(1.0, 1.0)]
    costs = [Cost(wall * each.wall, cpu * each.cpu) for each in product]
    row = contrast._row("one branch", costs, product, device=device, branches=1, extra=100.0)
    found = dict(zip(contrast._COLUMNS, row, strict=True))
    assert found["products"] == (cpu if device == "cpu" else wall)
    assert (found["goal"], found["met"], found["below_100"]) == ("5 products", met, True)


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not tell a process's largest memory")
def test_memory_is_that_of_a_fresh_process() -> None:
    """More than the similarities take, and less than the official code."""
    assert 64 * 40_091 * 4 / 1e6 < contrast._extra_in_fresh_process(1, "cpu") < 100


def test_a_process_that_fails_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nMemoryError: none\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(InstallationError, match="a fresh process cannot contrast: MemoryError: none"):
        contrast._extra_in_fresh_process(1, "cpu")
