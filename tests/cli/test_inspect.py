# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from bonefide.cli.inspect import inspect
from bonefide.data.datasets import info
from bonefide.data.preparation import prepare
from bonefide.data.store import SkeletonStore
from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.write import synthesize
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import DataError, StoreError, UnknownNameError
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
        "plain version 2",
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


def test_says_which_joints_are_inferred_and_which_protocols_listed(tmp_path: Path) -> None:
    for action in ("wave", "clap"):
        (tmp_path / "raw" / action).mkdir(parents=True)
        for performer in range(1, 7):
            np.save(tmp_path / "raw" / action / f"{action}{performer}.npy", perform(action, performer=performer))
    made = prepare("custom", raw=tmp_path / "raw", out=tmp_path / "out", layout="ntu25", options={"to": "coco17"})
    text = _run(made.path)
    assert "left_eye" in text
    assert "random" in text
    facts = json.loads(_run(made.path, "wave1", "--json", "--picture", tmp_path / "wave.gif"))
    assert "left_eye" in facts["inferred"]
    assert Image.open(facts["picture"]).format == "GIF"


def test_draws_a_sample_and_a_store(store: SkeletonStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    wave = Entry(SkeletonSequence("a", 1, np.random.default_rng(0).normal(size=(1, 9, 20, 3))))
    drawn = write_store(made, info("nwucla"), [wave])
    facts = json.loads(_run(drawn.path, "a", "--picture", tmp_path / "one.png", "--json"))
    assert Image.open(facts["picture"]).size[1] == 338
    text = _run(store.path, "--picture", tmp_path / "all.png")
    assert "picture" in text
    assert Image.open(tmp_path / "all.png").size == (3 * 3 * 120, 138)


def test_shows_a_raw_file(tmp_path: Path) -> None:
    synthesize("nwucla", tmp_path / "raw.zip", subjects=1, cameras=1)
    facts = json.loads(_run(tmp_path / "raw.zip", "--json", "--picture", tmp_path / "raw.png"))
    assert (facts["recordings"], facts["format"], facts["layout"], facts["shape"][2:]) == (
        10,
        "nwucla",
        "ucla20",
        [20, 3],
    )
    assert (tmp_path / "raw.png").is_file()
    assert "left_hand" in _run(tmp_path / "raw.zip", facts["name"])
    with pytest.raises(UnknownNameError, match="did you mean"):
        _run(tmp_path / "raw.zip", facts["name"].replace("a01", "a99"))
    np.save(tmp_path / "odd.npy", perform("wave")[:, :, :21])
    with pytest.raises(DataError, match="describe yours in YAML"):
        _run(tmp_path / "odd.npy")
    np.save(tmp_path / "wave.npy", perform("wave"))
    assert json.loads(_run(tmp_path / "wave.npy", "--json"))["layout"] == "ntu25"
