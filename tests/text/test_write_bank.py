# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.errors import OutputError
from bonefide.text.bank import TextBank
from bonefide.text.read_bank import read_bank
from bonefide.text.write_bank import write_bank

VECTORS = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
CLASSES = ("sit", "stand", "façon")


def bank(vectors: np.ndarray = VECTORS) -> TextBank:
    prompts = {"motion": tuple((f"{name} one", f"{name} two") for name in CLASSES)}
    return TextBank(CLASSES, {"motion": vectors, "name": vectors[:, :1]}, prompts, "made up", {"licence": "free"})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_bank(bank(), tmp_path / "new" / "texts.npz")
    found = read_bank(tmp_path / "new" / "texts.npz")
    assert (found.classes, found.prompts, found.encoder, found.origin, found.kinds) == (
        CLASSES,
        bank().prompts,
        "made up",
        {"licence": "free"},
        ("motion", "name"),
    )
    assert found.of("motion").dtype == np.float32
    np.testing.assert_allclose(found.of("motion"), VECTORS, rtol=1e-3)


def test_equal_banks_are_equal_bytes(tmp_path: Path) -> None:
    write_bank(bank(), tmp_path / "one.npz")
    write_bank(bank(), tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize(
    ("vectors", "stored"),
    [
        (VECTORS, np.float16),
        (np.zeros_like(VECTORS), np.float16),
        (VECTORS * np.float32(1e5), np.float32),
        (VECTORS * np.float32(1e-6), np.float32),
        (VECTORS * np.float32(1e-9), np.float32),
    ],
    ids=["usual", "nothing", "huge", "small", "tiny"],
)
def test_half_precision_is_kept_where_no_vector_turns(tmp_path: Path, vectors: np.ndarray, stored: type) -> None:
    write_bank(bank(vectors), tmp_path / "texts.npz")
    with np.load(tmp_path / "texts.npz", allow_pickle=False) as content:
        assert content["motion"].dtype == stored
    np.testing.assert_allclose(read_bank(tmp_path / "texts.npz").of("motion"), vectors, rtol=1e-3)


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        write_bank(bank(), tmp_path / "file" / "texts.npz")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
