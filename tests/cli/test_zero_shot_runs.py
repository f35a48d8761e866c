# SPDX-License-Identifier: Apache-2.0
"""What the command line says about runs of zero-shot recognisers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from calling import call

from bonefide.cli.compare import compare
from bonefide.cli.ensemble import ensemble
from bonefide.cli.report import report
from bonefide.cli.test import test as verb
from bonefide.errors import RunError
from bonefide.evaluation import test as testing
from bonefide.evaluation.audit import load_card
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.zero_shot import unseen_part

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from made_zero_shot import SPLIT, family, made_zero_shot_run, zero_shot_scores


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [
        made_zero_shot_run(tmp_path / name, zero_shot_scores(seed=seed), run=name).folder
        for seed, name in enumerate(("joint", "bone"))
    ]


def test_comparing_runs_compares_samples_of_unseen_classes(runs: list[Path]) -> None:
    said = json.loads(call(compare, *runs, "--json").stdout)
    parts = [unseen_part(zero_shot_scores(seed=seed), SPLIT) for seed in (0, 1)]
    assert said["top1"] == [top_k(part) for part in parts]
    assert set(said["per_class"]) == set(parts[0].classes)
    assert said["only_first"] + said["only_second"] + said["both_right"] + said["both_wrong"] == 24


def test_fusing_runs(runs: list[Path], tmp_path: Path) -> None:
    lines = call(ensemble, *runs, "--weights", "equal", "--out", tmp_path / "fused").stdout.splitlines()
    card = load_card(tmp_path / "fused" / "ensemble.json")
    assert card.zero_shot is not None
    assert f"{card.accuracy:6.2f} %" in lines[2]
    assert f"{top_k(unseen_part(zero_shot_scores(seed=0), SPLIT)):6.2f} %" in lines[0]
    assert any(line.startswith("  acc_inductive: ") for line in lines)
    for option in (("--vote",), ("--weights", "fitted_on_test")):
        with pytest.raises(RunError, match="is not for zero-shot runs"):
            call(ensemble, *runs, *option)
    leaky = made_zero_shot_run(tmp_path / "leaky", zero_shot_scores(selected_on="best_on_test"), run="leaky").folder
    with pytest.raises(RunError, match="a fusion of weights that test labels chose is not for zero-shot runs"):
        call(ensemble, runs[0], leaky, "--weights", "equal")


def test_testing_a_run_again(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    scores = zero_shot_scores(seed=7, branches=("spatial", "temporal"), transductive=True)

    def scored(*_: Any, **__: Any) -> Any:
        return scores

    monkeypatch.setattr(testing, "test", scored)
    said = json.loads(call(verb, runs[0], "--device", "cpu", "--json").stdout)[str(runs[0])]
    assert (said["top1"], said["samples"]) == (top_k(unseen_part(scores, SPLIT)), 24)
    assert said["zero_shot"]["acc_inductive"] == said["top1"]
    assert said["zero_shot"]["acc_transductive"] > said["top1"]
    lines = call(verb, runs[0], "--device", "cpu").stdout.splitlines()
    assert any(line.startswith("  all classes, gamma 0: seen ") for line in lines)
    assert any("either_correct" in line and "no accuracy" in line for line in lines)


def test_the_study_and_the_results_of_runs(tmp_path: Path) -> None:
    family(tmp_path / "runs", seeds=(1,), splits=1)
    study = tmp_path / "study.md"
    said = json.loads(call(report, tmp_path / "runs", "--study", "zero-shot", "--results", study, "--json").stdout)
    assert said == {"study": str(study), "runs": 2, "cards_given": 0}
    command = f"bonefide report {tmp_path / 'runs'} --study zero-shot --results {study}"
    assert command in study.read_text()
    assert "| PGFA (nwucla_small_1) |" in study.read_text()
    call(report, tmp_path / "runs", "--results", tmp_path / "results.md", "--cards", tmp_path / "cards")
    assert "## Zero-shot recognition" in (tmp_path / "results.md").read_text()
    again = tmp_path / "again.md"
    call(report, tmp_path / "cards", "--results", again)
    assert again.read_text().splitlines()[3:] == (tmp_path / "results.md").read_text().splitlines()[3:]
    with pytest.raises(RunError, match="--study zero-shot shows none"):
        call(report, tmp_path / "runs", "--study", "zero-shot", "--results", study, "--costs", study)
