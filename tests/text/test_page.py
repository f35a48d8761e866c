# SPDX-License-Identifier: Apache-2.0
"""The page on texts says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bonefide.text.banks import bank
from bonefide.text.clip import CLIP_MODELS
from bonefide.text.descriptions import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "texts.md").read_text(encoding="utf-8")


def test_its_code_runs() -> None:
    shown: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, shown)
    assert shown["texts"].of("body_parts").shape == (27, 6, 384)


def test_it_lists_all_kinds_and_encoders() -> None:
    assert [name for name in (*KINDS, *CLIP_MODELS, "minilm") if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("dataset", ["ntu120", "pkummd1", "nwucla", "utdmhad", "synthetic"])
def test_its_figures_are_those_of_the_banks(dataset: str) -> None:
    texts = bank(dataset)
    names = texts.of("name")[:, 0]
    found = []
    for kind in texts.kinds[1:]:
        vectors = texts.of(kind).mean(1)
        near = names @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
        found.append(round(100 * float((near.argmax(0) == np.arange(len(names))).mean())))
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {dataset} |"))
    assert [int(number) for number in re.findall(r"\d+", row.partition(" | ")[2])] == [len(names), *found]
