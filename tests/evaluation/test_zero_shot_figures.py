# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from made_zero_shot import NAMES, SPLIT, made_zero_shot_run, zero_shot_scores
from make_runs import made_scores, make_run

from bonefide.errors import RunError
from bonefide.evaluation.audit import audit, card_of, load_card, save_card
from bonefide.evaluation.ensemble import fuse
from bonefide.evaluation.hits import unpack_hits
from bonefide.evaluation.metrics import balanced_accuracy, confusion, top_k
from bonefide.evaluation.vote import branches_of
from bonefide.evaluation.zero_shot import best_gamma, calibration_curve, generalized, unseen_part
from bonefide.evaluation.zero_shot_figures import (
    ZeroShotFigures,
    gamma_of,
    judged,
    split_of,
    zero_shot_figures,
    zero_shot_verdicts,
)


def test_figures_of_scores() -> None:
    scores = zero_shot_scores(transductive=True, branches=("spatial", "temporal"))
    found = zero_shot_figures(scores, SPLIT, gamma=2.5, gamma_chosen_on="rehearsal", texts="minilm")
    part = unseen_part(scores, SPLIT)
    together = branches_of(part)["transductive"]
    assert found.unseen_classes == tuple(NAMES[label] for label in SPLIT.unseen)
    assert (found.acc_inductive, found.balanced_inductive) == (top_k(part), balanced_accuracy(part))
    assert (found.acc_transductive, found.balanced_transductive) == (top_k(together), balanced_accuracy(together))
    assert found.acc_transductive > found.acc_inductive
    assert found.uncalibrated == generalized(scores, SPLIT)
    assert found.calibrated == generalized(scores, SPLIT, 2.5)
    assert found.area == calibration_curve(scores, SPLIT).area
    assert [list(row) for row in found.confusion] == confusion(part).tolist()
    assert (found.chance, found.commonest, found.samples) == (50, 50, (96, 24))
    assert found.decision == "spatial and temporal, joined"
    assert found.classes == replace(SPLIT, held_out=())
    assert found.right == round(found.acc_inductive * 24 / 100)
    assert found.p_value < 0.01
    assert 2 < len(found.curve) <= 101
    for gamma, *accuracies in found.curve:
        assert generalized(scores, SPLIT, gamma)[:2] == pytest.approx(tuple(accuracies))
    alone = zero_shot_figures(zero_shot_scores(), SPLIT)
    assert (alone.acc_transductive, alone.balanced_transductive, alone.decision) == (None, None, "one score")


def test_figures_survive_json() -> None:
    found = zero_shot_figures(zero_shot_scores(transductive=True), SPLIT, texts="minilm")
    assert ZeroShotFigures.from_json(json.loads(json.dumps(asdict(found)))) == found
    with pytest.raises(TypeError):
        ZeroShotFigures.from_json({"uncalibrated": [1, 2, 3], "calibrated": [1, 2, 3], "split": "x"})


def test_branches_are_judged_among_unseen_classes_and_oracles_apart() -> None:
    scores = zero_shot_scores(transductive=True, branches=("spatial", "temporal"))
    found = zero_shot_verdicts(scores, SPLIT)
    part = branches_of(unseen_part(scores, SPLIT))
    assert found.accuracies == {name: top_k(part[name]) for name in ("spatial", "temporal")}
    assert found.oracles["either_correct"] >= max(found.accuracies.values())
    tainted = zero_shot_verdicts(scores, SPLIT, honest=False)
    assert tainted.accuracies == {}
    assert tainted.oracles["inductive_best_on_test"] == top_k(unseen_part(scores, SPLIT))
    assert tainted.oracles["transductive_best_on_test"] == top_k(part["transductive"])
    assert found.oracles.items() < tainted.oracles.items()


