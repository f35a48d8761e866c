# SPDX-License-Identifier: Apache-2.0
"""From a folder of one's own arrays to a trained and tested model, by the commands a user types."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calling import ROOT, bonefide, call
from readme_blocks import blocks, run

from bonefide.data import open_store
from bonefide.errors import DataError, OutputError
from bonefide.evaluation.scores import load_scores

CLASSES = ("circle", "push", "wave")
LAYOUT = """name: torso
joints:
  - {name: hip, parent: hip}
  - {name: neck, parent: hip}
  - {name: head, parent: neck}
  - {name: left_elbow, parent: neck}
  - {name: left_hand, parent: left_elbow}
  - {name: right_elbow, parent: neck}
  - {name: right_hand, parent: right_elbow}
"""
STANDING = np.array([[0, 1, 0], [0, 1.5, 0], [0, 1.7, 0], [0.3, 1.2, 0], [0.3, 1, 0], [-0.3, 1.2, 0], [-0.3, 1, 0]])
SMALL = ("--set", "training.epochs=1", "--set", "encoder.base_channels=8", "--set", "data.batch_size=6")


def gesture(label: int, generator: np.random.Generator) -> Any:
    """(T, 7, 3): the right hand moves."""
    time = np.linspace(0, 2 * np.pi, int(generator.integers(20, 30)))
    path = [
        np.stack([np.cos(time), np.sin(time), 0 * time], axis=1),
        np.stack([0 * time, 0 * time, np.sin(time)], axis=1),
        np.stack([np.sin(3 * time), 1 + 0 * time, 0 * time], axis=1),
    ][label]
    joints = STANDING + generator.normal(scale=0.01, size=(len(time), 7, 3))
    joints[:, 6] += 0.3 * path
    return joints


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """`recordings/*.npy`, `labels.csv` and `torso.yaml`."""
    generator = np.random.default_rng(0)
    (tmp_path / "recordings").mkdir()
    rows = ["file,label,subject"]
    for number in range(12):
        label, subject = number % 3, "abcd"[number // 3]
        np.save(tmp_path / "recordings" / f"take{number:02}.npy", gesture(label, generator))
        rows.append(f"take{number:02}.npy,{CLASSES[label]},{subject}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "torso.yaml").write_text(LAYOUT)
    return tmp_path


def ran(verb: str, *arguments: object) -> str:
    return call(getattr(importlib.import_module(f"bonefide.cli.{verb}"), verb), *arguments).stdout


def prepare_all(mine: Path, *more: object) -> str:
    given = ("--raw", mine / "recordings", "--labels", mine / "labels.csv", "--layout", mine / "torso.yaml")
    return ran("prepare", "custom", *given, "--out", mine / "store", "--workers", 1, *more)


def prepared(mine: Path, *more: object) -> Path:
    prepare_all(mine, *more)
    return mine / "store"


def test_from_arrays_to_a_tested_model(mine: Path) -> None:
    given = ("--raw", mine / "recordings", "--labels", mine / "labels.csv", "--layout", mine / "torso.yaml")
    ended = bonefide("prepare", "custom", *given, "--out", mine / "store")
    assert ended.returncode == 0, ended.stderr
    store = mine / "store"
    facts = json.loads(ran("inspect", store, "--json"))
    assert (facts["dataset"], facts["sequences"], facts["shape"][1:]) == ("custom", 12, [7, 3])
    assert facts["class_counts"] == dict.fromkeys(CLASSES, 4)
    assert facts["protocols"]["xsub"]["train"] == 6
    assert facts["subjects"] == [1, 2, 3, 4]
    assert open_store(store).layout.joints[6] == "right_hand"
    told = ran(
        "train", "ctrgcn/custom", "--store", store, "--out", mine / "runs", "--set", "data.protocol=xsub", *SMALL
    )
    assert re.search(r"top-1 \d+\.\d\d % on 6 test samples", told)
    run = mine / "runs" / "ctrgcn" / "custom" / "main"
    assert re.search(r"top1 .* \(6 samples, weights chosen: last\)", ran("test", run))
    assert load_scores(run / "scores.npz").classes == CLASSES
    ran("report", mine / "runs", "--out", mine / "report")
    page = (mine / "report" / "report.html").read_text(encoding="utf-8")
    assert "One&#39;s own data" in page
    assert all(name in page for name in CLASSES)


def test_the_random_part_is_the_default_and_bones_need_the_layout_of_ones_own(mine: Path) -> None:
    store = prepared(mine)
    told = ran("train", "ctrgcn/custom", "--store", store, "--out", mine / "runs", "--set", "data.stream=bone", *SMALL)
    assert "on 3 test samples" in told


def test_flat_poses_in_text_and_a_folder_a_class(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    for number in range(9):
        folder = tmp_path / "mine" / CLASSES[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        flat = 640 + 100 * gesture(number % 3, generator)[..., :2]
        np.savetxt(folder / f"{number // 3}.csv", flat.reshape(len(flat), -1), delimiter=",")
    (tmp_path / "mine" / "README.txt").write_text("How these were taken.")
    (tmp_path / "torso.yaml").write_text(LAYOUT)
    out, layout = tmp_path / "store", tmp_path / "torso.yaml"
    told = ran("prepare", "custom", "--raw", tmp_path / "mine", "--layout", layout, "--out", out, "--workers", 1)
    assert "prepared 9 sequences of custom" in told
    store = open_store(out)
    assert store.info.classes == CLASSES
    assert store.names[0] == "circle/0"
    assert store.info.shape[1:] == (7, 2)
    told = ran("train", "ctrgcn/custom", "--store", out, "--out", tmp_path / "runs", *SMALL)
    assert "on 3 test samples" in told


def test_another_table_makes_another_store(mine: Path) -> None:
    store = prepared(mine)
    first = open_store(store).info.fingerprint
    text = (mine / "labels.csv").read_text()
    (mine / "labels.csv").write_text(text.replace("take00.npy,circle", "take00.npy,push"))
    again = ("--raw", mine / "recordings", "--labels", mine / "labels.csv", "--layout", mine / "torso.yaml")
    with pytest.raises(OutputError, match="--overwrite"):
        ran("prepare", "custom", *again, "--out", store)
    prepared(mine, "--overwrite")
    assert open_store(store).info.fingerprint != first
    assert open_store(store)["take00"].label == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda mine: ["--layout", mine / "torso.yaml"], "give a table with the columns name and label by --labels"),
        (lambda mine: ["--labels", mine / "labels.csv"], "give --layout, a name or a YAML file"),
        (lambda mine: ["--labels", mine / "absent.csv", "--layout", mine / "torso.yaml"], "cannot be read"),
        (lambda mine: ["--labels", mine / "labels.csv", "--layout", "ntu25"], "none of 12 files can be read"),
        (lambda mine: ["--labels", mine / "torso.yaml", "--layout", mine / "torso.yaml"], "torso.yaml:1: no column"),
    ],
)
def test_what_is_missing_is_told(mine: Path, change: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        ran("prepare", "custom", "--raw", mine / "recordings", "--out", mine / "store", *change(mine))
    assert not (mine / "store").exists()


def test_what_does_not_fit_is_left_out_and_told(mine: Path) -> None:
    np.save(mine / "recordings" / "take12.npy", np.zeros((5, 6, 3)))
    np.save(mine / "recordings" / "unlisted.npy", gesture(0, np.random.default_rng(2)))
    with (mine / "labels.csv").open("a") as file:
        file.write("\ntake12.npy,push,a\ntake13.npy,push,a\n")
    told = prepare_all(mine)
    assert "2 names of the label table are not in" in told
    assert "'take12.npy'" in told
    codes = {each.member: each.code for each in open_store(mine / "store").info.left_out}
    assert codes == {"take12.npy": "shape", "unlisted.npy": "unlabelled"}


@pytest.mark.slow
def test_the_page_on_ones_own_data_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    fault = run([block for block in blocks(page) if not block.shown_only], tmp_path)
    assert not fault, f"docs/own_data.md: {fault}"
    cards = list((tmp_path / "runs").rglob("report.json"))
    assert [json.loads(card.read_text())["test_samples"] for card in cards] == [30]
    assert (tmp_path / "report" / "report.html").is_file()
