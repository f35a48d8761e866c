# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from bonefide.data import datasets
from bonefide.errors import DataError, UnknownNameError
from bonefide.text.descriptions import (
    KINDS,
    PARTS,
    Description,
    described,
    descriptions,
    provenance,
    sentences,
    source_of,
)

LIMITS = {"definition": 30, "motion": 30, "spatial_coarse": 18, "spatial_mid": 25, "spatial_fine": 41}
WAVE = Description(
    "wave",
    "A hand is swung.",
    "The wrist swings.",
    tuple(f"the {part}" for part in PARTS),
    ("Far.", "Near.", "Nearer."),
    ("First.", "Then.", "At last."),
)


def words(sentence: str) -> int:
    return len(sentence.split())


@pytest.mark.parametrize("dataset", described())
def test_descriptions_are_of_the_classes_of_the_data_set(dataset: str) -> None:
    assert tuple(each.name for each in descriptions(dataset)) == datasets.info(dataset).classes


def test_every_data_set_with_classes_is_described() -> None:
    assert set(described()) == {name for name in datasets.names() if datasets.info(name).classes}


@pytest.mark.parametrize("dataset", sorted({source_of(dataset)[0] for dataset in described()}))
def test_sentences_are_short_plain_and_told_apart(dataset: str) -> None:
    faults = []
    for each in descriptions(dataset):
        lengths = {kind: words(each.sentences(kind)[0]) for kind in ("definition", "motion")}
        lengths |= {kind: words(text) for kind, text in zip(list(LIMITS)[2:], each.spatial, strict=True)}
        faults += [f"{each.name}: {kind}: {length} words" for kind, length in lengths.items() if length > LIMITS[kind]]
        faults += [f"{each.name}: {text}" for text in each.body_parts if words(text) > 12 or text.endswith(".")]
        faults += [f"{each.name}: {text}" for text in each.temporal if words(text) > 21]
        whole = (each.definition, each.motion, *each.spatial, *each.temporal)
        faults += [f"{each.name}: {text}" for text in whole if not (text[0].isupper() and text.endswith("."))]
        faults += [f"{each.name}: {text}" for text in (*whole, *each.body_parts) if not text.isascii()]
    assert not faults, "\n".join(faults)
    for kind in KINDS:
        rows = sentences(dataset, [kind])[kind]
        twice = {row for row in rows if rows.count(row) > 1}
        assert not twice, f"{kind}: classes that are described alike: {twice}"


def test_what_is_encoded_for_each_kind() -> None:
    expected = {
        "name": ("wave",),
        "definition": ("A hand is swung.",),
        "motion": ("The wrist swings.",),
        "body_parts": tuple(f"wave, the {part}" for part in ("head", "hand", "arm", "hip", "leg", "foot")),
        "spatial_coarse": ("wave, Far.",),
        "spatial_mid": ("wave, Near.",),
        "spatial_fine": ("wave, Nearer.",),
        "temporal_1": ("wave, First.",),
        "temporal_12": ("wave, First. Then.",),
        "temporal_123": ("wave, First. Then. At last.",),
    }
    assert {kind: WAVE.sentences(kind) for kind in KINDS} == expected
    assert {kind: len(found) for kind, found in expected.items()} == dict(KINDS)


def test_data_sets_of_the_same_classes_share_their_descriptions() -> None:
    assert descriptions("ntu60") == descriptions("ntu120")[:60]
    assert descriptions("pkummd2") == descriptions("pkummd1")


def test_who_wrote_them_is_said() -> None:
    for dataset in described():
        told = provenance(dataset)
        assert told["licence"] == "Apache-2.0"
        assert "written for bonefide in 2026" in told["sentences"]


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'motion'"):
        sentences("nwucla", ["motions"])
    with pytest.raises(UnknownNameError, match="no 'ntu61'; did you mean 'ntu60'"):
        descriptions("ntu61")
    with pytest.raises(UnknownNameError, match="no 'custom'"):
        provenance("custom")
    with pytest.raises(DataError, match="need 6, 3, 3 sentences, got \\(6, 2, 3\\)"):
        replace(WAVE, spatial=("a", "b"))
    with pytest.raises(DataError, match="'wave': one of its sentences is empty"):
        replace(WAVE, motion=" ")
