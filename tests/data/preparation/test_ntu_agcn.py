# SPDX-License-Identifier: Apache-2.0
"""The preparation of 2s-AGCN: who is chosen, how frames repeat, and where everybody stands in the end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ntu.make import person, recording_of

from bonefide.data.preparation.ntu_agcn import NTUAGCN
from bonefide.types import Array

STILL, MOVING, WILD = (person(20, seed=seed, place=float(seed), sway=0.2 + 0.3 * seed) for seed in range(3))
ALL = range(20)


def _shape(joints: Array) -> Array:
    """Distances between some joints of a person: they survive every shift and turn."""
    pairs = np.array([(0, 1), (3, 9), (5, 20), (11, 24), (16, 7)])
    return np.linalg.norm(joints[..., pairs[:, 0], :] - joints[..., pairs[:, 1], :], axis=-1)


def _same_shape(joints: Array, expected: Array) -> None:
    np.testing.assert_allclose(_shape(joints), _shape(expected), rtol=0, atol=1e-5)


def test_the_first_frame_stands_upright_shoulders_along_x() -> None:
    joints = NTUAGCN()(recording_of(20, (ALL, WILD))).joints
    assert (joints.shape, joints.dtype) == ((1, 300, 25, 3), np.float32)
    across = joints[0, 0, 8] - joints[0, 0, 4]
    assert across[0] > 0
    np.testing.assert_allclose(across[1:], 0, atol=1e-6)
    assert not joints[:, :, 1].any()


def test_the_spine_points_up_where_the_shoulders_allow_it() -> None:
    upright = WILD.copy()
    spine = upright[0, 1] - upright[0, 0]
    upright[0, 8] = upright[0, 4] + np.cross(spine, [0.3, 0.4, 0.5])
    foot = NTUAGCN()(recording_of(20, (ALL, upright))).joints[0, 0, 0]
    np.testing.assert_allclose(foot, [0, 0, -np.linalg.norm(spine)], atol=1e-6)


def test_nobody_changes_shape_and_frames_repeat() -> None:
    joints = NTUAGCN()(recording_of(20, (ALL, WILD), (range(13), MOVING[:13]))).joints
    _same_shape(joints[0], np.tile(WILD, (15, 1, 1)))
    _same_shape(joints[1], np.tile(MOVING[:13], (24, 1, 1))[:300])


def test_people_keep_their_distance_in_every_frame() -> None:
    joints = NTUAGCN()(recording_of(20, (ALL, WILD), (ALL, MOVING))).joints
    apart, expected = joints[1] - joints[0], np.tile(MOVING - WILD, (15, 1, 1))
    np.testing.assert_allclose(np.linalg.norm(apart, axis=-1), np.linalg.norm(expected, axis=-1), atol=1e-5)


def test_the_liveliest_two_of_four_are_taken() -> None:
    wilder = person(20, seed=9, place=4.0, sway=3.0)
    joints = NTUAGCN()(recording_of(20, (ALL, STILL), (ALL, MOVING), (ALL, STILL), (ALL, WILD), (ALL, wilder))).joints
    _same_shape(joints[:, :20], np.stack([WILD, MOVING]))


def test_of_equally_lively_ones_the_earlier_is_first() -> None:
    mirrored = person(20, seed=2, place=2.0, sway=0.8) * [-1, 1, 1]
    for first, second in ((WILD, mirrored), (mirrored, WILD)):
        joints = NTUAGCN()(recording_of(20, (ALL, first), (ALL, second))).joints
        alone = NTUAGCN()(recording_of(20, (ALL, first))).joints
        np.testing.assert_array_equal(joints[0], alone[0])


def test_absent_frames_go_if_the_first_is_one() -> None:
    late = NTUAGCN()(recording_of(30, ([3, *range(10, 29)], WILD))).joints
    np.testing.assert_array_equal(late, NTUAGCN()(recording_of(20, (ALL, WILD))).joints)


def test_absent_frames_between_others_stay() -> None:
    where = [*range(8), *range(11, 23)]
    joints = NTUAGCN()(recording_of(26, (where, WILD))).joints
    shown = np.zeros(23, dtype=bool)
    shown[where] = True
    np.testing.assert_array_equal(joints[0].any(axis=(1, 2)), np.resize(shown, 300))
    _same_shape(joints[0, :23][shown], WILD)


@pytest.mark.parametrize("frames", [299, 300, 301, 450])
def test_three_hundred_frames_whatever_the_length(frames: int) -> None:
    long = person(450, sway=0.5)
    joints = NTUAGCN()(recording_of(frames, (range(frames), long[:frames]))).joints
    _same_shape(joints[0], np.resize(long[:frames], (300, 25, 3)))


def test_who_is_not_among_the_first_three_hundred_frames_is_nobody() -> None:
    recording = recording_of(320, (range(300), person(300)), (range(300, 320), WILD))
    np.testing.assert_array_equal(
        NTUAGCN()(recording).joints, NTUAGCN()(recording_of(300, (range(300), person(300)))).joints
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(0, 10), st.integers(0, 10), st.floats(-3, 3))
def test_moving_the_camera_changes_nothing(frames: int, start: int, gap: int, shift: float) -> None:
    joints = person(frames, seed=1, sway=0.3)
    moved = joints + np.array([shift, 0, 0])
    for axes in (-1, (1, 2)):
        assume((abs(moved.sum(axis=axes)) > 1e-6).all())  # coordinates that sum to 0 count as absent
    where = [*range(start, start + frames // 2), *range(start + frames // 2 + gap, start + frames + gap)]
    near, far = (
        NTUAGCN()(recording_of(start + frames + gap, (where, joints + np.array([aside, 0, 0])))).joints
        for aside in (0.0, shift)
    )
    np.testing.assert_allclose(near, far, atol=1e-5)
    assert np.isfinite(near).all()