def test_the_card_of_a_zero_shot_run(tmp_path: Path) -> None:
    scores = zero_shot_scores(transductive=True)
    run = made_zero_shot_run(tmp_path / "main.seed3", scores, seed=3, texts="somewhere/clip.npz")
    card, part = audit(run), unseen_part(scores, SPLIT)
    assert (card.classes, card.accuracy, card.top5, card.test_samples) == (SPLIT.name, top_k(part), 100, 24)
    assert card.balanced == balanced_accuracy(part)
    right = (part.predictions == part.labels)[np.argsort(part.names)]
    assert unpack_hits(card.hits, card.test_samples).tolist() == right.tolist()
    assert card.zero_shot is not None
    assert (card.zero_shot.texts, card.zero_shot.gamma, card.zero_shot.gamma_chosen_on) == ("clip.npz", 0, "nothing")
    assert list(card.oracles) == ["harmonic_best_gamma_on_test"]
    save_card(card, tmp_path / "card.json")
    assert load_card(tmp_path / "card.json") == card
    content = json.loads((tmp_path / "card.json").read_text())
    del content["zero_shot"]["area"]
    (tmp_path / "card.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="not an audit card"):
        load_card(tmp_path / "card.json")


def test_test_labels_leave_oracles_alone(tmp_path: Path) -> None:
    scores = zero_shot_scores(selected_on="best_on_test")
    card = audit(made_zero_shot_run(tmp_path / "main.seed0", scores))
    assert (card.accuracy, card.zero_shot, card.parts, card.hits) == (None, None, {}, "")
    assert card.oracles["inductive_best_on_test"] == top_k(unseen_part(scores, SPLIT))


def test_gamma_comes_from_the_rehearsal_of_the_same_seed(tmp_path: Path) -> None:
    other = zero_shot_scores(rehearsal=True, seed=9, lead=-2)
    rehearsed = zero_shot_scores(rehearsal=True, seed=5)
    made_zero_shot_run(tmp_path / "rehearsal.seed1", other, run="rehearsal", seed=1)
    rehearsal = made_zero_shot_run(tmp_path / "rehearsal.seed2", rehearsed, run="rehearsal", seed=2)
    run = made_zero_shot_run(tmp_path / "main.seed2", zero_shot_scores(), seed=2)
    assert split_of(rehearsal, rehearsed) == SPLIT.rehearsal
    gamma = best_gamma(rehearsed, SPLIT.rehearsal)
    assert gamma != best_gamma(other, SPLIT.rehearsal)
    assert gamma_of(run) == (gamma, "rehearsal")
    assert gamma_of(rehearsal) == (0, "nothing"), "its own choice is none it is judged by"
    card = audit(run)
    assert card.zero_shot is not None
    assert card.zero_shot.calibrated == generalized(zero_shot_scores(), SPLIT, gamma)
    assert card.zero_shot.calibrated.harmonic > card.zero_shot.uncalibrated.harmonic
    assert audit(rehearsal).classes == f"{SPLIT.name}_rehearsal"
    rehearsal.scores_file.unlink()
    assert gamma_of(run) == (0, "nothing"), "an unfinished rehearsal chooses nothing"


def test_a_rehearsal_of_something_else(tmp_path: Path) -> None:
    made_zero_shot_run(
        tmp_path / "rehearsal.seed0", zero_shot_scores(rehearsal=True), run="rehearsal", split="nwucla10_8_2_bonefide2"
    )
    with pytest.raises(RunError, match="no rehearsal of nwucla10_8_2_bonefide1"):
        audit(made_zero_shot_run(tmp_path / "main.seed0", zero_shot_scores()))


def test_a_diverged_rehearsal(tmp_path: Path) -> None:
    scores = zero_shot_scores(rehearsal=True)
    scores.values[3, 2] = np.inf
    made_zero_shot_run(tmp_path / "rehearsal.seed0", scores, run="rehearsal")
    with pytest.raises(RunError, match=r"rehearsal\.seed0: .* diverged; lower .* gamma stays 0"):
        audit(made_zero_shot_run(tmp_path / "main.seed0", zero_shot_scores()))


def test_a_run_of_seen_classes_alone_is_an_ordinary_one(tmp_path: Path) -> None:
    scores = made_scores(classes=tuple(NAMES[label] for label in SPLIT.seen))
    run = made_zero_shot_run(tmp_path / "main.seed0", scores, method="supervised")
    card = audit(run)
    assert (card.zero_shot, card.accuracy, card.classes) == (None, top_k(scores), SPLIT.name)
    assert len(judged(run).names) == len(scores.names)
    plain = make_run(tmp_path / "plain", made_scores())
    assert audit(plain).classes == ""
    assert split_of(plain, made_scores()) is None


def test_a_fusion_of_zero_shot_runs(tmp_path: Path) -> None:
    scores = {name: zero_shot_scores(seed=seed) for seed, name in enumerate(("joint", "bone"))}
    cards = [audit(made_zero_shot_run(tmp_path / name, each, run=name)) for name, each in scores.items()]
    fused = fuse(scores, {"joint": 1.0, "bone": 1.0})
    card = card_of(fused, cards, fusion={"weights": {}, "chosen": "equal"}, published=None)
    assert card.accuracy == top_k(unseen_part(fused, SPLIT))
    assert card.zero_shot is not None
    assert card.zero_shot.uncalibrated == generalized(fused, SPLIT)
    assert card.zero_shot.texts == "minilm"
    assert judged(made_zero_shot_run(tmp_path / "main", fused)).classes == card.zero_shot.unseen_classes
    other = made_zero_shot_run(tmp_path / "other", scores["bone"], split="nwucla10_8_2_bonefide2")
    with pytest.raises(RunError, match="different class splits"):
        card_of(fused, [cards[0], audit(other)], fusion={}, published=None)
