# SPDX-License-Identifier: Apache-2.0
"""One's own recordings: every accepted form gives the same bodies, and every fault has its code."""

from __future__ import annotations

import contextlib
import io
import pickle
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bonefide import layouts
from bonefide.data.raw import reader
from bonefide.data.raw._recording import Informed, RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.raw.arrays import Arrays
from bonefide.errors import DataError, RawFileError, UnknownNameError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

ARM = SkeletonLayout("arm", ("left_hand", "left_elbow", "shoulder", "head"), (1, 2, 2, 2), (0, 1, 2, 3))
GENERATOR = np.random.default_rng(5)
TWO = GENERATOR.normal(size=(2, 6, 4, 3))
ONE = TWO[:1]


def npy(array: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def text(joints: Array, *, names: bool = False, delimiter: str = ",") -> bytes:
    """One person, a row a frame."""
    header = [f"{joint}_{axis}" for joint in ARM.joints for axis in "xyz"[: joints.shape[-1]]]
    rows = [delimiter.join(header)] * names
    rows += [delimiter.join(repr(float(number)) for number in frame.ravel()) for frame in joints]
    return ("\n".join(rows) + "\n").encode()


def long(joints: Array, *, named: bool = True, first: int = 0) -> bytes:
    """A row a joint."""
    rows = ["frame,person,joint,x,y,z"]
    for person, frame, joint in np.ndindex(*joints.shape[:3]):
        name = ARM.joints[joint] if named else joint
        numbers = ",".join(map(repr, joints[person, frame, joint].tolist()))
        rows.append(f"{frame + first},{'AB'[person]},{name},{numbers}")
    return "\n".join(rows).encode()


def placed(recording: RawRecording, persons: int) -> Array:
    joints = np.zeros((persons, recording.frames, *recording.bodies[0].joints.shape[1:]))
    for person, body in enumerate(recording.bodies):
        joints[person, body.frames] = body.joints
    return joints


def fault(content: bytes, member: str = "a.npy", of: Arrays | None = None) -> RawFileError:
    with pytest.raises(RawFileError) as caught:
        (of or Arrays(ARM)).read(member, content)
    assert str(caught.value).startswith(member)
    return caught.value


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


def hostile_header(shape: str, kind: str = "<f4", version: bytes = b"\x01\x00") -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def objects() -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


MINE = text(ONE[0], names=True)


@pytest.mark.parametrize(
    ("code", "member", "content"),
    [
        ("name", "a.json", b"{}"),
        ("name", "labels.csv", b"name,label\n"),
        ("empty", "a.npy", b""),
        ("empty", "a.npz", b""),
        ("empty", "a.csv", b"\n \r\n"),
        ("npy", "a.npy", b"\x93NUMP"),
        ("npy", "a.npy", b"joints"),
        ("npy", "a.npy", hostile_header("(1, 4, 3)", version=b"\x03\x00")),
        ("npy", "a.npy", hostile_header("(-1, 4, 3)")),
        ("npy", "a.npy", hostile_header("(" + "(" * 3000)),
        ("npy", "a.npy", hostile_header("(True, 4, 3)")),
        ("npy", "a.npy", hostile_header("(" + "1," * 40 + ")")),
        ("truncated", "a.npy", npy(TWO)[:-1]),
        ("truncated", "a.npy", hostile_header("(10000000000000, 4, 3)")),
        ("number", "a.npy", npy(TWO.astype(complex))),
        ("number", "a.npy", npy(np.array([["a"]]))),
        ("number", "a.npy", objects()),
        ("number", "a.npy", npy(TWO > 0)),
        ("shape", "a.npy", npy(TWO[:, :, :3])),
        ("shape", "a.npy", npy(np.zeros((6, 4, 4)))),
        ("shape", "a.npy", npy(np.float64(1))),
        ("persons", "a.npy", npy(np.ones((128, 2, 4, 3)))),
        ("nonfinite", "a.npy", npy(np.where(TWO > 1, np.inf, TWO))),
        ("nonfinite", "a.npy", npy(TWO * 1e39)),
        ("no_frames", "a.npy", npy(np.zeros((0, 4, 3)))),
        ("no_frames", "a.npy", npy(np.zeros((3, 4, 3)))),
        ("no_frames", "a.npy", npy(np.full((3, 4, 3), np.nan))),
        ("too_large", "a.npy", npy(np.zeros((2**23, 4, 2), dtype=np.int8))),
        ("npz", "a.npz", b"PK\x03\x04 and then nothing"),
        ("npz", "a.npz", zipped(joints=npy(TWO))[:-30]),
        ("npz", "a.npz", npz(joints=TWO)[:400] + b"damaged" + npz(joints=TWO)[407:]),
        ("npy", "a.npz", zipped(joints=b"nothing of the kind")),
        ("number", "a.npz", zipped(joints=objects())),
        ("too_large", "a.npz", zipped(joints=hostile_header("(2,)") + bytes(300 * 2**20))),
        ("keys", "a.npz", npz(first=TWO, second=TWO)),
        ("keys", "a.npz", npz(joints=TWO, data=TWO)),
        ("keys", "a.npz", npz(fps=30)),
        ("keys", "a.npz", zipped()),
        ("fps", "a.npz", npz(joints=TWO, fps=-1)),
        ("fps", "a.npz", npz(joints=TWO, fps=[30, 30])),
        ("confidence", "a.npz", npz(joints=TWO, confidence=TWO)),
        ("confidence", "a.npz", npz(joints=TWO, confidence=TWO[..., 0])),
        ("confidence", "a.npz", npz(joints=TWO, confidence=np.full((2, 6, 4), 1e300))),
        ("encoding", "a.csv", b"\xff\xfe1,2\n"),
        ("shape", "a.csv", b"1\n2\n"),
        ("shape", "a.csv", b"," * 20_000),
        ("shape", "a.csv", b"1,2,3\n"),
        ("no_frames", "a.csv", MINE.splitlines()[0]),
        ("line", "a.csv", text(ONE[0]) + b"1,2\n"),
        ("number", "a.csv", text(ONE[0]) + b"1,2,3,4,5,6,7,8,9,10,11,wrong\n"),
        ("number", "a.csv", text(ONE[0]) + b"1_0,2,3,4,5,6,7,8,9,10,11,12\n"),
        ("nonfinite", "a.csv", text(ONE[0]) + b"1e999,2,3,4,5,6,7,8,9,10,11,12\n"),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"left_elbw_x")),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"left_elbow_w")),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"left_elbow_y")),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"time")),
        ("columns", "a.csv", b"frame,time\n1,2\n"),
        ("columns", "a.csv", b"frame,body,person,joint,x,y\n1,1,1,head,1,2\n"),
        ("columns", "a.csv", b"frame,joint,x,y\n1,foot,1,2\n"),
        ("columns", "a.csv", b"frame,joint,x,y\n1,4,1,2\n"),
        ("duplicate", "a.csv", b"frame,joint,x,y\n1,head,1,2\n1,head,1,2\n"),
        ("frame", "a.csv", b"frame,joint,x,y\n1,head,1,2\n1000000000,head,1,2\n"),
        ("number", "a.csv", b"frame,joint,x,y\n1.5,head,1,2\n"),
        ("number", "a.csv", b"frame,joint,x,y\n,head,1,2\n"),
        ("number", "a.csv", b"frame,joint,x,y\n1,head,1,up\n"),
        ("confidence", "a.csv", b"frame,joint,x,y,score\n1,head,1,2,3\n"),
        ("persons", "a.csv", b"frame,person,joint,x,y\n" + b"".join(b"1,%d,head,1,2\n" % n for n in range(128))),
        ("line", "a.csv", b"frame,joint,x,y\n1,head,1\n"),
    ],
)
def test_faults_have_codes(code: str, member: str, content: bytes) -> None:
    assert fault(content, member).code == code


