# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import ScoresError
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.zero_shot import (
    CalibrationCurve,
    Generalized,
    above_chance,
    best_gamma,
    calibration_curve,
    generalized,
    harmonic,
    unseen_accuracy,
    unseen_part,
)
from bonefide.types import Scores

SPLIT = ClassSplit("mine", seen=(0, 2, 3), unseen=(1, 4), held_out=(3,))


def made(seed: int, *, count: int = 24, steps: int = 6) -> Scores:
    """Scores of few values, so that many are equal; class 5 is on neither side."""
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(6), generator.integers(0, 6, count - 6)])
    values = generator.integers(0, steps, (count, 6)).astype(np.float32)
    names = np.array([f"sample {number}" for number in range(count)])
    return Scores(names, values, labels, tuple("abcdef"), "last", {}, {"one": values[:, ::-1]})


def by_hand(scores: Scores, split: ClassSplit, gamma: float) -> Generalized:
    """By subtraction."""
    shifted = np.full(scores.values.shape, -np.inf)
    columns = [*split.seen, *split.unseen]
    shifted[:, columns] = scores.values[:, columns]
    shifted[:, list(split.seen)] -= gamma
    right = shifted.argmax(axis=1) == scores.labels
    return Generalized.of(
        *(100 * float(right[np.isin(scores.labels, side)].mean()) for side in (split.seen, split.unseen))
    )


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 9.0]))
def test_generalized_accuracy_is_that_of_subtraction(seed: int, gamma: float) -> None:
    # Of equal scores the first class is taken, at gammas at which they become equal too.
    assert generalized(made(seed), SPLIT, gamma) == pytest.approx(by_hand(made(seed), SPLIT, gamma))


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_the_curve_has_what_any_gamma_gets(seed: int) -> None:
    scores = made(seed)
    curve = calibration_curve(scores, SPLIT)
    for gamma, seen, unseen in zip(curve.gammas, curve.seen, curve.unseen, strict=True):
        assert by_hand(scores, SPLIT, gamma)[:2] == pytest.approx((seen, unseen))
    every = {(round(seen, 6), round(unseen, 6)) for seen, unseen in zip(curve.seen, curve.unseen, strict=True)}
    for gamma in np.arange(-7.25, 8, 0.5):
        assert tuple(round(each, 6) for each in by_hand(scores, SPLIT, gamma)[:2]) in every
    assert (np.diff(curve.seen) <= 0).all()
    assert (np.diff(curve.unseen) >= 0).all()


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_without_limit_one_side_has_everything(seed: int) -> None:
    scores = made(seed)
    low, high = generalized(scores, SPLIT, -1e9), generalized(scores, SPLIT, 1e9)
    assert (low.unseen, low.harmonic) == (0, 0)
    assert (high.seen, high.harmonic) == (0, 0)
    assert high.unseen == pytest.approx(unseen_accuracy(scores.values, scores.labels, SPLIT))
    curve = calibration_curve(scores, SPLIT)
    assert (curve.seen[0], curve.unseen[0]) == pytest.approx((low.seen, 0))
    assert (curve.seen[-1], curve.unseen[-1]) == pytest.approx((0, high.unseen))
    assert 0 <= curve.area <= low.seen * high.unseen / 100 + 1e-9


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_the_best_gamma_is_beaten_by_none(seed: int) -> None:
    scores = made(seed)
    best = best_gamma(scores, SPLIT)
    tried = [by_hand(scores, SPLIT, gamma).harmonic for gamma in np.arange(-7.25, 8, 0.5)]
    assert generalized(scores, SPLIT, best).harmonic == pytest.approx(max(tried)) or best == 0


def test_gamma_stays_0_without_a_gain() -> None:
    values = np.array([[2.0, 1, 0], [1, 2, 0]])
    scores = Scores(np.array(["a", "b"]), values, np.array([0, 1]), ("a", "b", "c"), "last", {})
    split = ClassSplit("mine", seen=(0, 2), unseen=(1,))
    assert best_gamma(scores, split) == 0
    higher = replace(scores, values=values + np.array([3.0, 0, 3]))
    assert best_gamma(higher, split) == 3, "the middle of 2 and 4, where both are right"


