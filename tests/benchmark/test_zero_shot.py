# SPDX-License-Identifier: Apache-2.0
"""Zero-shot recognition is timed against a matrix product; goals are judged by processor time on the CPU."""

from __future__ import annotations

from typing import Any

import pytest

from bonefide.benchmark import zero_shot
from bonefide.benchmark.timing import Cost
from bonefide.benchmark.zero_shot import (
    alignment_step,
    estimation_step,
    matcher_recognition,
    matcher_step,
    measure_zero_shot,
)


def facts(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(zero_shot._COLUMNS, row, strict=True))


def test_it_is_really_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "_SAMPLES", 4)
    monkeypatch.setattr(zero_shot, "_CLIPS", 2)
    rows = {row["what"]: row for row in measure_zero_shot(rounds=1).facts()["rows"]}
    assert list(rows) == ["product", *zero_shot._PARTS]
    assert rows["product"]["products"] == 1
    assert 0 < rows["Neuron recognition, 64 samples"]["products"] < rows["Neuron step, 64 samples"]["products"]


def test_a_step_leaves_gradients_and_recognition_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "_SAMPLES", 4)
    step = matcher_step()
    step()
    method = step.args[0]  # type: ignore[attr-defined]
    assert all(each.grad is not None and each.grad.any() for each in method.spatial.parameters())
    scores = matcher_recognition()()
    assert scores.shape == (4, 60)  # type: ignore[attr-defined]
    assert scores.isfinite().all()  # type: ignore[attr-defined]


def test_a_step_of_pgfa_reaches_the_encoder_and_one_of_smie_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "_CLIPS", 2)
    for task, reached in ((alignment_step(), True), (estimation_step(), False)):
        task()
        method = task.args[0]  # type: ignore[attr-defined]
        learned = [each.grad is not None for each in method.encoder.parameters()]
        assert all(learned) if reached else not any(learned)


@pytest.mark.parametrize(("cpu", "device", "met"), [(0.8, "cpu", True), (0.9, "cpu", False), (0.1, "cuda", None)])
def test_the_goal_is_judged_on_the_cpu(cpu: float, device: str, met: bool | None) -> None:
    row = facts(zero_shot._row("Neuron step, 64 samples", [Cost(1, cpu)], [Cost(1, 1)], device=device))
    assert row["met"] is met
    assert row["goal"] == (None if met is None else "1.5 x")
    assert row["products"] == (cpu if device == "cpu" else 1)


def test_what_has_no_figure_has_no_goal() -> None:
    row = facts(zero_shot._row("Neuron recognition, 64 samples", [Cost(1, 1)], [Cost(1, 1)], device="cpu"))
    assert (row["official_ms"], row["goal"], row["met"]) == (None, None, None)
