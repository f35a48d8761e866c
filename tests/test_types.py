# SPDX-License-Identifier: Apache-2.0
"""The tuples that flow: scores refuse what does not fit; the rest holds what it is given."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefide.errors import ScoresError
from bonefide.types import Batch, Outputs, Scores, SkeletonSequence


def _scores(**changes: object) -> Scores:
    whole: dict[str, object] = {
        "names": np.array(["a", "b", "c"]),
        "values": np.array([[0.1, 0.9], [2.0, -1.0], [0.5, 0.5]]),
        "labels": np.array([1, 0, 1]),
        "classes": ("sit", "stand"),
        "selected_on": "last",
        "hashes": {},
    }
    return Scores(**{**whole, **changes})  # type: ignore[arg-type]


def test_predictions_take_the_highest_and_the_first_of_equals() -> None:
    assert _scores().predictions.tolist() == [1, 0, 0]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_predictions_follow_the_samples(samples: int, classes: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(samples, classes))
    names = np.array([f"s{number}" for number in range(samples)])
    scores = Scores(names, values, np.zeros(samples, dtype=np.int64), tuple(map(str, range(classes))), "last", {})
    backwards = dataclasses.replace(scores, names=names[::-1], values=values[::-1])
    assert np.array_equal(scores.predictions, backwards.predictions[::-1])
    assert all(values[row, column] == values[row].max() for row, column in enumerate(scores.predictions))


@pytest.mark.parametrize(
    "changes",
    [
        {"values": np.zeros((3, 3))},
        {"values": np.zeros((2, 2))},
        {"values": np.zeros(3)},
        {"labels": np.zeros(2, dtype=np.int64)},
        {"labels": np.zeros((3, 1), dtype=np.int64)},
        {"classes": ("sit",)},
    ],
)
def test_sizes_that_disagree_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ScoresError, match=r"scores of 3 samples and \d classes need values of shape"):
        _scores(**changes)


def test_a_sample_id_given_twice_is_refused() -> None:
    with pytest.raises(ScoresError, match="a sample id occurs twice"):
        _scores(names=np.array(["a", "b", "a"]))


def test_scores_and_sequences_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        _scores().selected_on = "validation"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        SkeletonSequence("a", 0, np.zeros((1, 1, 1, 3))).label = 1  # type: ignore[misc]


def test_what_is_optional_is_absent() -> None:
    clip = label = index = object()
    assert Batch(clip, label, index)[3:] == (None, None)  # type: ignore[arg-type]
    assert Outputs() == (None, None, None)


def test_types_import_no_torch() -> None:
    code = "import sys, bonefide.types, bonefide.errors, bonefide.layouts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
