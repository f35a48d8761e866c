# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from bonefide.errors import DataError
from bonefide.text.bank import TextBank
from bonefide.text.read_bank import read_bank
from bonefide.text.write_bank import write_bank

FACTS = {
    "format": 1,
    "classes": ["sit", "stand"],
    "kinds": ["name"],
    "prompts": {"name": [["sit"], ["stand"]]},
    "encoder": "made up",
    "origin": {},
}
VECTORS = np.eye(2, dtype=np.float16)[:, None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "texts.npz"


def write(file: Path, vectors: np.ndarray = VECTORS, **changed: object) -> None:
    np.savez(file, name=vectors, facts=np.array(json.dumps({**FACTS, **changed})))


def test_a_sound_file_is_read(file: Path) -> None:
    write(file)
    found = read_bank(file)
    assert found.of("name").tolist() == [[[1.0, 0.0]], [[0.0, 1.0]]]
    assert found.prompts == {"name": (("sit",), ("stand",))}


def test_a_missing_file_is_said(file: Path) -> None:
    with pytest.raises(DataError, match=r"no texts here; `bonefide embed DATASET --out texts\.npz` makes them"):
        read_bank(file)


def test_vectors_of_others_are_told_from_texts(file: Path) -> None:
    np.savez(file, name=VECTORS)
    with pytest.raises(DataError, match=r"not texts of bonefide; .* --from texts\.npz"):
        read_bank(file)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": 2}, "texts of format 2, this version reads 1"),
        ({"kinds": ["name", "motion"]}, "not a file of texts .*motion"),
        ({"kinds": 3}, "not a file of texts"),
        ({"prompts": []}, "not a file of texts"),
        ({"classes": ["sit"]}, r"'name' must be \(K=1"),
        ({"prompts": {"name": [["sit"]]}}, "are of 1 classes, not of 2"),
        ({"kinds": []}, "at least one kind"),
    ],
)
def test_facts_that_do_not_fit_are_refused(file: Path, changed: dict[str, object], message: str) -> None:
    write(file, **changed)
    with pytest.raises(DataError, match=message):
        read_bank(file)


def test_numbers_must_be_finite(file: Path) -> None:
    write(file, np.full((2, 1, 2), np.nan, np.float16))
    with pytest.raises(DataError, match="some numbers are not finite"):
        read_bank(file)


def test_other_files_and_damage_are_refused(file: Path) -> None:
    write_bank(TextBank(("sit",), {"name": np.ones((1, 1, 300), np.float32)}, {}, "made up"), file)
    whole = file.read_bytes()
    array = file.with_suffix(".npy")
    np.save(array, VECTORS)
    flipped = bytearray(whole)
    flipped[60] ^= 255
    for content in (
        whole[:-30],
        whole[: len(whole) // 2],
        bytes(flipped),
        b"",
        b"words",
        array.read_bytes(),
        pickle.dumps(1),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match="not a file of texts"):
            read_bank(file)
