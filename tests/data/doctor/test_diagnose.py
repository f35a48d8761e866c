# SPDX-License-Identifier: Apache-2.0
"""What is done to made-up people is found, and nothing is found wrong with the untouched ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.doctor import Diagnosis, diagnose
from bonefide.data.preparation._plain_steps import recording_of, scene_of
from bonefide.data.raw import reader
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.other_joints import joints25_to
from bonefide.data.synthetic.perform import FPS, perform
from bonefide.data.synthetic.picture import FOCUS, HEIGHT, WIDTH
from bonefide.data.synthetic.sensor import observe
from bonefide.data.synthetic.take import takes
from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import layout
from bonefide.layouts.conversion import conversion
from bonefide.types import Array, SkeletonSequence

NTU = layout("ntu25")
ALONE = ("wave", "clap", "squat", "bow", "sit down", "pick up with two hands", "walk around", "drink")
PAIRS = ("shake hands", "hug")

actions = st.sampled_from(ALONE)
people = st.integers(1, 40)


def _told(joints: Array, fps: float | None = FPS) -> Diagnosis:
    return diagnose(joints, layout=NTU, fps=fps)


def _faults(told: Diagnosis) -> set[str]:
    return {finding.subject for finding in told.faults}


def _mended(joints: Array, told: Diagnosis, *, fps: float = FPS) -> Array:
    recording = recording_of(SkeletonSequence("one", 0, joints), NTU, fps=fps)
    return told.proposal()(recording).joints


@pytest.mark.parametrize("action", PROGRAMS)
def test_nothing_is_wrong_with_clean_people(action: str) -> None:
    for performer in range(1, 4):
        joints = perform(action, performer=performer, seed=performer)
        for known in (NTU, None):
            told = diagnose(joints, layout=known, fps=FPS)
            assert not told.faults, (action, performer, told.faults)
            assert told["layout"].value == "ntu25"
            assert (told["unit"].value, told["up"].value, told["mirrored"].value) == ("m", "y", False)
            assert told["layout"].confidence == ("certain" if known else "likely")
            assert told.options == {}


def test_few_alarms_at_what_a_noisy_sensor_sees() -> None:
    """Every action from every camera; ghosts and lost frames, which this sensor makes, are no false alarms."""
    alarms: Counter[str] = Counter()
    recordings = takes(tuple(PROGRAMS), subjects=(2, 5), repeats=(1,), cameras=(1, 2, 3), seed=3)
    for take in recordings:
        bodies, _ = take.people()
        frames = 1 + int(max(body.frames[-1] for body in bodies))
        joints = scene_of(RawRecording(take.clip_name, 0, frames, FPS, bodies)).joints
        alarms.update(_faults(_told(joints)))
    assert sum(alarms.values()) <= 0.02 * len(recordings), alarms


@settings(deadline=None, max_examples=15)
@given(action=actions, performer=people, unit=st.sampled_from([("mm", 1000.0), ("cm", 100.0), ("inch", 1 / 0.0254)]))
def test_units(action: str, performer: int, unit: tuple[str, float]) -> None:
    joints = perform(action, performer=performer)
    told = _told(joints * unit[1])
    assert (told["unit"].value, told["unit"].confidence) == (unit[0], "certain")
    assert _faults(told) == {"unit"}
    np.testing.assert_allclose(_mended(joints * unit[1], told), joints, rtol=1e-12, atol=1e-12)


_UP: dict[str, Callable[[Array], Array]] = {
    "z": lambda j: j[..., [0, 2, 1]] * (-1, 1, 1),
    "-z": lambda j: j[..., [0, 2, 1]] * (1, 1, -1),
    "-y": lambda j: j * (-1, -1, 1),
    "x": lambda j: j[..., [1, 0, 2]] * (1, -1, 1),
    "-x": lambda j: j[..., [1, 0, 2]] * (-1, 1, 1),
}
"""Rotations that bring y to another axis."""


@settings(deadline=None, max_examples=25)
@given(action=actions, performer=people, up=st.sampled_from(sorted(_UP)))
def test_axes(action: str, performer: int, up: str) -> None:
    joints = perform(action, performer=performer)
    told = _told(_UP[up](joints))
    assert (told["up"].value, told["mirrored"].value) == (up, False)
    assert _faults(told) == {"up"}
    assert _told(_mended(_UP[up](joints), told)).options == {}


@settings(deadline=None, max_examples=15)
@given(action=actions, performer=people, swapped=st.booleans())
def test_mirror_images(action: str, performer: int, swapped: bool) -> None:
    """Swapped names and reflected coordinates both make a left hand of a right one."""
    joints = perform(action, performer=performer)
    wrong = joints[:, :, list(NTU.mirror)] if swapped else joints * (-1, 1, 1)
    told = _told(wrong)
    assert told["mirrored"].value is True
    assert told.options == {"reflect": True}
    mended = _mended(wrong, told)
    assert not _told(mended).faults
    if not swapped:
        np.testing.assert_allclose(mended, joints)
    both = _told(joints[:, :, list(NTU.mirror)] * (-1, 1, 1))
    assert both["mirrored"].value is False, "both together are another person, who is whole"


@settings(deadline=None, max_examples=10)
@given(action=actions, performer=people, times=st.integers(2, 4))
def test_repeated_frames(action: str, performer: int, times: int) -> None:
    joints = perform(action, performer=performer)
    told = _told(np.repeat(joints, times, axis=1), FPS * times)
    assert told["repeats"].value == times
    assert told.options == {"fps": FPS}
    mended = _mended(np.repeat(joints, times, axis=1), told, fps=FPS * times)
    np.testing.assert_allclose(mended, joints, atol=1e-9)


def test_frames_left_out_shift_the_guess() -> None:
    joints = perform("clap")
    whole, every_fourth = _told(joints, None)["fps"], _told(joints[:, ::4], None)["fps"]
    assert (whole.value, whole.confidence) == (None, "unknown")
    assert whole.numbers["lowest"] <= FPS <= whole.numbers["highest"]
    ratio = whole.numbers["lowest"] / every_fourth.numbers["lowest"]
    assert 2 < ratio < 6
    assert _told(joints[:, ::12], 120.0)["fps"].fault


def test_a_frozen_stretch() -> None:
    joints = perform("wave").copy()
    joints[:, 20:45] = joints[:, 20:21]
    assert (_told(joints)["frozen"].value, _faults(_told(joints))) == (25, {"frozen"})


@settings(deadline=None, max_examples=15)
@given(action=st.sampled_from(PAIRS), performer=people, share=st.floats(0.1, 0.9))
def test_swapped_persons(action: str, performer: int, share: float) -> None:
    joints = perform(action, performer=performer)
    frame = int(share * joints.shape[1])
    swapped = joints.copy()
    swapped[:, frame:] = joints[::-1, frame:]
    told = _told(swapped)["swaps"]
    assert told.numbers["swaps"] == [{"frame": frame, "persons": [0, 1]}]
    assert not _told(joints)["swaps"].fault


@pytest.mark.parametrize("kind", ["flicker", "furniture"])
@pytest.mark.parametrize("seed", range(5))
def test_ghosts(kind: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    joints = perform(ALONE[seed], performer=seed + 1)
    frames = joints.shape[1]
    ghost = np.zeros((1, *joints.shape[1:]))
    if kind == "flicker":
        ghost[0, 5:12] = joints[0, 5] + (1.0, 0.0, 0.4) + generator.normal(0.0, 0.05, (7, 25, 3))
    else:
        shape = generator.uniform(-1.0, 1.0, (25, 3)) * (0.7, 0.22, 0.3)
        ghost[0, 3:] = np.add(shape, (1.0, 0.4, 0.4)) + generator.normal(0.0, 0.02, (frames - 3, 25, 3))
    told = _told(np.concatenate([ghost, joints]))
    assert told["ghosts"].numbers["ghosts"] == [0]
    assert told.options == {"persons": 1}
    np.testing.assert_allclose(_mended(np.concatenate([ghost, joints]), told)[0], joints[0])


def test_lying_people_are_no_ghosts() -> None:
    lying = perform("wave")[..., [1, 0, 2]] * (1, -1, 1)
    assert _told(np.concatenate([perform("bow")[:, :40], lying[:, :40]]))["ghosts"].value == 0


def test_gaps() -> None:
    joints = perform("drink").copy()
    joints[0, 10:13] = 0.0
    joints[0, 20:26, 7] = 0.0
    told = _told(joints)
    gaps = told["gaps"]
    assert (gaps.numbers["empty_frames"], gaps.numbers["longest"], gaps.numbers["gaps"]) == (3, 6, 26)
    assert told.options == {"fill_gaps": 6}
    assert not _told(_mended(joints, told)).faults


def test_gaps_too_long_to_fill() -> None:
    joints = perform("drink").copy()
    joints[0, 10:36] = 0.0
    told = _told(joints)
    assert told["gaps"].fault
    assert told.options == {}


def test_joints_that_are_never_seen() -> None:
    joints = perform("drink").copy()
    confidence = np.ones(joints.shape[:3])
    confidence[:, :, 19] = 0.0
    told = diagnose(joints, layout=NTU, confidence=confidence)["gaps"]
    assert told.numbers["missing_joints"] == pytest.approx(1 / 25, abs=1e-4)


@settings(deadline=None, max_examples=10)
@given(action=actions, performer=people, factor=st.floats(1.8, 3.0))
def test_a_stretched_bone(action: str, performer: int, factor: float) -> None:
    joints = perform(action, performer=performer).copy()
    elbow, wrist = NTU.joints.index("left_elbow"), NTU.joints.index("left_wrist")
    move = (factor - 1) * (joints[:, :, wrist] - joints[:, :, elbow])
    joints[:, :, [wrist, *(NTU.joints.index(f"left_{each}") for each in ("hand", "hand_tip", "thumb"))]] += move[
        :, :, None
    ]
    assert list(_told(joints)["bones"].numbers["bones"]) == ["left_wrist"]


def test_a_bone_that_changes() -> None:
    joints = perform("drink").copy()
    elbow, wrist = NTU.joints.index("left_elbow"), NTU.joints.index("left_wrist")
    wave = 1 + 0.8 * np.sin(np.arange(joints.shape[1]))[:, None]
    joints[0, :, wrist] = joints[0, :, elbow] + wave * (joints[0, :, wrist] - joints[0, :, elbow])
    assert "left_wrist" in _told(joints)["bones"].numbers["bones"]


def test_jumps() -> None:
    joints = perform("drink").copy()
    joints[0, 30:] += (3.0, 0.0, 0.0)
    jumps = _told(joints)["jumps"]
    assert (jumps.fault, jumps.value, jumps.numbers["frames"]) == (True, 25, [30])


def test_joints_that_lie_on_others() -> None:
    joints = perform("drink").copy()
    joints[:, :, 21] = joints[:, :, 7]
    told = _told(joints)["coincident"]
    assert (told.fault, told.numbers["pairs"]) == (True, [["left_hand", "left_hand_tip"]])


def test_numbers_that_are_none() -> None:
    joints = perform("drink").copy()
    joints[0, 4, 3, 1] = np.nan
    joints[0, 5, 3, :] = np.inf
    told = _told(joints)
    assert (told["nonfinite"].value, told["nonfinite"].fault) == (4, True)
    assert told["unit"].value == "m"


@pytest.mark.parametrize("name", ["ucla20", "utd20", "coco17", "openpose25", "mediapipe33"])
@pytest.mark.parametrize("action", ALONE)
def test_layouts_are_told_apart(name: str, action: str) -> None:
    joints = perform(action)
    if name in ("coco17", "openpose25", "mediapipe33"):
        joints = joints25_to(name, joints)
    else:
        joints = conversion(NTU, layout(name)).apply(joints)[0]
    told = diagnose(joints, fps=FPS)
    assert told["layout"].value == name
    assert (told["unit"].value, told["up"].value) == ("m", "y")
    assert not _faults(told), told.faults
    if name in ("ucla20", "utd20", "openpose25", "mediapipe33"):
        assert told["mirrored"].value is False


def test_a_wrong_declaration_is_doubted() -> None:
    joints = conversion(NTU, layout("utd20")).apply(perform("wave"))[0]
    told = diagnose(joints, layout=layout("ucla20"))["layout"]
    assert (told.fault, told.value) == (True, "utd20")
    told = diagnose(joints, layout=NTU)["layout"]
    assert (told.fault, told.value) == (True, None)
    assert "ntu25 has 25 joints, there are 20" in told.evidence


def test_unknown_layouts_leave_questions_open() -> None:
    told = diagnose(perform("wave")[:, :, :21], fps=FPS)
    assert (told["layout"].value, told["layout"].fault) == (None, True)
    assert "describe yours in YAML" in told["layout"].evidence
    assert told["up"].value is told["mirrored"].value is told["bones"].value is None
    assert told["unit"].value == "m"


def test_pictures() -> None:
    """Keypoints in pixels, y down: no metres, no mirror to be told, and y is turned up."""
    take = takes(("wave",), subjects=(1,), repeats=(1,), cameras=(1,), seed=0)[0]
    joints = joints25_to("coco17", take.seen())
    pixels = (WIDTH / 2, HEIGHT / 2) - FOCUS * joints[..., :2] / joints[..., 2:]
    told = diagnose(pixels, fps=FPS)
    assert (told["layout"].value, told["unit"].value, told["up"].value) == ("coco17", "pixel", "-y")
    assert (told["mirrored"].value, told["bones"].value) == (None, None)
    assert told.options == {"up": "-y"}
    small = diagnose(pixels / (WIDTH, HEIGHT), fps=FPS)
    assert (small["unit"].value, small["unit"].confidence) == ("normalised", "likely")


def test_a_third_coordinate_of_zeros_is_a_picture() -> None:
    pixels = np.round(perform("wave") * (200, -200, 0) + (900, 600, 0))
    told = _told(pixels)
    assert (told["unit"].value, told["unit"].confidence, told["up"].value) == ("pixel", "certain", "-y")


@pytest.mark.parametrize("shape", [(3, 25, 3), (1, 3, 25, 4), (0, 3, 25, 3), (1, 0, 25, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="a recording is"):
        diagnose(np.zeros(shape))


def test_confidence_must_fit() -> None:
    with pytest.raises(ShapeError, match="need a confidence of shape"):
        diagnose(np.ones((1, 2, 25, 3)), confidence=np.ones((1, 2, 24)))


def test_findings_are_looked_up_by_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'unit'"):
        _told(perform("wave"))["units"]


@pytest.mark.parametrize("joints", [np.zeros((1, 3, 25, 3)), np.ones((2, 1, 25, 2)), np.full((1, 4, 7, 3), np.nan)])
def test_nothing_to_see(joints: Array) -> None:
    told = diagnose(joints)
    assert told["up"].value is None


def test_ghosts_of_the_made_up_sensor() -> None:
    """A body of few frames or of furniture's shape is found, whoever it is seen with."""
    found = 0
    for take in takes(("wave", "hug"), subjects=range(1, 16), repeats=(1,), cameras=(1,), seed=1):
        bodies = observe(take.seen(), take.generator())
        frames = 1 + int(max(body.frames[-1] for body in bodies))
        told = _told(scene_of(RawRecording("x", 0, frames, FPS, bodies)).joints)
        found += bool(told["ghosts"].fault)
        if len(bodies) == take.persons:
            assert not told["ghosts"].fault
    assert found >= 1


@pytest.mark.parametrize(("name", "file"), [("nwucla", "NW-UCLA/all_sqe.zip"), ("utdmhad", "UTD-MHAD/Skeleton.zip")])
def test_real_recordings(shared_data: Path, name: str, file: str) -> None:
    told = []
    with RawSource(shared_data / file) as source:
        known = reader(name)
        members = [member for member, _ in source.members if known.matches(member)][::25]
        for member in members:
            scene = scene_of(known.read(member, source.read(member)))
            told.append(diagnose(scene.joints, fps=None, confidence=scene.confidence))
    assert {each["layout"].value for each in told} == {known.layout}
    assert {each["unit"].value for each in told} == {"m"}
    assert {each["up"].value for each in told} == {"y"}
    assert sum(each["mirrored"].value is True for each in told) <= 0.02 * len(told)
    for subject in ("ghosts", "swaps", "repeats", "frozen", "nonfinite", "coincident", "fps"):
        assert not sum(each[subject].fault for each in told), subject
