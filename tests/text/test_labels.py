# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bonefide.errors import DataError, UnknownNameError
from bonefide.text.banks import bank
from bonefide.text.descriptions import KINDS, sentences
from bonefide.text.labels import bank_of_labels, split_labels
from bonefide.text.sentence_bert import SentenceBert


class Letters:
    """Counts letters; remembers what it was asked."""

    name = "letters"

    def __init__(self) -> None:
        self.origin = {"model": "counts letters"}
        self.asked: list[str] = []

    def __call__(self, given: Sequence[str]) -> np.ndarray:
        self.asked += given
        return np.array([[each.count(letter) for letter in "aeiou"] for each in given], np.float32)

    def too_long(self, given: Sequence[str]) -> int:
        return 0


def test_a_described_name_is_encoded_by_its_description() -> None:
    found = bank_of_labels(["Sit  down", "yodel"], encoder=Letters(), like="nwucla")
    assert found.classes == ("Sit  down", "yodel")
    expected = sentences("nwucla")
    for kind, count in KINDS.items():
        described = ("Sit  down",) if kind == "name" else expected[kind][4]
        assert found.prompts[kind] == (described, ("yodel",) * count), kind
        assert found.of(kind).shape == (2, count, 5)
    assert "given by the user; others written for bonefide" in found.origin["sentences"]
    assert found.origin["model"] == "counts letters"


def test_descriptions_of_the_data_set_learned_from_come_first() -> None:
    for dataset in ("ntu60", "pkummd1", "nwucla"):
        row = bank(dataset, kinds=["name"]).classes.index("throw")
        found = bank_of_labels(["throw"], ["motion"], Letters(), like=dataset)
        assert found.prompts["motion"] == (sentences(dataset, ["motion"])["motion"][row],)
    of_none = bank_of_labels(["throw"], ["motion"], Letters()).prompts
    assert of_none == bank_of_labels(["throw"], ["motion"], Letters(), like="custom").prompts
    assert of_none == bank_of_labels(["throw"], ["motion"], Letters(), like="ntu60").prompts != found.prompts


def test_a_description_that_is_given_stands_for_all_kinds_but_the_name() -> None:
    found = bank_of_labels(["throw: a ball is hurled"], encoder=Letters(), like="nwucla")
    assert found.classes == ("throw",)
    assert found.prompts["name"] == (("throw",),)
    assert found.prompts["definition"] == found.prompts["motion"] == (("a ball is hurled",),)
    assert found.prompts["body_parts"] == (("throw, a ball is hurled",) * 6,)
    assert found.prompts["temporal_12"] == (("throw, a ball is hurled",),)
    assert found.origin["sentences"] == "given by the user"


def test_what_comes_twice_is_encoded_once() -> None:
    letters = Letters()
    found = bank_of_labels(["yodel", "moonwalk"], ["name", "body_parts", "motion"], letters)
    assert letters.asked == ["yodel", "moonwalk"]
    np.testing.assert_array_equal(found.of("body_parts"), np.repeat(found.of("name"), 6, axis=1))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "no labels"),
        (["wave", ": a hand is raised"], "no labels"),
        (["wave", "sit", "Wave"], "labels come twice: Wave, wave"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        bank_of_labels(labels, encoder=Letters())


def test_kinds_must_be_known() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'body_parts'"):
        bank_of_labels(["wave"], ["body_part"], Letters())


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("waving, falling down,drinking", ("waving", "falling down", "drinking")),
        ("wave: up, down; sit", ("wave: up, down", "sit")),
        (" , ", ()),
        ("one", ("one",)),
    ],
)
def test_labels_are_split(text: str, labels: tuple[str, ...]) -> None:
    assert split_labels(text) == labels


def test_labels_of_a_data_set_are_its_own_bank(minilm: SentenceBert) -> None:
    stored = bank("nwucla", kinds=["name", "definition", "body_parts"])
    live = bank_of_labels(stored.classes, stored.kinds, minilm, like="nwucla")
    assert live.prompts == stored.prompts
    for kind in stored.kinds:
        np.testing.assert_allclose(live.of(kind), stored.of(kind), atol=2e-4)
