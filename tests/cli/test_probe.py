# SPDX-License-Identifier: Apache-2.0
"""`bonefide probe`: a frozen network on another data set."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calling import bonefide, call
from tiny import tiny_store

from bonefide.cli import probe as verb
from bonefide.cli.probe import probe
from bonefide.cli.report import report
from bonefide.config import load
from bonefide.data.datasets import info
from bonefide.data.store import SkeletonStore
from bonefide.data.synthetic.perform import perform
from bonefide.data.write_store import Entry, write_store
from bonefide.encoders.shiftgcn import ShiftGCN
from bonefide.errors import DataError, RawFileError, RunError, ShapeError, StoreError, UnknownNameError
from bonefide.evaluation.probe_card import load_probe_card
from bonefide.hub.recognizer import Recognizer
from bonefide.layouts import SkeletonLayout, layout
from bonefide.layouts.conversion import conversion
from bonefide.methods.supervised import Supervised
from bonefide.types import Array, SkeletonSequence

ACTIONS = ("wave", "kick", "bow")


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh weights that say they know NTU RGB+D."""
    torch.manual_seed(0)
    recipe = load.recipe("shiftgcn/ntu60_xsub", set={"encoder.base_channels": 4})
    encoder = ShiftGCN(layout("ntu25"), 3, base_channels=4)
    origin = {"paper": "shiftgcn"}
    whole = load.single_run(recipe, "joint")
    made = Recognizer.from_weights(Supervised(encoder, 60).state_dict(), whole, origin=origin)
    folder = tmp_path_factory.mktemp("recognizer")
    made.save_pretrained(folder)
    return folder


def moves(label: int, seed: int) -> Array:
    """One of three actions as the first Kinect sees it."""
    joints = perform(ACTIONS[label], performer=1 + seed % 5, repeat=1 + seed)
    return conversion(layout("ntu25"), layout("ucla20")).apply(joints)[0][:1, ::4]


def made_store(path: Path, *, test_labels: Array | None = None, classes: int = 3, people: int = 4) -> SkeletonStore:
    """Views 1 and 2 train, view 3 tests; everybody does all in all of them."""
    entries = []
    for number in range(3 * 3 * people):
        label, camera, subject = number % 3 % classes, number // 3 % 3 + 1, number // 9 + 1
        joints = moves(label, number)
        if camera == 3 and test_labels is not None:
            label = int(test_labels[number % len(test_labels)])
        sequence = SkeletonSequence(f"a{label + 1:02}_s{subject:02}_e{number:02}_v{camera:02}", label, joints)
        sequence = dataclasses.replace(sequence, name=f"sample{number:03}")
        entries.append(Entry(sequence, subject=subject, camera=camera))
    return write_store(path, info("nwucla"), entries)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_store(tmp_path_factory.mktemp("made") / "store").path


def card(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(probe, *arguments, "--frames", 64, "--device", "cpu", "--json").stdout)
    return found


def test_plain_actions_are_told_apart(recognizer: Path, store: Path, tmp_path: Path) -> None:
    found = card(recognizer, "--store", store, "--out", tmp_path / "cards" / "probe.json")
    assert found["accuracy"]["linear"] > 80, "chance is 33"
    assert set(found["accuracy"]) == {"1-NN", "5-NN", "linear"}
    expected = {
        "network": "shiftgcn/ntu60_xsub",
        "paper": "shiftgcn",
        "weights": "trained",
        "seed": None,
        "protocol": "xview",
        "dataset": "nwucla",
        "stored": "plain",
        "preparation": "ntu_agcn",
        "frames": 64,
        "features": 16,
        "train_samples": 24,
        "test_samples": 12,
        "chosen": "4 folds by who performs",
        "inferred": ["neck", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb"],
    }
    assert {key: found[key] for key in expected} == expected
    assert load_probe_card(tmp_path / "cards" / "probe.json").accuracy == found["accuracy"]
    call(report, tmp_path / "cards", "--results", tmp_path / "results.md")
    assert f"{found['accuracy']['linear']:.2f}" in (tmp_path / "results.md").read_text()
    with pytest.raises(RunError, match="only cards of probes"):
        call(report, tmp_path / "cards", "--out", tmp_path / "page")


def test_test_labels_choose_nothing(recognizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, Array]] = []
    measure = verb._accuracies

    def listening(predictions: dict[str, Array], labels: Array) -> Any:
        said.append(predictions)
        return measure(predictions, labels)

    monkeypatch.setattr(verb, "_accuracies", listening)
    cards = [
        card(recognizer, "--store", made_store(tmp_path / f"store{number}", test_labels=labels).path)
        for number, labels in enumerate((None, np.array([2, 0, 1]), np.array([1])))
    ]
    for other, predictions in zip(cards[1:], said[1:], strict=True):
        assert (other["strength"], other["held_out"]) == (cards[0]["strength"], cards[0]["held_out"])
        for name, found in predictions.items():
            np.testing.assert_array_equal(found, said[0][name])
    assert cards[1]["accuracy"] != cards[0]["accuracy"]


