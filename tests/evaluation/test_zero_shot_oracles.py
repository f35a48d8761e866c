# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import ScoresError
from bonefide.evaluation.zero_shot import Generalized, best_gamma, generalized, unseen_accuracy
from bonefide.evaluation.zero_shot_oracles import either_correct, either_correct_on_test, oracles_of, single_branches
from bonefide.types import Scores

SPLIT = ClassSplit("mine", seen=(0, 1, 2), unseen=(3, 4))


def made(seed: int, *, branches: tuple[str, ...] = ("spatial", "temporal")) -> Scores:
    generator = np.random.default_rng(seed)
    labels = np.arange(40) % 5
    values = {name: generator.normal(size=(40, 5)) + np.eye(5)[labels] for name in branches}
    whole = np.sum(list(values.values()), axis=0) if values else generator.normal(size=(40, 5))
    return Scores(np.arange(40).astype(str), whole, labels, tuple("abcde"), "last", {}, values)


def either_by_hand(scores: Scores, gammas: tuple[float, float]) -> Generalized:
    right = np.zeros(len(scores.names), dtype=bool)
    for gamma, values in zip(gammas, scores.branches.values(), strict=True):
        right |= (softmax(values, axis=1) - gamma * np.array([1, 1, 1, 0, 0])).argmax(axis=1) == scores.labels
    of_seen = scores.labels < 3
    return Generalized.of(100 * float(right[of_seen].mean()), 100 * float(right[~of_seen].mean()))


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_either_correct_is_at_least_the_better_branch(seed: int) -> None:
    scores = made(seed)
    found = either_correct(scores, SPLIT, ("spatial", "temporal"))
    alone = [unseen_accuracy(values, scores.labels, SPLIT) for values in scores.branches.values()]
    assert max(alone) <= found <= min(100, sum(alone))
    assert either_correct(scores, SPLIT, ("spatial",)) == alone[0]


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_search_finds_the_best_pair_of_its_grid(seed: int) -> None:
    scores, grid = made(seed), (-0.1, 0.03, 0.2, 0.4)
    found = either_correct_on_test(scores, SPLIT, ("spatial", "temporal"), gammas=grid)
    assert found.either == pytest.approx(either_by_hand(scores, found.gammas))
    every = [either_by_hand(scores, (one, other)).harmonic for one in grid for other in grid]
    assert found.either.harmonic == pytest.approx(max(every))
    covering = either_correct_on_test(scores, SPLIT, ("spatial", "temporal"))
    assert covering.either.harmonic >= found.either.harmonic - 1e-9
    assert covering.either == pytest.approx(either_by_hand(scores, covering.gammas))


def test_classes_on_neither_side_have_no_part() -> None:
    scores = made(3)
    wide = Scores(
        scores.names,
        np.hstack([scores.values, np.full((40, 1), 99.0)]),
        scores.labels,
        (*scores.classes, "f"),
        "last",
        {},
        {name: np.hstack([values, np.full((40, 1), 99.0)]) for name, values in scores.branches.items()},
    )
    assert oracles_of(wide, SPLIT) == pytest.approx(oracles_of(scores, SPLIT))


def test_each_oracle_stands_under_its_name() -> None:
    scores = made(1)
    found = oracles_of(scores, SPLIT)
    assert list(found) == [
        "harmonic_best_gamma_on_test",
        "either_correct",
        "either_correct_harmonic_best_gammas_on_test",
    ]
    best = generalized(scores, SPLIT, best_gamma(scores, SPLIT)).harmonic
    assert found["harmonic_best_gamma_on_test"] == best >= generalized(scores, SPLIT).harmonic
    assert list(oracles_of(made(1, branches=()), SPLIT)) == ["harmonic_best_gamma_on_test"]
    three = made(1, branches=("a", "b", "c", "a+b", "transductive"))
    assert single_branches(three) == ("a", "b", "c")
    assert list(oracles_of(three, SPLIT)) == ["harmonic_best_gamma_on_test", "either_correct"]


def test_a_branch_that_is_not_there() -> None:
    with pytest.raises(ScoresError, match="no branch 'depth'; they have spatial, temporal"):
        either_correct(made(0), SPLIT, ("spatial", "depth"))
    with pytest.raises(ScoresError, match="no branch 'spatial'; they have none"):
        either_correct_on_test(made(0, branches=()), SPLIT, ("spatial", "temporal"))
