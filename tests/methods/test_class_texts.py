# SPDX-License-Identifier: Apache-2.0
"""Texts of classes inside a method."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import DataError
from bonefide.methods._class_texts import ClassTexts
from bonefide.text.bank import TextBank


def bank() -> TextBank:
    vectors = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    return TextBank(tuple("abcd"), {"name": vectors, "motion": 2 * vectors}, {}, "random")


def test_only_vectors_it_reads_leave_with_the_weights() -> None:
    texts = ClassTexts(bank(), ClassSplit("made", seen=(0, 3), unseen=(2, 1)), ["motion"])
    assert list(texts.state_dict()) == ["motion"]
    np.testing.assert_array_equal(texts.of("motion").numpy(), bank().of("motion"))
    assert (texts.seen.tolist(), texts.unseen.tolist(), texts.places.tolist()) == ([0, 3], [2, 1], [0, -1, -1, 1])
    with pytest.raises(DataError, match="have no 'nmae'; did you mean 'name'"):
        ClassTexts(bank(), ClassSplit("made", (0, 3), (2, 1)), ["nmae"])


def test_other_weights_leave_the_bank_as_it_is() -> None:
    given = bank()
    texts = ClassTexts(given, ClassSplit("made", (0, 3), (2, 1)), ["name"])
    texts.load_state_dict({"name": torch.zeros(4, 2, 3)})
    np.testing.assert_array_equal(given.of("name"), bank().of("name"))
