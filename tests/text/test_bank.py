# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import DataError
from bonefide.text.bank import TextBank

BANK = TextBank(
    ("sit", "stand", "wave"),
    {"name": np.arange(6.0, dtype=np.float32).reshape(3, 1, 2), "body_parts": np.ones((3, 6, 2), np.float32)},
    {"name": (("sit",), ("stand",), ("wave",))},
    "made up",
    {"licence": "Apache-2.0"},
)


def test_rows_are_picked_in_the_order_asked_for() -> None:
    found = BANK.rows([2, 0])
    assert found.classes == ("wave", "sit")
    assert found.of("name").tolist() == [[[4.0, 5.0]], [[0.0, 1.0]]]
    assert found.of("name").flags.c_contiguous
    assert found.prompts == {"name": (("wave",), ("sit",))}
    assert (found.encoder, found.origin, found.width) == (BANK.encoder, BANK.origin, 2)
    assert found.kinds == ("name", "body_parts")


def test_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match="of made up have no 'body_part'; did you mean 'body_parts'"):
        BANK.of("body_part")


@pytest.mark.parametrize(
    ("embeddings", "prompts", "message"),
    [
        ({}, {}, "at least one kind"),
        ({"name": np.ones((2, 1, 4))}, {}, r"'name' must be \(K=1, P, E=4\), got \(2, 1, 4\)"),
        ({"name": np.ones((1, 4))}, {}, r"got \(1, 4\)"),
        ({"name": np.ones((1, 1, 4)), "motion": np.ones((1, 1, 5))}, {}, r"'motion' must be .* E=4\)"),
        ({"name": np.ones((1, 1, 4))}, {"name": (("a",), ("b",))}, "'name' are of 2 classes, not of 1"),
    ],
)
def test_sizes_must_agree(
    embeddings: dict[str, np.ndarray], prompts: dict[str, tuple[tuple[str, ...], ...]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        TextBank(("sit",), embeddings, prompts, "made up")