def test_a_known_area() -> None:
    # Gammas up to -1 name seen classes only, up to 2 both samples are right, above that unseen classes only.
    scores = Scores(np.array(["a", "b"]), np.array([[2.0, 0], [0, 1]]), np.array([0, 1]), ("a", "b"), "last", {})
    curve = calibration_curve(scores, ClassSplit("mine", seen=(0,), unseen=(1,)))
    assert curve.seen.tolist() == [100, 100, 0]
    assert curve.unseen.tolist() == [0, 100, 100]
    assert curve.gammas.tolist() == pytest.approx([-1.15, 0.5, 2.15])
    assert curve.area == 100


def test_a_thin_curve_keeps_ends_and_shape() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(3000) % 4
    values = generator.normal(size=(3000, 4)) + 2 * np.eye(4)[labels]
    scores = Scores(np.arange(3000).astype(str), values, labels, tuple("abcd"), "last", {})
    curve = calibration_curve(scores, ClassSplit("mine", seen=(0, 1), unseen=(2, 3)))
    thin = curve.thinned()
    assert len(curve.gammas) > 2900
    assert len(thin.gammas) <= 101
    assert (thin.seen[0], thin.unseen[-1]) == (curve.seen[0], curve.unseen[-1])
    assert (thin.unseen[0], thin.seen[-1]) == (0, 0)
    assert thin.area == pytest.approx(curve.area, abs=0.1)
    assert len(CalibrationCurve(np.zeros(1), np.zeros(1), np.zeros(1)).thinned().gammas) == 1


def test_equal_margins_of_all_samples_are_one_step() -> None:
    scores = Scores(np.array(["a", "b"]), np.zeros((2, 2)), np.array([0, 1]), ("a", "b"), "last", {})
    curve = calibration_curve(scores, ClassSplit("mine", seen=(0,), unseen=(1,)))
    assert (curve.gammas.tolist(), curve.seen.tolist(), curve.unseen.tolist()) == ([-1, 1], [100, 0], [0, 100])


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_the_unseen_part(seed: int) -> None:
    scores = made(seed)
    split = replace(SPLIT, unseen=(4, 1))
    part = unseen_part(scores, split)
    assert part.classes == ("e", "b")
    kept = np.isin(scores.labels, (1, 4))
    assert part.names.tolist() == scores.names[kept].tolist()
    assert [part.classes[label] for label in part.labels] == ["abcdef"[label] for label in scores.labels[kept]]
    np.testing.assert_array_equal(part.values, scores.values[kept][:, [4, 1]])
    np.testing.assert_array_equal(part.branches["one"], scores.branches["one"][kept][:, [4, 1]])
    assert top_k(part) == unseen_accuracy(scores.values, scores.labels, split)


def test_random_scores_get_chance() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(20_000) % 8
    split = ClassSplit("mine", seen=(0, 1, 2), unseen=(3, 4, 5, 6, 7))
    assert unseen_accuracy(generator.normal(size=(20_000, 8)), labels, split) == pytest.approx(20, abs=1)


def test_what_cannot_be_split() -> None:
    scores = made(0)
    few = replace(scores, values=scores.values[:, :4], classes=tuple("abcd"), labels=scores.labels % 4, branches={})
    with pytest.raises(ScoresError, match="only scores over all classes"):
        unseen_part(few, SPLIT)
    with pytest.raises(ScoresError, match="only scores over all classes"):
        generalized(few, SPLIT)
    for of, missing in ((0, "an unseen"), (4, "a seen")):
        with pytest.raises(ScoresError, match=f"no sample is of {missing} class of mine"):
            calibration_curve(replace(scores, labels=np.full_like(scores.labels, of)), SPLIT)
    alone = replace(scores, labels=np.zeros_like(scores.labels))
    with pytest.raises(ScoresError, match="no sample is of an unseen class"):
        unseen_part(alone, SPLIT)
    with pytest.raises(ScoresError, match="no sample is of an unseen class"):
        unseen_accuracy(alone.values, alone.labels, SPLIT)
    with pytest.raises(ScoresError, match="diverged"):
        generalized(replace(scores, values=np.full_like(scores.values, np.nan)), SPLIT)


def test_harmonic_means() -> None:
    assert harmonic(np.array([0.0, 60, 50]), np.array([0.0, 30, 0])).tolist() == [0, 40, 0]


def test_evidence_is_the_exact_tail() -> None:
    exact = sum(comb(20, right) * 0.25**right * 0.75 ** (20 - right) for right in range(9, 21))
    assert above_chance(9, 20, chance=25.0) == pytest.approx(exact)
    assert above_chance(0, 20, chance=25.0) == 1