def test_faults_of_text_name_the_line() -> None:
    assert fault(b"\n\n" + text(ONE[0], names=True) + b"\n1,2,3\n", "a.csv").line == 11
    assert "'wrong'" in str(fault(text(ONE[0]) + b"1,2,3,4,5,6,7,8,9,10,11,wrong\n", "a.csv"))
    assert "did you mean 'left_elbow_x'" in str(fault(MINE.replace(b"left_elbow_x", b"left_elbw_x"), "a.csv"))


def test_other_coordinates_than_the_first_are_refused() -> None:
    assert fault(npy(TWO[..., :2]), of=Arrays(ARM, channels=3)).code == "shape"
    assert fault(b"frame,joint,x,y\n1,head,1,2\n", "a.csv", of=Arrays(ARM, channels=3)).code == "shape"


def test_too_many_persons_times_frames_are_refused_before_they_are_made() -> None:
    rows = b"".join(b"%d,%d,0,1,2\n" % (frame, frame % 127) for frame in range(0, 200_000, 10))
    large = SkeletonLayout("large", tuple(f"j{n}" for n in range(50)), (0,) * 50, tuple(range(50)))
    assert fault(b"frame,person,joint,x,y\n" + rows, "a.csv", of=Arrays(large)).code == "too_large"


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
    assert [arrays.matches(name) for name in ("x/a.npy", "a.Npz", "a.tsv", "x/labels.tsv", "Labels.CSV", "a.mat")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert Arrays().is_side("x/labels.csv")
    assert arrays.listed == ()


@pytest.mark.parametrize("form", ["npy", "wide", "named", "blanks", "long", "damaged", "narrow"])
def test_ten_megabytes_take_a_second_at_most(form: str) -> None:
    body = layouts.layout("coco17")
    frame = ",".join(f"{number:.5f}" for number in GENERATOR.normal(size=34))
    header = ",".join(f"{joint}_{axis}" for joint in body.joints for axis in "xy")
    member, content = {
        "npy": ("a.npy", npy(np.ones((36_000, 17, 2)))),
        "wide": ("a.csv", f"{frame}\n".encode() * 36_000),
        "named": ("a.csv", f"{header}\n".encode() + f"{frame}\n".encode() * 36_000),
        "blanks": ("a.txt", f"{frame}\n".replace(",", "  ").encode() * 32_000),
        "long": ("a.csv", long_rows(body.joints)),
        "damaged": ("a.csv", f"{frame}\n".encode() * 36_000 + b"1,2\n"),
        "narrow": ("a.csv", b"1,2\n" * 2_500_000),
    }[form]
    assert 9e6 < len(content) < 12e6
    began = time.process_time()
    with contextlib.suppress(RawFileError):
        Arrays("coco17").read(member, content)
    assert time.process_time() - began < 1.2


def long_rows(joints: tuple[str, ...]) -> bytes:
    rows = (f"{frame},{joint},1.2345,2.3456" for frame in range(19_000) for joint in joints)
    return "\n".join(["frame,joint,x,y", *rows]).encode()
