# SPDX-License-Identifier: Apache-2.0
"""One's own recordings: every accepted form gives the same bodies, and every fault has its code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_files import ARM, ONE, TWO, fault, long, npy, npz, text

from bonefide import layouts
from bonefide.data.raw import reader
from bonefide.data.raw._recording import Informed, RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.raw.arrays import Arrays
from bonefide.errors import DataError, RawFileError, UnknownNameError
from bonefide.types import Array

GENERATOR = np.random.default_rng(5)


def placed(recording: RawRecording, persons: int) -> Array:
    joints = np.zeros((persons, recording.frames, *recording.bodies[0].joints.shape[1:]))
    for person, body in enumerate(recording.bodies):
        joints[person, body.frames] = body.joints
    return joints


@pytest.mark.parametrize(
    ("member", "content", "expected"),
    [
        ("a.npy", npy(ONE[0]), ONE),
        ("a.npy", npy(TWO), TWO),
        ("a.npy", npy(np.asfortranarray(TWO)), TWO),
        ("a.npy", npy(ONE.transpose(3, 1, 2, 0)), ONE),
        ("a.npy", npy(ONE[0].reshape(6, 12)), ONE),
        ("a.npy", npy(TWO.astype(">f8")), TWO),
        ("a.NPY", npy(ONE[..., :2]), ONE[..., :2]),
        ("a.npz", npz(joints=TWO), TWO),
        ("a.npz", npz(keypoints=TWO, fps=25), TWO),
        ("a.npz", npz(anything=TWO, label=3), TWO),
        ("a.npz", npz(data=TWO, names=np.arange(3)), TWO),
        ("a.csv", text(ONE[0]), ONE),
        ("a.csv", text(ONE[0], names=True), ONE),
        ("a.csv", b"\xef\xbb\xbf" + text(ONE[0], names=True), ONE),
        ("a.csv", text(ONE[0], names=True).replace(b"left_hand_x", b'"HandLeft.X"'), ONE),
        ("a.csv", text(ONE[0], names=True).replace(b"\n", b"\r\n"), ONE),
        ("a.csv", b"# " + text(ONE[0], names=True), ONE),
        ("a.tsv", text(ONE[0], delimiter="\t"), ONE),
        ("a.csv", text(ONE[0], delimiter=";"), ONE),
        ("a.txt", text(ONE[0], delimiter=" "), ONE),
        ("a.txt", b"\n" + text(ONE[0], delimiter="   ").replace(b"\n", b" \n  "), ONE),
        ("a.csv", ",".join(map(str, range(12))).encode() + b"\n" + text(ONE[0]), ONE),
        ("a.csv", long(TWO), TWO),
        ("a.csv", long(TWO, named=False, first=17), TWO),
        ("a.csv", long(TWO[..., :2]).replace(b",z", b""), TWO[..., :2]),
    ],
)
def test_every_form_gives_the_same_bodies(member: str, content: bytes, expected: Array) -> None:
    recording = Arrays(ARM).read(f"mine/{member}", content)
    assert np.array_equal(placed(recording, len(expected)), expected)
    assert [body.slots.tolist() for body in recording.bodies] == [[person] * 6 for person in range(len(expected))]
    assert (recording.name, recording.label, recording.warnings) == ("a", -1, ())
    assert all(body.confidence is None for body in recording.bodies)


def test_columns_of_an_index_and_of_time_are_passed_over() -> None:
    rows = text(ONE[0], names=True).decode().splitlines()
    content = "\n".join([f",time,{rows[0]}", *(f"{i},00:0{i},{row}" for i, row in enumerate(rows[1:]))]).encode()
    assert np.array_equal(placed(Arrays(ARM).read("a.csv", content), 1), ONE)
    numbered = "\n".join([f",{','.join(map(str, range(12)))}", *(f"{i},{row}" for i, row in enumerate(rows[1:]))])
    assert np.array_equal(placed(Arrays(ARM).read("a.csv", numbered.encode()), 1), ONE)


def test_columns_are_found_in_any_order() -> None:
    table = np.array([line.split(b",") for line in text(ONE[0], names=True).splitlines()])
    shuffled = table[:, np.random.default_rng(0).permutation(12)]
    content = b"\n".join(b",".join(row) for row in shuffled.tolist())
    assert np.array_equal(placed(Arrays(ARM).read("a.csv", content), 1), ONE)


def test_what_a_file_says_of_its_rate_comes_first() -> None:
    assert Arrays(ARM, fps=30).read("a.npz", npz(joints=ONE, fps=12.5)).fps == 12.5
    assert Arrays(ARM, fps=30).read("a.npy", npy(ONE)).fps == 30
    assert Arrays(ARM).read("a.npy", npy(ONE)).fps is None


def test_nan_is_not_seen() -> None:
    joints = TWO.copy()
    joints[0, 2] = np.nan
    joints[1, :3] = 0
    joints[1, 4, 1, 2] = np.nan
    recording = Arrays(ARM).read("a.npy", npy(joints))
    first, second = recording.bodies
    assert (first.frames.tolist(), second.frames.tolist()) == ([0, 1, 3, 4, 5], [3, 4, 5])
    assert (first.slots.tolist(), second.slots.tolist()) == ([0] * 5, [1] * 3)
    assert recording.warnings == ("nan_joints",)
    assert first.confidence is not None
    assert second.confidence is not None
    assert first.confidence.min() == 1
    assert second.confidence.tolist() == [[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]]
    assert second.joints[1, 1].tolist() == [0, 0, 0]
    assert np.array_equal(second.joints[1, 2], TWO[1, 4, 2])


def test_bodies_come_in_order_of_appearance() -> None:
    joints = TWO.copy()
    joints[0, :2] = np.nan
    recording = Arrays(ARM).read("a.npy", npy(joints))
    assert [body.id for body in recording.bodies] == ["1", "0"]
    assert [body.slots.tolist() for body in recording.bodies] == [[0, 0, 1, 1, 1, 1], [0, 0, 0, 0]]


def test_empty_cells_are_not_seen() -> None:
    rows = text(ONE[0]).decode().splitlines()
    rows[1] = "," * 11
    rows[2] = ",".join(["nan", "", "NA", *rows[2].split(",")[3:]])
    body = Arrays(ARM).read("a.csv", "\n".join(rows).encode()).bodies[0]
    assert body.frames.tolist() == [0, 2, 3, 4, 5]
    assert body.confidence is not None
    assert body.confidence[1].tolist() == [0, 1, 1, 1]


def test_rows_of_joints_may_be_few_and_out_of_order() -> None:
    content = b"joint,y,frame,x,score\nhead,2,9,1,0.5\nshoulder,4,7,3,0.25\nhead,6,7,5,1\n"
    recording = Arrays(ARM).read("a.csv", content)
    assert recording.frames == 3
    (body,) = recording.bodies
    assert body.frames.tolist() == [0, 2]
    assert body.joints[:, 2:].tolist() == [[[3, 4], [5, 6]], [[0, 0], [1, 2]]]
    assert body.confidence is not None
    assert body.confidence.tolist() == [[0, 0, 0.25, 1], [0, 0, 0, 0.5]]


@pytest.mark.parametrize(
    ("joints", "confidence"),
    [
        (TWO, TWO[..., 0] > 0),
        (ONE[0], ONE[0, ..., 0] > 0),
        (ONE[0].reshape(6, 12), ONE[0, ..., 0] > 0),
        (ONE.transpose(3, 1, 2, 0), (ONE[..., 0] > 0).transpose(1, 2, 0)),
    ],
)
def test_confidence_has_the_axes_of_the_joints(joints: Array, confidence: Array) -> None:
    recording = Arrays(ARM).read("a.npz", npz(joints=joints, confidence=confidence.astype(np.float16)))
    for person, body in enumerate(recording.bodies):
        assert body.confidence is not None
        assert np.array_equal(body.confidence, TWO[person, ..., 0] > 0)


def test_columns_may_carry_confidence() -> None:
    content = text(ONE[0, :, :, :2], names=True).decode().splitlines()
    header = content[0] + "".join(f",{joint}_confidence" for joint in ARM.joints)
    recording = Arrays(ARM).read("a.csv", "\n".join([header, *(f"{row},1,0.5,,0" for row in content[1:])]).encode())
    assert recording.bodies[0].confidence is not None
    assert recording.bodies[0].confidence[3].tolist() == [1, 0.5, 0, 0]


def test_as_many_persons_as_coordinates_is_noted() -> None:
    assert Arrays(ARM).read("a.npy", npy(TWO)).warnings == ()
    flat = GENERATOR.normal(size=(2, 5, 4, 2))
    assert Arrays(ARM).read("a.npy", npy(flat)).warnings == ("axes_assumed",)
    assert np.array_equal(placed(Arrays(ARM).read("a.npy", npy(flat)), 2), flat)


def test_three_coordinates_of_two_or_two_of_three() -> None:
    either = npy(TWO.transpose(3, 1, 2, 0))
    assert fault(either).code == "shape"
    assert "persons first" in str(fault(either))
    assert np.array_equal(placed(Arrays(ARM, channels=3).read("a.npy", either), 2), TWO)
    assert len(Arrays(ARM, channels=2).read("a.npy", either).bodies) == 3


def test_bytes_after_an_array_are_noted() -> None:
    assert Arrays(ARM).read("a.npy", npy(ONE) + b"more").warnings == ("trailing",)


@pytest.mark.parametrize("options", [{"fps": 0}, {"fps": float("nan")}, {"channels": 4}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Arrays(**options)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ntu25'"):
        Arrays("ntu2")


def test_the_layout_is_guessed_if_only_one_fits() -> None:
    joints = GENERATOR.normal(size=(4, 17, 2))
    recording = Arrays().read("a.npy", npy(joints))
    assert recording.warnings == ("layout_guessed",)
    with pytest.raises(RawFileError, match=r"ntu25 or .*; give --layout") as caught:
        Arrays().read("a.npy", npy(GENERATOR.normal(size=(4, 25, 3))))
    assert caught.value.code == "layout"
    assert "of no known layout" in str(fault(npy(np.ones((4, 3, 2))), of=Arrays()))


def test_rows_of_joints_guess_by_all_that_occur() -> None:
    coco = layouts.layout("coco17")
    rows = [f"{frame},{joint},1,{frame}" for frame in (1, 2) for joint in coco.joints]
    content = "\n".join(["frame,joint,x,y", *rows]).encode()
    assert Arrays().read("a.csv", content).warnings == ("layout_guessed",)
    assert fault("\n".join(["frame,joint,x,y", *rows[3:17]]).encode(), "a.csv", of=Arrays()).code == "layout"


def write(folder: Path, **files: bytes) -> RawSource:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_npy", ".npy").replace("_csv", ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return RawSource(folder)


def test_it_is_informed_by_the_first_that_can_be_read(tmp_path: Path) -> None:
    assert isinstance(Arrays(), Informed)
    joints = GENERATOR.normal(size=(2, 4, 17, 2))
    source = write(tmp_path, labels_csv=b"name,label", a__a_npy=b"broken", b__a_npy=npy(joints), c__b_npy=npy(joints))
    informed = Arrays(fps=25).informed(source)
    assert (informed.layout, informed.channels, informed.guessed, informed.fps) == ("coco17", 2, True, 25)
    assert pickle.loads(pickle.dumps(informed)) == informed
    names = [informed.read(member, source.read(member)).name for member in ("b/a.npy", "c/b.npy")]
    assert names == ["b/a", "b"]
    assert "layout_guessed" in informed.read("b/a.npy", source.read("b/a.npy")).warnings
    assert fault(npy(GENERATOR.normal(size=(4, 17, 3))), of=informed).code == "shape"


def test_it_keeps_a_layout_of_ones_own(tmp_path: Path) -> None:
    informed = Arrays(ARM).informed(write(tmp_path, a_npy=npy(TWO)))
    assert (informed.layout, informed.channels, informed.guessed) == (ARM, 3, False)
    assert pickle.loads(pickle.dumps(informed)) == informed


def test_it_says_why_it_cannot_be_informed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        Arrays().informed(write(tmp_path, labels_csv=b"name,label"))
    with pytest.raises(DataError, match=r"none of 1 files can be read, the first: a.npy: no `.npy` file"):
        Arrays().informed(write(tmp_path, a_npy=b"broken"))
    with pytest.raises(DataError, match="give --layout"):
        Arrays().informed(write(tmp_path, b_npy=npy(GENERATOR.normal(size=(4, 25, 3)))))


def test_names_of_files() -> None:
    arrays = reader("arrays")
    assert all(map(arrays.matches, ("x/a.npy", "a.Npz", "a.tsv")))
    assert not any(map(arrays.matches, ("x/labels.tsv", "Labels.CSV", "README.txt", "x/license.txt", "a.mat")))
    assert Arrays().is_side("x/labels.csv")
    assert arrays.listed == ()
