# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bonefide.evaluation.kept import form_of_weights


def saved(file: Path, **tensors: np.ndarray) -> Path:
    save_file(tensors, file)
    return file


def test_numbers_are_counted_and_forms_told_apart(tmp_path: Path) -> None:
    weight, bias = np.zeros((2, 3), np.float32), np.zeros(2, np.float32)
    kept, form = form_of_weights(saved(tmp_path / "a", weight=weight, bias=bias))
    assert kept == 8
    assert form_of_weights(saved(tmp_path / "b", bias=bias + 1, weight=weight + 2)) == (8, form)
    others = [
        saved(tmp_path / "c", weight=weight.T.copy(), bias=bias),
        saved(tmp_path / "d", weight=weight, offset=bias),
        saved(tmp_path / "e", weight=weight, bias=bias.astype(np.float64)),
        saved(tmp_path / "f", weight=weight, bias=bias, bank=bias),
    ]
    assert len({form, *(form_of_weights(other)[1] for other in others)}) == 5


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_what_cannot_be_read_is_unknown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights").write_bytes(content)
    assert form_of_weights(tmp_path / "weights") == (0, "")
    assert form_of_weights(tmp_path / "nothing") == (0, "")
