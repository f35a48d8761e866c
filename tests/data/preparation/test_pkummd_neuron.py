# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD as Neuron reads it: names, rows, and what centring, blending and turning keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pkummd.make import recording_of, video

from bonefide.data.preparation._preparation import CutsVideos
from bonefide.data.preparation.pkummd_neuron import PKUMMDNeuron
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array

LEFT, RIGHT, CHEST = 4, 8, 20


def _prepared(joints: Array, label: str, frames: int = 64) -> Array:
    step = PKUMMDNeuron(frames=frames)
    (piece,) = step.cut(recording_of(joints, label))
    return step(piece).joints


def _still(frames: int, second: bool = False) -> Array:
    return np.repeat(video(1, second=[0] if second else []), frames, axis=0)


@pytest.mark.parametrize(
    ("video_name", "names"),
    [
        ("0364-L", ["F364V001C012L001", "F364V001C001L003"]),
        ("0002-R", ["F002V003C012L001", "F002V003C001L003"]),
        ("A26N13-M", ["A026N013V002C012L001", "A026N013V002C001L003"]),
    ],
)
def test_names_are_those_of_neuron(video_name: str, names: list[str]) -> None:
    assert isinstance(PKUMMDNeuron(), CutsVideos)
    recording = recording_of(video(10), "12,2,5,2\n52,1,2\n1,4,9,1\n", name=video_name)
    pieces = list(PKUMMDNeuron().cut(recording))
    assert [piece.name for piece in pieces] == names
    assert [(piece.label, piece.repeat, piece.frames) for piece in pieces] == [(11, 1, 4), (0, 3, 6)]


def test_videos_of_other_names_are_refused() -> None:
    recording = RawRecording("S001", -1, 9, 30.0, (), intervals=recording_of(video(10)).intervals)
    with pytest.raises(RawFileError, match="XXXX-V or AaaNnn-V") as caught:
        list(PKUMMDNeuron().cut(recording))
    assert caught.value.code == "name"


def test_first_and_last_frame_are_included() -> None:
    joints = video(10)
    whole = _prepared(joints, "1,3,7,2", frames=5)
    seen = joints[2:7, 0] - joints[2:7, 0, CHEST, None]
    np.testing.assert_allclose(np.linalg.norm(whole[0], axis=-1), np.linalg.norm(seen, axis=-1), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(_prepared(joints, "1,0,4,2"), _prepared(joints, "1,1,4,2"))


def test_everybody_is_seen_from_the_own_chest() -> None:
    joints = _prepared(video(30, second=range(30)), "1,1,30,2")
    assert joints.shape == (2, 64, 25, 3)
    assert joints.dtype == np.float32
    assert not joints[:, :, CHEST].any()


def test_shoulders_lie_along_x_and_the_right_one_on_its_side() -> None:
    for seed in range(6):
        joints = np.repeat(video(1, seed=seed, second=[0]), 7, axis=0)
        turned = _prepared(joints, "1,1,7,2")
        across = turned[:, :, RIGHT] - turned[:, :, LEFT]
        # The official denominator has 1e-4 added, so the angle is off by about its square root at worst.
        np.testing.assert_allclose(across[..., 2], 0, atol=0.02)
        assert (across[..., 0] > 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 80))
def test_turning_keeps_heights_and_distances(seed: int, frames: int) -> None:
    joints = video(frames, seed=seed)
    turned = _prepared(joints, f"1,1,{frames},2", frames=frames)[0]
    seen = (joints[:, 0] - joints[:, 0, CHEST, None]).astype(np.float32)
    np.testing.assert_allclose(turned[..., 1], seen[..., 1], rtol=0, atol=1e-5)
    bones = (np.linalg.norm(each[:, 1:] - each[:, :-1], axis=-1) for each in (turned, seen))
    np.testing.assert_allclose(*bones, rtol=0, atol=1e-5)


def test_the_central_300_frames_stay() -> None:
    long = video(311)
    np.testing.assert_array_equal(_prepared(long, "1,1,311,2"), _prepared(long, "1,6,305,2"))


def test_an_empty_frame_costs_one_at_the_end() -> None:
    joints = video(6)
    joints[2] = 0
    other = joints.copy()
    other[5] = video(1, seed=9)[0]
    np.testing.assert_array_equal(_prepared(joints, "1,1,6,2"), _prepared(other, "1,1,6,2"))
    joints[2], other[2] = joints[1], other[1]
    assert (_prepared(joints, "1,1,6,2") != _prepared(other, "1,1,6,2")).any()


def test_an_absent_second_person_is_no_person() -> None:
    assert _prepared(_still(5), "1,1,5,2").shape == (1, 64, 25, 3)
    joints = _still(5, second=True)
    joints[1:, 1] = 0
    assert _prepared(joints, "1,1,5,2").shape == (2, 64, 25, 3)


def test_a_second_body_whose_numbers_cancel_out_is_absent() -> None:
    joints = _still(5, second=True)
    joints[:, 1] = 0
    joints[:, 1, 3, :2] = [1.5, -1.5]
    assert not _prepared(joints, "1,1,5,2")[1].any()


def test_pieces_without_the_first_person_go() -> None:
    joints = _still(5, second=True)
    joints[:, 0] = 0
    for nobody in (joints, np.zeros_like(joints)):
        with pytest.raises(RawFileError, match="F002V002C001L001") as caught:
            _prepared(nobody, "1,1,5,2")
        assert caught.value.code == "zero"


def test_coordinates_too_far_apart_go() -> None:
    joints = _still(5)
    joints[:, 0, CHEST], joints[:, 0, 3] = 3e38, -3e38
    with pytest.raises(RawFileError) as caught:
        _prepared(joints, "1,1,5,2")
    assert caught.value.code == "nonfinite"


@pytest.mark.parametrize(
    ("joints", "code"), [(np.ones((3, 20, 3)), "joints"), (np.full((3, 25, 3), np.inf), "nonfinite")]
)
def test_bodies_that_cannot_be_used_are_refused(joints: Array, code: str) -> None:
    body = RawBody("1", np.arange(3), np.zeros(3, np.int64), joints)
    with pytest.raises(RawFileError) as caught:
        PKUMMDNeuron()(RawRecording("F002V001C001L001", 0, 3, 30.0, (body,)))
    assert caught.value.code == code


@pytest.mark.parametrize("frames", [0, -3])
def test_impossible_lengths_are_refused(frames: int) -> None:
    with pytest.raises(DataError, match=rf"pkummd_neuron\.frames must be at least 1, got {frames}"):
        PKUMMDNeuron(frames=frames)
