# SPDX-License-Identifier: Apache-2.0
"""Pre-training is timed against a matrix product; goals are judged by what was measured."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from bonefide.benchmark import pretraining
from bonefide.benchmark.pretraining import density_task, measure_pretraining, step_task
from bonefide.benchmark.timing import Cost
from bonefide.errors import InstallationError


def facts(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(pretraining._COLUMNS, row, strict=True))


def test_it_is_really_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def step(clips: int, *, device: str) -> Any:
        asked.append(clips)
        return step_task(1, device=device)

    monkeypatch.setattr(pretraining, "step_task", step)
    monkeypatch.setattr(pretraining, "_in_fresh_process", lambda clips, device: 70.0 * clips)
    table = measure_pretraining(rounds=1)
    rows = {row["what"]: row for row in table.facts()["rows"]}
    assert list(rows) == ["product", "density, 64 sequences", "step, 8 clips", "step, 32 clips"]
    assert asked == [8]
    assert rows["product"]["products"] == 1
    assert 0 < rows["density, 64 sequences"]["products"] < rows["step, 8 clips"]["products"]
    assert rows["step, 32 clips"]["peak_mb"] == 70 * 32


def test_the_density_is_that_of_all_tokens() -> None:
    change = density_task()()
    assert change.shape == (64, 30, 25)  # type: ignore[attr-defined]
    assert change[:, 1:].all()  # type: ignore[index]


@pytest.mark.parametrize(
    ("cpu", "wall", "device", "below", "met"),
    [
        (1.0, 9, "cpu", True, True),
        (1.1, 9, "cpu", True, False),
        (1.3, 0.1, "cpu", False, False),
        (9, 1, "cuda", True, True),
    ],
)
def test_the_density_is_judged_in_the_time_that_counts(
    cpu: float, wall: float, device: str, below: bool, met: bool
) -> None:
    product = [Cost(1.0, 1.0), Cost(2.0, 2.0), Cost(1.0, 1.0)]
    costs = [Cost(wall * each.wall, cpu * each.cpu) for each in product]
    row = facts(pretraining._row("density, 64 sequences", costs, product, device=device))
    assert (row["below_1.2"], row["met"], row["goal"]) == (below, met, "15 x")
    assert row["times_faster"] == pytest.approx(15.5 / (cpu if device == "cpu" else wall))


@pytest.mark.parametrize(("products", "met"), [(139, True), (140, False)])
def test_so_is_the_step(products: float, met: bool) -> None:
    row = facts(pretraining._row("step, 8 clips", [Cost(1, products)], [Cost(1, 1)], device="cpu"))
    assert (row["met"], row["goal"], row["below_1.2"]) == (met, "1.5 x", None)


@pytest.mark.parametrize(("megabytes", "within"), [(2800, True), (2900, False)])
def test_so_is_memory(megabytes: float, within: bool) -> None:
    row = facts(pretraining._memory_row(megabytes))
    assert (row["peak_mb"], row["official_mb"], row["below_45"]) == (megabytes, 6300, within)


def test_a_process_that_fails_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nMemoryError: none\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(InstallationError, match="a fresh process cannot pre-train: MemoryError: none"):
        pretraining._in_fresh_process(1, "cpu")
