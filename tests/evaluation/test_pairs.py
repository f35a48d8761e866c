# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from made_pairs import made_cards, made_run

from bonefide.errors import RunError
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import compare
from bonefide.evaluation.pairs import pairs_of
from bonefide.evaluation.scores import load_scores


@pytest.fixture
def cards(tmp_path: Path) -> list[AuditCard]:
    return made_cards(tmp_path)


def test_equal_seeds_make_pairs_in_any_order(cards: list[AuditCard]) -> None:
    pairs, alone = pairs_of(cards, method="csre")
    assert [(pair.without.seeds, pair.with_it.seeds) for pair in pairs] == [((seed,), (seed,)) for seed in (1, 2, 3)]
    assert {(pair.without.method, pair.with_it.method) for pair in pairs} == {("supervised", "csre")}
    assert alone == []
    for seed in range(4):
        random.Random(seed).shuffle(cards)
        assert pairs_of([*cards, cards[0]], method="csre")[0] == pairs


def test_a_pair_says_what_its_scores_say(cards: list[AuditCard], tmp_path: Path) -> None:
    (pair, *_), _ = pairs_of(cards, method="csre")
    found = compare(*(load_scores(tmp_path / f"{side}.seed1" / "scores.npz") for side in ("supervised", "csre")))
    assert (pair.disagreement.only_first, pair.disagreement.only_second) == (found.only_first, found.only_second)
    assert pair.change == pytest.approx(found.accuracies[1] - found.accuracies[0])


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (9,)},
        {"stream": "bone"},
        {"epochs": 5},
        {"selected_on": "validation"},
        {"hits": ""},
        {"accuracy": None},
        {"hashes": {"setting": "another"}},
        {"hashes": {}},
    ],
)
def test_what_differs_in_more_than_the_method_makes_no_pair(cards: list[AuditCard], change: dict[str, object]) -> None:
    other = replace(cards[1], **change)  # type: ignore[arg-type]
    pairs, alone = pairs_of([cards[0], other, *cards[2:]], method="csre")
    assert [pair.without.seeds for pair in pairs] == [(2,), (3,)]
    assert sorted(map(repr, alone)) == sorted(map(repr, [cards[0], other]))


def test_other_recipes_and_methods_are_passed_over(cards: list[AuditCard]) -> None:
    others = [replace(cards[0], recipe="ctrgcn/small"), replace(cards[0], method="third")]
    pairs, alone = pairs_of([*cards, *others], method="csre")
    assert (len(pairs), alone) == (3, [])
    assert pairs_of(cards, method="third") == ([], [])


def test_two_cards_of_one_training_are_refused(cards: list[AuditCard], tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"two cards of csre/small, csre, seed 1 in one setting"):
        pairs_of([*cards, replace(cards[1], seconds=1.0)], method="csre")
    assert made_run(tmp_path / "again", "csre", seed=1, strength=1.0).finished
