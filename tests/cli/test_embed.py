# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calling import call

from bonefide.cli.embed import embed
from bonefide.data import datasets
from bonefide.errors import DataError, InstallationError, OutputError, UnknownNameError
from bonefide.text import encode
from bonefide.text.descriptions import KINDS, provenance, sentences
from bonefide.text.read_bank import read_bank


class Letters:
    """Counts vowels; reads forty letters."""

    def __init__(self, name: str, *, device: str) -> None:
        if name == "missing":
            raise InstallationError("it is not installed")
        self.name, self.origin = name, {"model": f"vowels on {device}"}

    def __call__(self, given: Sequence[str]) -> np.ndarray:
        return np.array([[each.count(letter) for letter in "aeiou"] for each in given], np.float32)

    def too_long(self, given: Sequence[str]) -> int:
        return sum(len(each) > 40 for each in given)


@pytest.fixture(autouse=True)
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "text_encoder", Letters)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "texts.npz"


def told(out: Path, *arguments: object) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(call(embed, *arguments, "--out", out, "--json").stdout)
    return said


def test_a_data_set_becomes_a_bank(out: Path) -> None:
    said = told(out, "ntu60", "--with", "vowels")
    found = read_bank(out)
    assert found.classes == datasets.info("ntu60").classes == tuple(said["classes"])
    assert found.prompts == sentences("ntu60")
    assert said["kinds"] == {kind: [60, count, 5] for kind, count in KINDS.items()}
    assert (said["path"], said["encoder"], said["width"]) == (str(out), "vowels", 5)
    assert said["origin"] == {**provenance("ntu60"), "model": "vowels on cpu"} == dict(found.origin)
    once = {each for rows in found.prompts.values() for row in rows for each in row}
    assert said["cut"] == sum(len(each) > 40 for each in once) > 0


def test_what_is_written_is_said_in_words(out: Path) -> None:
    said = call(embed, "nwucla", "--with", "vowels", "--kinds", "name, body_parts", "--out", out).stdout
    assert f"10 classes by vowels, vectors of 5 numbers, in {out}" in said
    assert "  name: 1 sentence a class" in said
    assert "  body_parts: 6 sentences a class" in said
    assert "sentences are longer than the encoder reads" in said
    assert read_bank(out).kinds == ("name", "body_parts")


def test_names_of_ones_own(out: Path, tmp_path: Path) -> None:
    told(out, "--labels", "yodel, sit down", "--kinds", "name,motion")
    assert read_bank(out).prompts["motion"][0] == ("yodel",)
    assert read_bank(out).prompts["motion"][1] != ("sit down",)
    names = tmp_path / "names.txt"
    names.write_text("sit down: the hips sink\n\nyodel\n", encoding="utf-8")
    told(out, "nwucla", "--names", names, "--overwrite", "--kinds", "motion")
    assert read_bank(out).classes == ("sit down", "yodel")
    assert read_bank(out).prompts["motion"] == (("the hips sink",), ("yodel",))


def test_vectors_of_others_are_taken_over(out: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.npz"
    np.savez(theirs, label=np.ones((10, 3)), b16=np.full((10, 2, 3), 2.0))
    told(out, "nwucla", "--from", theirs, "--kinds", "name=label, motion=b16")
    found = read_bank(out)
    assert (found.classes, found.kinds) == (datasets.info("nwucla").classes, ("name", "motion"))
    assert found.of("motion").shape == (10, 2, 3)
    assert (found.of("motion") == 2).all()
    told(out, "nwucla", "--from", theirs, "--overwrite")
    assert read_bank(out).kinds == ("name", "b16")
    np.savez(theirs, name=np.ones((2, 3)))
    told(out, "--from", theirs, "--labels", "sit: on a seat; stand", "--overwrite")
    assert read_bank(out).classes == ("sit", "stand")


def test_nothing_is_replaced_unasked(out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(OutputError, match=r"is there already; .* --overwrite"):
        call(embed, "nwucla", "--out", out)
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((), DataError, "say which classes"),
        (("custom",), DataError, "say which classes"),
        (("ntu61",), UnknownNameError, "did you mean 'ntu60'"),
        (("nwucla", "--kinds", "motions"), UnknownNameError, "did you mean 'motion'"),
        (("--labels", " , "), DataError, "say which classes"),
        (("--labels", "sit", "--names", "file.txt"), DataError, "leave one out"),
        (("--names", "nowhere.txt"), DataError, "nowhere.txt: cannot be read as text"),
        (("nwucla", "--with", "missing"), InstallationError, "not installed"),
        (("nwucla", "--from", "nowhere.npz"), DataError, "no such file"),
        (("nwucla", "--from", "x.npz", "--kinds", "name=a, name=b"), DataError, "'a' and 'b' cannot both be 'name'"),
        (("nwucla", "--device", "abacus"), InstallationError, "no device 'abacus'"),
    ],
)
def test_what_cannot_be_done_is_refused(
    out: Path, arguments: tuple[str, ...], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call(embed, *arguments, "--out", out)
    assert not out.exists()


def test_files_must_be_archives_and_names_written(tmp_path: Path, out: Path) -> None:
    with pytest.raises(DataError, match=r"give it the suffix \.npz"):
        call(embed, "nwucla", "--out", tmp_path / "texts.json")
    (tmp_path / "names.txt").write_text("\n \n")
    with pytest.raises(DataError, match="holds no names"):
        call(embed, "--names", tmp_path / "names.txt", "--out", out)
