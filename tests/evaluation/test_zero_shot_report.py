# SPDX-License-Identifier: Apache-2.0
"""Zero-shot runs on the report page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_zero_shot import NAMES, SPLIT, made_zero_shot_run, zero_shot_scores
from make_runs import made_scores, make_run

from bonefide.evaluation.audit import audit
from bonefide.evaluation.report import report
from bonefide.evaluation.zero_shot import unseen_part
from bonefide.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("reported")
    made_zero_shot_run(place / "rehearsal.seed1", zero_shot_scores(rehearsal=True, seed=3), run="rehearsal", seed=1)
    scores = zero_shot_scores(transductive=True)
    made = made_zero_shot_run(place / "main.seed1", scores, seed=1)
    generator = np.random.default_rng(0)
    features = {"features": generator.normal(size=(30, 6)), "texts": generator.normal(size=(10, 6))}
    np.savez(made.features_file, names=scores.names[:30], labels=scores.labels[:30], **features)  # type: ignore[arg-type]
    return made


@pytest.fixture(scope="module")
def page(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report([run], out=tmp_path_factory.mktemp("page"))


def data_of(file: Path) -> dict[str, Any]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read_text(), re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])["runs"][0]
    return found


def test_the_page_shows_the_curve_the_features_and_unseen_classes(run: Run, page: Path, tmp_path: Path) -> None:
    found, card = data_of(page), audit(run)
    assert card.zero_shot is not None
    assert found["classes"] == list(card.zero_shot.unseen_classes)
    assert found["zero_shot"]["curve"] == [list(point) for point in card.zero_shot.curve]
    assert (found["zero_shot"]["gamma"], found["zero_shot"]["gamma_chosen_on"]) == (card.zero_shot.gamma, "rehearsal")
    assert found["zero_shot"]["calibrated"] == list(card.zero_shot.calibrated)
    assert len(found["features"]["points"]) == len(found["features"]["labels"]) == 30
    assert len(found["features"]["texts"]) == 2
    text = page.read_text()
    for said in (
        "Top-1 accuracy among unseen classes, inductive",
        "24 test samples · 2 unseen classes",
        "data-calibration",
        "data-features",
        "diamonds are texts",
        "<dt>Transductive</dt>",
    ):
        assert said in text, said
    written = json.loads(page.with_name("report.json").read_text())["entries"][0]
    part = unseen_part(zero_shot_scores(), SPLIT)
    assert written["classes"] == list(part.classes)
    assert np.sum(written["confusion"]) == 24
    assert written["card"]["zero_shot"]["acc_inductive"] == card.accuracy
    again = report([run], out=tmp_path / "again")
    assert again.read_bytes() == page.read_bytes()


def test_the_markdown_names_both_decisions(run: Run, page: Path) -> None:
    text = page.with_name("report.md").read_text()
    card = audit(run)
    assert card.zero_shot is not None
    assert f"| acc_inductive | {card.zero_shot.acc_inductive:.2f} of 24 samples of unseen classes" in text
    assert f"| acc_transductive | {card.zero_shot.acc_transductive:.2f} of the same, decided together" in text
    assert f"| all classes, gamma {card.zero_shot.gamma:.4g} | seen {card.zero_shot.calibrated.seen:.2f}" in text
    assert re.search(r"\| harmonic_best_gamma_on_test \| [0-9.]+\. Decided with labels, so no accuracy\. \|", text)


def test_without_features_there_are_no_points(tmp_path: Path) -> None:
    page = report([made_zero_shot_run(tmp_path / "main", zero_shot_scores())], out=tmp_path / "out")
    assert "features" not in data_of(page)
    assert "data-features" not in page.read_text().split("<script")[0]
    assert "chosen on nothing" in page.read_text()


def test_cards_with_scores_show_unseen_classes_too(run: Run, tmp_path: Path) -> None:
    found = data_of(report([(audit(run), zero_shot_scores(transductive=True))], out=tmp_path))
    assert found["classes"] == [NAMES[label] for label in SPLIT.unseen]


def test_other_runs_have_none_of_it(tmp_path: Path) -> None:
    text = report([make_run(tmp_path / "run", made_scores())], out=tmp_path / "out").read_text().split("<script")[0]
    assert not re.search(r"data-calibration|unseen|[Tt]ransductive|[Ii]nductive", text)


def test_weights_chosen_by_test_labels_have_no_curve(tmp_path: Path) -> None:
    leaky = made_zero_shot_run(tmp_path / "main", zero_shot_scores(selected_on="best_on_test"))
    page = report([leaky], out=tmp_path / "out")
    assert "zero_shot" not in data_of(page)
    assert "inductive_best_on_test" in page.read_text()
