# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from bonefide.data.raw._bvh_anatomy import bvh_anatomy
from bonefide.data.raw._recording import Informed
from bonefide.data.raw._source import RawSource
from bonefide.data.raw.bvh import BVH
from bonefide.errors import DataError, RawFileError
from bonefide.layouts import SkeletonLayout, layout
from bonefide.types import Array

ORDERS = ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]
ARM = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition %s
  JOINT LeftArm
  {
    OFFSET 10 0 0
    CHANNELS 3 %s
    JOINT LeftHand
    {
      OFFSET 5 1 0
      CHANNELS 3 %s
      End Site
      {
        OFFSET 2 0 1
      }
    }
  }
  JOINT RightArm
  {
    OFFSET -10 0 0
    CHANNELS 3 %s
    End Site
    {
      OFFSET -2 0 1
    }
  }
}
MOTION
Frames: %d
Frame Time: 0.008333
%s
"""
NAMES = ("Hips", "LeftArm", "LeftHand", "LeftHand_end", "RightArm", "RightArm_end")


def rotations(order: str) -> str:
    return " ".join(f"{axis}rotation" for axis in order)


def motion(frames: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(frames, 3)), rng.uniform(-180, 180, (frames, 12))], axis=1).round(5)


def text(values: Array, orders: tuple[str, ...] = ("ZXY",) * 4) -> str:
    rows = "\n".join(" ".join(f"{value:.5f}" for value in row) for row in values)
    return ARM % (*map(rotations, orders), len(values), rows)


def code(content: str | bytes, reader: BVH | None = None) -> tuple[str, int | None]:
    with pytest.raises(RawFileError) as caught:
        (reader or BVH()).read("takes/wave.bvh", content.encode() if isinstance(content, str) else content)
    assert caught.value.path == "takes/wave.bvh"
    return caught.value.code, caught.value.line


@settings(max_examples=30, deadline=None)
@given(orders=st.tuples(*[st.sampled_from(ORDERS)] * 4), seed=st.integers(0, 99))
def test_rotations_are_those_of_scipy(orders: tuple[str, ...], seed: int) -> None:
    values = motion(3, seed)
    recording = BVH().read("takes/wave.bvh", text(values, orders).encode())
    joints = recording.bodies[0].joints
    for frame, row in enumerate(values):
        hips, left, hand, right = (
            Rotation.from_euler(order, row[3 + 3 * place : 6 + 3 * place], degrees=True)
            for place, order in enumerate(orders)
        )
        arm = row[:3] + hips.apply([10, 0, 0])
        wrist = arm + (hips * left).apply([5, 1, 0])
        other = row[:3] + hips.apply([-10, 0, 0])
        expected = [
            row[:3],
            arm,
            wrist,
            wrist + (hips * left * hand).apply([2, 0, 1]),
            other,
            other + (hips * right).apply([-2, 0, 1]),
        ]
        np.testing.assert_allclose(joints[frame], expected, atol=1e-9)


def test_reads_what_the_file_says() -> None:
    recording = BVH().read("takes/wave.bvh", text(motion(4)).encode())
    assert (recording.name, recording.label, recording.frames, recording.warnings) == ("wave", -1, 4, ())
    assert recording.fps == pytest.approx(120, rel=1e-3)
    (body,) = recording.bodies
    assert body.frames.tolist() == [0, 1, 2, 3]
    assert body.joints.shape == (4, 6, 3)


def test_the_layout_is_that_of_the_file() -> None:
    reader = BVH().fitted("a.bvh", text(motion(1)).encode())
    found = reader.layout
    assert isinstance(found, SkeletonLayout)
    assert found.name == "bvh"
    assert found.joints == NAMES
    assert found.parents == (0, 0, 1, 2, 0, 4)
    # RightHand is not there, so LeftHand stays where it is.
    assert found.mirror == (0, 4, 2, 3, 1, 5)
    assert BVH().layout == ""
    assert pickle.loads(pickle.dumps(reader)).layout == found


@pytest.mark.parametrize("names", [("LeftLeg", "RightLeg"), ("leg.L", "leg.R"), ("l_leg", "r_leg"), ("LLeg", "RLeg")])
def test_left_and_right_are_told_by_the_names(names: tuple[str, str]) -> None:
    content = text(motion(1)).replace("LeftArm", names[0]).replace("RightArm", names[1])
    assert BVH().fitted("a.bvh", content.encode()).layout.mirror[1] == 4


def test_files_of_another_skeleton_are_refused() -> None:
    content = text(motion(2))
    reader = BVH().fitted("a.bvh", content.encode())
    assert reader.read("b.bvh", content.replace("OFFSET 10", "OFFSET 11").encode()).frames == 2
    assert code(content.replace("LeftHand", "LeftPaw"), reader) == ("joints", None)
    with pytest.raises(RawFileError, match="it has LeftPaw, LeftPaw_end; it lacks LeftHand, LeftHand_end"):
        reader.read("b.bvh", content.replace("LeftHand", "LeftPaw").encode())


def test_a_declared_layout_is_kept() -> None:
    own = SkeletonLayout("own", NAMES, (0, 0, 1, 2, 0, 4), (0, 1, 2, 3, 4, 5))
    content = text(motion(1)).encode()
    assert BVH(own).fitted("a.bvh", content).layout is own
    assert code(content, BVH(layout("ntu25"))) == ("joints", None)
    assert code(content, BVH("ntu25")) == ("joints", None)
    other = SkeletonLayout("own", NAMES[::-1], (1, 2, 3, 4, 5, 5), (0, 1, 2, 3, 4, 5))
    with pytest.raises(RawFileError, match="their order is another"):
        BVH(other).read("a.bvh", content)


def test_position_channels_stand_instead_of_the_offset() -> None:
    content = text(np.zeros((1, 15))).replace("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 1 Yposition", 1)
    content = content.replace("\n" + " ".join(["0.00000"] * 15), "\n" + " ".join(["0"] * 6 + ["7"] + ["0"] * 6))
    assert BVH().read("a.bvh", content.encode()).bodies[0].joints[0, 1].tolist() == [10, 7, 0]


def test_the_root_has_its_offset_where_nothing_moves_it() -> None:
    content = "HIERARCHY\nROOT a\n{\nOFFSET 1 2 3\nCHANNELS 1 Xrotation\n}\nMOTION\nFrames: 1\nFrame Time: 1\n5"
    assert BVH().read("a.bvh", content.encode()).bodies[0].joints.tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tolerates_what_does_no_harm(end: str) -> None:
    content = text(motion(3))
    changed = content.replace("OFFSET", "\tOffset").replace("Hips\n{", "Hips {").replace("\n", end)
    sound = BVH().read("a.bvh", content.encode()).bodies[0].joints
    for each in (changed.encode(), b"\xef\xbb\xbf" + changed.encode(), changed.rstrip().encode()):
        np.testing.assert_array_equal(BVH().read("a.bvh", each).bodies[0].joints, sound)
    # Numbers need not keep to one line a frame.
    head, numbers = content[: content.index("0.008333")], content[content.index("0.008333") :]
    np.testing.assert_array_equal(
        BVH().read("a.bvh", (head + numbers.replace(" ", "\n")).encode()).bodies[0].joints, sound
    )
    more = BVH().read("a.bvh", content.encode() + b"1 2 3\n")
    assert more.warnings == ("trailing",)
    np.testing.assert_array_equal(more.bodies[0].joints, sound)


def test_without_a_frame_time_there_is_no_rate() -> None:
    assert BVH().read("a.bvh", text(motion(1)).replace("0.008333", "0").encode()).fps is None


def test_names_may_have_blanks() -> None:
    content = text(motion(1)).replace("LeftArm", "Bip01 L  Arm")
    assert BVH().fitted("a.bvh", content.encode()).layout.joints[1] == "Bip01 L Arm"


def test_the_first_sound_file_informs_the_reader(tmp_path: Path) -> None:
    reader = BVH()
    assert isinstance(reader, Informed)
    (tmp_path / "a.bvh").write_text("HIERARCHY")
    with pytest.raises(DataError, match=r"no BVH file can be read: .*a\.bvh"):
        reader.informed(RawSource(tmp_path))
    (tmp_path / "b.BVH").write_text(text(motion(1)))
    assert reader.informed(RawSource(tmp_path)).layout.joints == NAMES
    assert reader.matches("x/b.BVH")
    assert not reader.matches("x/b.bvh.txt")
    assert not reader.is_side("b.bvh")


def test_bones_tell_what_joints_are() -> None:
    assert bvh_anatomy(("LeftHip", "LeftKnee", "LeftFoot")) == {}
    assert bvh_anatomy(("Bip01 L Thigh", "Bip01 L Foot", "Bip01 L Clavicle", "Bip01 L UpperArm", "Bip01 L Toe0")) == {
        "Bip01 L Thigh": "left_hip",
        "Bip01 L Foot": "left_ankle",
        "Bip01 L Clavicle": "left_clavicle",
        "Bip01 L UpperArm": "left_shoulder",
    }
    assert bvh_anatomy(("thigh.R", "hand.R", "hips"))["hand.R"] == "right_wrist"


SOUND = text(motion(2))
LINES = SOUND.split("\n")
FAR = SOUND.replace("OFFSET 10 0 0", "OFFSET 1e308 0 0").replace("OFFSET 5 1 0", "OFFSET 1.7e308 1.7e308 1.7e308")
CHAIN = "".join(f"JOINT j{place} {{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n" for place in range(3000))
MANY = f"HIERARCHY\nROOT a {{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n{CHAIN}"
FAULTS: dict[str, tuple[str, int | None, str | bytes]] = {
    "nothing": ("empty", None, b" \n"),
    "UTF-16": ("encoding", None, SOUND.encode("utf-16")),
    "a byte that is not UTF-8": ("encoding", None, SOUND.encode().replace(b"Hips", b"H\xffps")),
    "other text": ("hierarchy", 1, "once upon a time"),
    "hierarchy alone": ("joints", 1, "HIERARCHY"),
    "cut in the hierarchy": ("truncated", 13, "\n".join(LINES[:13])),
    "no motion": ("truncated", 30, SOUND[: SOUND.index("MOTION")]),
    "nothing after motion": ("truncated", 31, SOUND[: SOUND.index("Frames")]),
    "cut in the numbers": ("truncated", None, SOUND.rstrip()[:-9].rstrip()),
    "hostile frames": ("truncated", None, SOUND.replace("Frames: 2", "Frames: 999999999999")),
    "frames of many digits": ("truncated", None, SOUND.replace("Frames: 2", "Frames: " + "9" * 10_000)),
    "frames -1": ("number", 31, SOUND.replace("Frames: 2", "Frames: -1")),
    "no frame": ("no_frames", 31, SOUND.replace("Frames: 2", "Frames: 0")),
    "frame time of text": ("number", 32, SOUND.replace("0.008333", "fast")),
    "frame time NaN": ("nonfinite", 32, SOUND.replace("0.008333", "nan")),
    "an offset of two": ("number", 4, SOUND.replace("OFFSET 1 2 3", "OFFSET 1 2")),
    "an offset of text": ("number", 4, SOUND.replace("OFFSET 1 2 3", "OFFSET 1 2 x")),
    "an offset with underscore": ("number", 4, SOUND.replace("OFFSET 1 2 3", "OFFSET 1 2 1_0")),
    "an offset without end": ("nonfinite", 4, SOUND.replace("OFFSET 1 2 3", "OFFSET 1 2 inf")),
    "no offset": ("hierarchy", 29, SOUND.replace("  OFFSET 1 2 3\n", "\n")),
    "two offsets": ("hierarchy", 5, SOUND.replace("OFFSET 1 2 3\n", "OFFSET 1 2 3\nOFFSET 1 2 3\n")),
    "no channels": ("channels", 19, SOUND.replace("    CHANNELS 3 Zrotation Xrotation Yrotation\n", "\n", 1)),
    "a wrong count of channels": ("channels", 5, SOUND.replace("CHANNELS 6", "CHANNELS 5")),
    "an unknown channel": ("channels", 5, SOUND.replace("Xposition", "Wposition")),
    "a channel twice": ("channels", 5, SOUND.replace("Yposition", "Xposition")),
    "an unknown word": ("hierarchy", 5, SOUND.replace("CHANNELS 6", "KANAL 6")),
    "two roots": ("joints", 30, SOUND.replace("MOTION", "ROOT b\nMOTION")),
    "a second joint of that name": ("joints", 20, SOUND.replace("RightArm", "LeftArm")),
    "a joint called as an end": ("joints", 20, SOUND.replace("LeftHand", "a").replace("RightArm", "a_end")),
    "a joint without name": ("joints", 6, SOUND.replace("JOINT LeftArm", "JOINT")),
    "a joint without brace": ("hierarchy", 7, SOUND.replace("LeftArm\n  {", "LeftArm\n  OFFSET 1 2 3")),
    "a brace too many": ("hierarchy", 30, SOUND.replace("MOTION", "}\nMOTION")),
    "a brace for nobody": ("hierarchy", 4, SOUND.replace("OFFSET 1 2 3", "{")),
    "a joint in an end": ("hierarchy", 16, SOUND.replace("OFFSET 2 0 1", "JOINT b", 1)),
    "an end in an end": ("hierarchy", 16, SOUND.replace("OFFSET 2 0 1", "End Site", 1)),
    "a joint outside": ("hierarchy", 2, SOUND.replace("ROOT", "JOINT")),
    "a number of text": ("number", 33, "\n".join([*LINES[:32], LINES[32].replace(" ", " x", 1)])),
    "a number with underscore": ("number", 33, "\n".join([*LINES[:32], "1_0" + LINES[32]])),
    "NaN": ("nonfinite", 33, "\n".join([*LINES[:32], LINES[32].replace(" ", " nan ", 1)])),
    "overflow": ("nonfinite", 33, "\n".join([*LINES[:32], LINES[32].replace(" ", " 1e999 ", 1)])),
    "positions beyond float": ("nonfinite", None, FAR),
    "many joints": ("joints", None, MANY),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    expected, line, content = FAULTS[fault]
    found = code(content)
    assert found[0] == expected
    if line is not None:
        assert found[1] == line


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, len(SOUND) - 1), cut=st.integers(0, 40), put=st.binary(max_size=20))
def test_corruption_never_crashes(place: int, cut: int, put: bytes) -> None:
    try:
        recording = BVH().read("wave.bvh", SOUND.encode()[:place] + put + SOUND.encode()[place + cut :])
    except RawFileError:
        return
    assert np.isfinite(recording.bodies[0].joints).all()


def test_ten_megabytes_take_a_second_at_most() -> None:
    content = text(motion(8000)).encode()
    start = time.process_time()
    BVH().read("wave.bvh", content)
    assert time.process_time() - start < len(content) / 10e6 * 2, "twice what is promised, for a busy machine"


@pytest.mark.parametrize(
    "content", [b"{" * 5_000_000, b"HIERARCHY ROOT a " + b"{ " * 2_000_000, b"HIERARCHY\n" + b"\n" * 5_000_000]
)
def test_hostile_files_are_refused_in_time(content: bytes) -> None:
    start = time.process_time()
    with pytest.raises(RawFileError):
        BVH().read("wave.bvh", content)
    assert time.process_time() - start < 4
