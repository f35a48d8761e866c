# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from bonefide.cli.inspect import inspect
from bonefide.data.datasets import info
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import StoreError, UnknownNameError
from bonefide.types import SkeletonSequence

app = typer.Typer()
app.command()(inspect)


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    made = [
        Entry(SkeletonSequence(f"a01_s0{n}_e00_v0{n}", n, np.full((1, n + 1, 20, 3), float(n))), n, n)
        for n in (1, 2, 3)
    ]
    return write_store(tmp_path / "store", info("nwucla"), made)


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_shows_a_store(store: SkeletonStore) -> None:
    text = _run(store.path)
    for expected in (
        "3 (incomplete)",
        "plain version 1",
        "ucla20",
        "2 to 4, mean 3.0",
        "xview",
        "drop trash",
        "not verified",
    ):
        assert expected in text


def test_store_as_json(store: SkeletonStore) -> None:
    facts = json.loads(_run(store.path, "--json"))
    assert facts["class_counts"]["drop trash"] == 1
    assert facts["class_counts"]["carry"] == 0
    assert facts["frames"] == {"min": 2, "mean": 3.0, "max": 4}
    assert (facts["subjects"], facts["verified"]) == ([1, 2, 3], False)


def test_shows_a_sample(store: SkeletonStore) -> None:
    text = _run(store.path, "a01_s02_e00_v02")
    assert "drop trash" in text
    assert "1, 3, 20, 3" in text
    assert "left_hand" in text
    facts = json.loads(_run(store.path, "a01_s02_e00_v02", "--json"))
    assert (facts["label"], facts["class"], facts["highest"]) == (2, "drop trash", [2.0, 2.0, 2.0])


def test_verifies_on_request(store: SkeletonStore) -> None:
    assert json.loads(_run(store.path, "--json", "--verify"))["verified"]
    path = store.path / "joints.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError):
        _run(store.path, "--verify")


def test_unknown_names_are_errors(store: SkeletonStore) -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        _run(store.path, "a01_s02_e00_v09")
    with pytest.raises(StoreError):
        _run(store.path / "nothing")
