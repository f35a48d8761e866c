# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_runs import made_scores

from bonefide.errors import ScoresError
from bonefide.evaluation.compare import Disagreement, compare, disagreement, pooled
from bonefide.types import Scores


def of_hits(hits: list[bool]) -> Scores:
    values = np.array([[1.0, 0.0] if hit else [0.0, 1.0] for hit in hits])
    names = np.array([f"sample {number}" for number in range(len(hits))])
    return Scores(names, values, np.zeros(len(hits), dtype=int), ("sit", "stand"), "last", {})


def test_mcnemar_against_a_value_by_hand() -> None:
    # 6 disagreements, 1 for the first and 5 for the second: 2 (C(6,0) + C(6,1)) / 2^6 = 14/64.
    first = of_hits([True] * 3 + [True] + [False] * 5 + [False])
    second = of_hits([True] * 3 + [False] + [True] * 5 + [False])
    comparison = compare(first, second)
    assert (comparison.both_right, comparison.only_first, comparison.only_second, comparison.both_wrong) == (3, 1, 5, 1)
    assert comparison.p_value == pytest.approx(14 / 64)
    assert comparison.accuracies == pytest.approx((40.0, 80.0))
    assert comparison.per_class[0] == pytest.approx(40.0)
    assert np.isnan(comparison.per_class[1])


def test_equal_scores_do_not_differ_and_order_does_not_matter() -> None:
    scores = made_scores()
    back = slice(None, None, -1)
    turned = replace(scores, names=scores.names[back], values=scores.values[back], labels=scores.labels[back])
    comparison = compare(scores, turned)
    assert (comparison.only_first, comparison.only_second, comparison.p_value) == (0, 0, 1.0)


def test_scores_of_other_samples_are_refused() -> None:
    with pytest.raises(ScoresError, match="different samples"):
        compare(made_scores(20), made_scores(21))


def test_pooling_adds_what_pairs_disagree_about() -> None:
    pairs = [(made_scores(seed=seed), made_scores(seed=seed + 10, strength=4)) for seed in range(3)]
    found = [compare(*pair) for pair in pairs]
    together = pooled(Disagreement(each.only_first, each.only_second) for each in found)
    joined = [
        np.concatenate([scores.predictions == scores.labels for scores in side]) for side in zip(*pairs, strict=True)
    ]
    assert together == disagreement(*joined)
    assert together.p_value < min(each.p_value for each in found)
    assert pooled([]) == Disagreement(0, 0)


@given(hits=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_disagreement_is_that_of_a_comparison_and_turns_with_it(hits: list[tuple[bool, bool]]) -> None:
    first, second = np.array(hits, dtype=bool).reshape(-1, 2).T
    found, turned = disagreement(first, second), disagreement(second, first)
    assert (found.only_first, found.only_second) == (turned.only_second, turned.only_first)
    assert 0 < found.p_value <= 1
    assert found.p_value == pytest.approx(turned.p_value)
    assert found.only_first - found.only_second == int(first.sum()) - int(second.sum())
