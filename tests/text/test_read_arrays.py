# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.data import datasets
from bonefide.errors import DataError
from bonefide.text.read_arrays import read_arrays

CLASSES = ("sit down", "stand up", "wave")
FLAT = np.arange(6, dtype=np.float16).reshape(3, 2)
DEEP = np.arange(24, dtype=np.float64).reshape(3, 4, 2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "theirs.npz"


def test_arrays_become_kinds(file: Path) -> None:
    np.savez(file, names=FLAT, temporal_phase12=DEEP, odd=DEEP[:, :1], counts=np.arange(3))
    found = read_arrays(file, CLASSES)
    assert found.kinds == ("name", "temporal_12", "odd")
    assert found.of("name").dtype == np.float32
    np.testing.assert_array_equal(found.of("name"), FLAT[:, None])
    np.testing.assert_array_equal(found.of("temporal_12"), DEEP)
    assert (found.classes, dict(found.prompts), found.encoder) == (CLASSES, {}, "theirs.npz")


def test_which_array_is_which_kind_can_be_said(file: Path) -> None:
    np.savez(file, b32=FLAT, b16=FLAT + 1)
    found = read_arrays(file, CLASSES, kinds={"motion": "b16"}, encoder="CLIP")
    assert (found.kinds, found.encoder) == (("motion",), "CLIP")
    np.testing.assert_array_equal(found.of("motion")[:, 0], FLAT + 1)


def test_of_two_arrays_of_one_kind_one_can_be_said(file: Path) -> None:
    np.savez(file, label=FLAT, labels=FLAT + 1)
    found = read_arrays(file, CLASSES, kinds={"name": "labels"})
    np.testing.assert_array_equal(found.of("name")[:, 0], FLAT + 1)


def test_names_may_be_spelt_a_little_differently(file: Path) -> None:
    np.savez(file, name=FLAT, class_names=["Sit_Down", "standing up", "wave"])
    assert read_arrays(file, CLASSES).classes == CLASSES


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"class_names": ["stand up", "sit down", "wave"]}, "row 0 is of 'stand up', where 'sit down' belongs"),
        ({"class_names": ["sit down", "stand up", "phone call"]}, "row 2 is of 'phone call'"),
        ({"class_names": ["sit down", "stand up"]}, "is of 2 classes, not of 3"),
        ({"name": FLAT[:2]}, r"'name' must be numbers \(K=3, E\) .* got float16 \(2, 2\)"),
        ({"name": DEEP[None]}, r"\(1, 3, 4, 2\)"),
        ({"name": np.array([[np.inf]] * 3)}, "some numbers of 'name' are not finite"),
        ({"name": np.arange(3)}, "holds no vectors; it has: name"),
        ({"name": np.array([None] * 3)}, "not a NumPy archive without pickles"),
        ({"motion": np.ones((3, 7))}, "must be"),
        ({"label": FLAT}, "'name' and 'label' are both of kind 'name'; say which .* as in --kinds name=label"),
    ],
)
def test_what_does_not_fit_is_refused(file: Path, arrays: dict[str, object], message: str) -> None:
    np.savez(file, **{"name": FLAT, **arrays})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        read_arrays(file, CLASSES)


def test_an_array_that_is_not_there_is_refused(file: Path) -> None:
    np.savez(file, vitb32=FLAT)
    with pytest.raises(DataError, match="no array 'vitb16'; did you mean 'vitb32'"):
        read_arrays(file, CLASSES, kinds={"name": "vitb16"})
    with pytest.raises(DataError, match="no such file"):
        read_arrays(file.with_name("other.npz"), CLASSES)
    file.write_bytes(b"words")
    with pytest.raises(DataError, match="not a NumPy archive"):
        read_arrays(file, CLASSES)


def test_vectors_of_the_papers_are_taken_over(shared_data: Path) -> None:
    neuron = read_arrays(shared_data / "text" / "neuron_pku51.npz", datasets.info("pkummd1").classes)
    kinds = ("spatial_coarse", "spatial_mid", "spatial_fine", "temporal_1", "temporal_12", "temporal_123")
    assert neuron.kinds == kinds
    assert neuron.of("temporal_123").shape == (51, 10, 768)
    pairs = {"name": "vitb16_label", "motion": "vitb16_motion_description"}
    other = read_arrays(shared_data / "text" / "msf_gzssar_ntu60.npz", datasets.info("ntu60").classes, kinds=pairs)
    assert other.of("motion").shape == (60, 1, 512)
    with pytest.raises(DataError, match="is of 120 classes, not of 60"):
        read_arrays(shared_data / "text" / "neuron_ntu120.npz", datasets.info("ntu60").classes)
