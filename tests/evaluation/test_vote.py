# SPDX-License-Identifier: Apache-2.0
"""Votes, averages, and the oracle that knows labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_runs import made_scores

from bonefide.errors import ScoresError
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.vote import any_right, average, branches_of, by_accuracy, right_by_any, verdicts, vote
from bonefide.types import Array, Scores

MEMBERS = ("all", "gd", "fdd", "jdd", "add", "lad")
CLASSES = tuple("abcd")


def of(predictions: Array, labels: Array) -> Scores:
    names = np.array([f"sample{number}" for number in range(len(labels))])
    return Scores(names, 3.0 * np.eye(len(CLASSES))[predictions], labels, CLASSES, "last", {})


def members(predictions: Array, labels: Array) -> dict[str, Scores]:
    return {name: of(each, labels) for name, each in zip(MEMBERS, predictions.T, strict=False)}


def plain_vote(ballot: dict[str, int], priority: tuple[str, ...]) -> int:
    counts = Counter(ballot.values())
    tied = {label for label, count in counts.items() if count == max(counts.values())}
    return next(ballot[name] for name in priority if ballot[name] in tied)


def test_all_ballots_of_four() -> None:
    """Every way four members can choose among four classes, in two orders of trust."""
    ballots = np.array(list(product(range(4), repeat=4)))
    scores = members(ballots, np.zeros(len(ballots), dtype=np.int64))
    for priority in (MEMBERS[:4], ("jdd", "all", "fdd", "gd")):
        chosen = vote(scores, priority=priority).predictions
        expected = [plain_vote(dict(zip(MEMBERS, ballot.tolist(), strict=False)), priority) for ballot in ballots]
        assert chosen.tolist() == expected


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=8), st.permutations(MEMBERS))
def test_labels_have_no_part_in_a_vote(ballots: list[list[int]], priority: list[str]) -> None:
    predictions = np.array(ballots)
    chosen = [
        vote(members(predictions, np.full(len(ballots), label)), priority=priority).predictions.tolist()
        for label in (0, 3)
    ]
    assert chosen[0] == chosen[1]


@given(st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=1, max_size=8))
def test_no_decision_beats_the_oracle(ballots: list[list[int]]) -> None:
    predictions, labels = np.array(ballots)[:, :6], np.array(ballots)[:, 6]
    scores = members(predictions, labels)
    bound = any_right(scores)
    assert bound == 100 * np.mean([label in row for row, label in zip(predictions, labels, strict=True)])
    for decided in (*scores.values(), vote(scores), average(scores)):
        assert top_k(decided) <= bound


def test_names_left_out_of_the_priority_come_behind() -> None:
    scores = members(np.array([[0, 1, 2, 3]]), np.array([0]))
    assert vote(scores).predictions.tolist() == [0]
    assert vote(scores, priority=["fdd"]).predictions.tolist() == [2]
    assert vote({**scores, "lad": scores["jdd"]}, priority=["fdd"]).predictions.tolist() == [3]


def test_members_are_joined_on_names() -> None:
    first, second = made_scores(seed=1), made_scores(seed=2)
    order = np.random.default_rng(0).permutation(len(first.names))
    shuffled = replace(
        second, names=second.names[order], values=second.values[order], labels=second.labels[order], hashes={}
    )
    for decide in (vote, average):
        expected, found = decide({"a": first, "b": second}), decide({"a": first, "b": shuffled})
        np.testing.assert_array_equal(found.values, expected.values)
        assert (found.hashes, expected.hashes) == ({}, first.hashes)
    assert any_right({"a": first, "b": shuffled}) == any_right({"a": first, "b": second})


def test_an_average_is_of_probabilities() -> None:
    sure, doubtful = (np.array([[value, 0.0]]) for value in (9.0, -0.5))
    labels, names = np.array([0]), np.array(["x"])
    scores = {
        name: Scores(names, 10.0 * values, labels, ("sit", "stand"), chosen, {})
        for name, values, chosen in (("a", sure, "last"), ("b", doubtful, "validation"))
    }
    found = average(scores)
    np.testing.assert_allclose(found.values, [[0.5 + 0.5 / (1 + np.e**5), 0.5 - 0.5 / (1 + np.e**5)]], rtol=1e-6)
    assert found.selected_on == "last+validation"


def test_trust_follows_accuracy_on_kept_samples() -> None:
    labels = np.zeros(4, dtype=np.int64)
    scores = members(np.array([[1, 0, 1, 0], [1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1]]), labels)
    assert by_accuracy(scores) == ("jdd", "gd", "fdd", "all")
    assert by_accuracy(scores, first=["all"]) == ("all", "jdd", "gd", "fdd")


def test_branches_as_scores() -> None:
    scores = made_scores(20)
    values = {name: made_scores(20, seed=seed).values for seed, name in enumerate(("gd", "jdd", "gd+jdd"))}
    whole = replace(scores, branches=values)
    found = branches_of(whole)
    assert list(found) == ["gd", "jdd", "gd+jdd"]
    assert list(branches_of(whole, joined=False)) == ["gd", "jdd"]
    np.testing.assert_array_equal(found["jdd"].values, values["jdd"])
    assert found["jdd"].branches == {}
    assert branches_of(scores) == {}


def test_all_figures_at_once() -> None:
    generator = np.random.default_rng(0)
    scores = members(generator.integers(0, 4, (40, 4)), generator.integers(0, 4, 40))
    found = verdicts(scores, alone=["gd", "fdd"], priority=["jdd"])
    single = {name: scores[name] for name in ("gd", "fdd")}
    assert found.oracles == {"any_right": any_right(single)}
    assert list(found.accuracies) == ["all", "gd", "fdd", "jdd", "average", "average_of_all", "vote"]
    assert found.accuracies["jdd"] == top_k(scores["jdd"])
    assert found.accuracies["average"] == top_k(average(single))
    assert found.accuracies["average_of_all"] == top_k(average(scores))
    assert found.accuracies["vote"] == top_k(vote(scores, priority=["jdd"]))
    assert "average_of_all" not in verdicts(scores).accuracies
    assert verdicts(scores).oracles == {"any_right": any_right(scores)}
    with pytest.raises(ScoresError, match="'lad' is none of the members"):
        verdicts(scores, alone=["lad"])


def test_what_cannot_be_decided() -> None:
    scores = members(np.array([[0, 1, 2]]), np.array([0]))
    with pytest.raises(ScoresError, match="'gdd' is none of those who vote; did you mean 'gd'"):
        vote(scores, priority=["gdd"])
    with pytest.raises(ScoresError, match="no scores to join"):
        average({})
    with pytest.raises(ScoresError, match="different samples"):
        right_by_any({"a": made_scores(10), "b": made_scores(12)})
    with pytest.raises(ScoresError, match="no samples"):
        any_right({"a": of(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))})