def test_untrained_networks_depend_on_their_seed(recognizer: Path, store: Path) -> None:
    def features(*arguments: object) -> dict[str, Any]:
        found = card(recognizer, "--store", store, "--untrained", *arguments)
        assert found["weights"] == "untrained"
        return {key: found[key] for key in ("seed", "statistics", "held_out", "accuracy", "strength")}

    first, again, other = features(), features("--seed", 0), features("--seed", 1)
    assert first == again
    assert (first["seed"], other["seed"]) == (0, 1)
    assert first != {**other, "seed": 0}
    measured = features("--measure-statistics")
    assert (first["statistics"], measured["statistics"]) == ("own", "measured")
    assert measured["accuracy"]["linear"] > 60, "chance is 33"


def test_clips_at_once_do_not_matter(recognizer: Path, store: Path) -> None:
    one, many = (card(recognizer, "--store", store, "--batch-size", size) for size in (1, 30))
    assert {**one, "seconds": 0} == {**many, "seconds": 0}


def test_words_for_people(recognizer: Path, store: Path) -> None:
    lines = call(probe, recognizer, "--store", store, "--frames", 8, "--device", "cpu").stdout.splitlines()
    assert lines[0].startswith("shiftgcn/ntu60_xsub, trained: 16 features of 24 training and 12 test samples of nwucla")
    assert lines[1] == "  plain prepared once more by ntu_agcn, 8 frames"
    assert lines[2].startswith("  5 joints are inferred, not measured: neck, ")
    assert [line.split()[0] for line in lines[3:6]] == ["1-NN", "5-NN", "linear"]
    assert lines[6].startswith("  C = ")


def test_what_cannot_be_probed(recognizer: Path, store: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        card(recognizer, "--store", tmp_path / "none")
    with pytest.raises(DataError, match="there is no"):
        card(tmp_path / "none", "--store", store)
    with pytest.raises(UnknownNameError, match="protocols of nwucla: no 'xveiw'; did you mean 'xview'"):
        card(recognizer, "--store", store, "--protocol", "xveiw")
    several = tiny_store(tmp_path / "ntu", "ntu60", persons=2)
    with pytest.raises(DataError, match="say by --protocol who trains and who tests, one of xsub, xview"):
        card(recognizer, "--store", several.path)
    with pytest.raises(DataError, match="all training samples of xview are of class 'pick up with one hand'"):
        card(recognizer, "--store", made_store(tmp_path / "one", classes=1).path)
    half = write_store(
        tmp_path / "half", info("nwucla"), [Entry(SkeletonSequence("a", 0, moves(0, 0)), subject=1, camera=1)]
    )
    with pytest.raises(DataError, match="the test part of xview holds no samples"):
        card(recognizer, "--store", half.path)
    with pytest.raises(ShapeError, match="multiple of 4 frames"):
        call(probe, recognizer, "--store", store, "--frames", 6, "--device", "cpu")


def test_joints_that_do_not_fit(recognizer: Path, tmp_path: Path) -> None:
    def entries(*shape: int, empty: bool = False) -> list[Entry]:
        joints = np.random.default_rng(0).normal(size=(12, 1, 5, *shape))
        joints[5] *= not empty
        return [
            Entry(SkeletonSequence(f"s{number:02}", number % 2, each), subject=1, camera=1 + number % 3)
            for number, each in enumerate(joints)
        ]

    arm = SkeletonLayout("arm", ("palm", "forearm"), (1, 1), (0, 1))
    strange = write_store(tmp_path / "strange", info("nwucla"), entries(2, 3), layout=arm)
    with pytest.raises(ShapeError, match="no joint of ntu25 follows from those of arm"):
        card(recognizer, "--store", strange.path)
    flat = write_store(tmp_path / "flat", info("nwucla"), entries(20, 2))
    with pytest.raises(DataError, match="2 coordinates a joint, and ntu_agcn prepares joints of 3"):
        card(recognizer, "--store", flat.path)
    nobody = write_store(tmp_path / "nobody", info("nwucla"), entries(20, 3, empty=True))
    with pytest.raises(RawFileError, match="s05: "):
        card(recognizer, "--store", nobody.path)


def test_the_whole_program_refuses_what_must_fail_before_it_loads_weights(store: Path, tmp_path: Path) -> None:
    failed = bonefide("probe", tmp_path / "none", "--store", store, "--protocol", "xsub")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: protocols of nwucla: no 'xsub'")
