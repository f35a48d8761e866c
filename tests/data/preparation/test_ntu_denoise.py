# SPDX-License-Identifier: Apache-2.0
"""Denoising of NTU RGB+D: which bodies stay, where they are placed, and every option."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ntu.make import person, recording_of

from bonefide.data.preparation.ntu_denoise import NTUDenoise
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array


def _close(joints: Array, expected: Array) -> None:
    np.testing.assert_allclose(joints, expected, rtol=0, atol=1e-6)


MOVING = person(20, seed=1, sway=0.5)
STILL = person(20, seed=2, place=1.0, sway=0.1)
WIDE = person(20, seed=3, place=2.0, width=3.0)
ALL = range(20)


def test_one_actor_is_seen_from_the_spine_of_its_first_frame() -> None:
    recording = recording_of(9, ([2, 3, 7], MOVING[:3]))
    sequence = NTUDenoise()(recording)
    assert (sequence.name, sequence.label) == ("sample", 3)
    assert sequence.joints.dtype == np.float32
    expected = MOVING[:3].astype(np.float32) - MOVING[0, 1].astype(np.float32)
    np.testing.assert_array_equal(sequence.joints, expected[None])


def test_a_lone_body_is_never_filtered() -> None:
    assert NTUDenoise()(recording_of(3, (range(3), WIDE[:3]))).joints.shape == (1, 3, 25, 3)


def test_the_one_who_moves_most_is_first() -> None:
    joints = NTUDenoise()(recording_of(20, (ALL, STILL), (ALL, MOVING))).joints
    origin = MOVING[0, 1].astype(np.float32)
    np.testing.assert_array_equal(joints, np.stack([MOVING, STILL]).astype(np.float32) - origin)


def test_equal_motion_keeps_the_order_of_appearance() -> None:
    mirrored = MOVING * [-1, 1, 1]
    for first, second in ((MOVING, mirrored), (mirrored, MOVING)):
        joints = NTUDenoise()(recording_of(20, (ALL, first), (ALL, second))).joints
        _close(joints[0], first - first[0, 1])


@pytest.mark.parametrize(("frames", "actors"), [(11, 1), (12, 2)])
def test_short_bodies_go(frames: int, actors: int) -> None:
    recording = recording_of(20, (ALL, MOVING), (range(frames), STILL[:frames]))
    assert len(NTUDenoise()(recording).joints) == actors


def test_frames_of_a_removed_body_go_with_it() -> None:
    recording = recording_of(25, (range(5), STILL[:5]), (range(5, 25), MOVING))
    _close(NTUDenoise()(recording).joints[0], MOVING - MOVING[0, 1])


def test_only_short_bodies_are_all_kept() -> None:
    recording = recording_of(9, (range(9), MOVING[:9]), (range(9), STILL[:9]))
    assert NTUDenoise()(recording).joints.shape == (2, 9, 25, 3)


@pytest.mark.parametrize(("wide_frames", "actors"), [(0, 2), (29, 2), (30, 1), (43, 1)])
def test_bodies_wide_in_seventy_percent_of_the_frames_go(wide_frames: int, actors: int) -> None:
    partly_wide = person(43, seed=5, place=2.0)
    partly_wide[:wide_frames] = person(43, seed=5, place=2.0, width=3.0)[:wide_frames]
    recording = recording_of(43, (range(43), person(43, sway=0.5)), (range(43), partly_wide))
    assert len(NTUDenoise()(recording).joints) == actors


def test_wide_frames_do_not_count_as_motion() -> None:
    partly_wide = person(20, seed=5, sway=0.1)
    partly_wide[:5, :, 0] = person(20, seed=5, place=9.0, width=3.0)[:5, :, 0]
    joints = NTUDenoise()(recording_of(20, (ALL, partly_wide), (ALL, STILL + MOVING * 0.01))).joints
    untouched = NTUDenoise()(recording_of(20, (ALL, person(20, seed=5, sway=0.1)), (ALL, MOVING))).joints
    assert len(joints) == len(untouched) == 2
    _close(joints[0], STILL + MOVING * 0.01 - (STILL + MOVING * 0.01)[0, 1])


def test_the_last_body_left_is_kept_however_wide() -> None:
    other = person(20, seed=9, width=4.0)
    joints = NTUDenoise()(recording_of(20, (ALL, WIDE), (ALL, other))).joints
    _close(joints, (other - other[0, 1])[None])


def test_tracks_that_do_not_overlap_share_a_slot() -> None:
    first, later = person(15, sway=0.5), person(15, seed=7, sway=0.3)
    joints = NTUDenoise()(recording_of(30, (range(15), first), (range(15, 30), later))).joints
    _close(joints[0], np.concatenate([first, later]) - first[0, 1])
    assert len(joints) == 2
    assert not joints[1].any()


def test_an_overlap_of_one_frame_is_overwritten() -> None:
    first, later = person(15, sway=0.5), person(15, seed=7, sway=0.3)
    joints = NTUDenoise()(recording_of(29, (range(15), first), (range(14, 29), later))).joints
    _close(joints[0], np.concatenate([first[:14], later]) - first[0, 1])


def test_who_fits_neither_slot_is_dropped() -> None:
    third = person(20, seed=8, place=3.0, sway=0.01)
    joints = NTUDenoise()(recording_of(20, (ALL, MOVING), (ALL, STILL), (ALL, third))).joints
    _close(joints, np.stack([MOVING, STILL]) - MOVING[0, 1])


def test_the_second_slot_is_taken_from_the_start() -> None:
    long = person(40, sway=0.9)
    late, early = person(15, seed=4, sway=0.3), person(15, seed=5, sway=0.2)
    recording = recording_of(40, (range(40), long), (range(25, 40), late), (range(15), early))
    anchored, free = (NTUDenoise(actor2_anchor=anchor)(recording).joints for anchor in (True, False))
    _close(anchored[1, 25:], late - long[0, 1])
    assert not anchored[1, :25].any()
    _close(free[1, 25:], late - long[0, 1])
    _close(free[1, :15], early - long[0, 1])
    assert not free[1, 15:25].any()


def test_a_returning_body() -> None:
    present = [*range(8), *range(14, 26)]
    recording = recording_of(26, (range(26), person(26, sway=0.9)), (present, STILL))
    packed, true_frames = (NTUDenoise(track_gaps=gaps)(recording).joints for gaps in ("packed", "true_frames"))
    origin = person(26, sway=0.9)[0, 1]
    _close(packed[1, :20], STILL - origin)
    assert not packed[1, 20:].any()
    _close(true_frames[1, present], STILL - origin)
    assert not true_frames[1, 8:14].any()


def test_a_body_twice_in_a_frame_counts_once() -> None:
    joints = np.concatenate([MOVING[:1], WIDE[:1], MOVING[1:]])
    frames = np.array([0, 0, *range(1, 20)])
    twice = RawRecording("sample", 3, 20, 30.0, (RawBody("0", frames, np.zeros(21, dtype=np.int64), joints),))
    once = recording_of(20, (ALL, MOVING))
    np.testing.assert_array_equal(NTUDenoise()(twice).joints, NTUDenoise()(once).joints)


def test_an_absent_actor_stays_zeros() -> None:
    recording = recording_of(25, (range(5, 25), MOVING), (range(20), STILL))
    joints = NTUDenoise()(recording).joints
    assert not joints[0, :5].any()
    assert not joints[1, 20:].any()
    _close(joints[0, 5:], MOVING - MOVING[0, 1])
    _close(joints[1, :20], STILL - MOVING[0, 1])


def test_the_second_slot_can_be_a_copy() -> None:
    prepare = NTUDenoise(second_slot="copy")
    alone = prepare(recording_of(20, (ALL, MOVING))).joints
    assert len(alone) == 2
    np.testing.assert_array_equal(alone[0], alone[1])
    together = recording_of(20, (ALL, MOVING), (ALL, STILL))
    np.testing.assert_array_equal(prepare(together).joints, NTUDenoise()(together).joints)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_what_is_not_finite_is_refused_or_kept(value: float) -> None:
    joints = MOVING.copy()
    joints[4, 7, 2] = value
    recording = recording_of(20, (ALL, STILL), (ALL, joints))
    with pytest.raises(RawFileError, match=r"sample: body 1 .*finite") as caught:
        NTUDenoise()(recording)
    assert caught.value.code == "nonfinite"
    kept = NTUDenoise(nonfinite="keep")(recording).joints
    assert (~np.isfinite(kept)).sum() == 1


def test_only_zeros_are_refused() -> None:
    for bodies in ([(ALL, MOVING * 0)], [(ALL, MOVING * 0), (ALL, MOVING * 0)]):
        with pytest.raises(RawFileError, match="all zero") as caught:
            NTUDenoise()(recording_of(20, *bodies))
        assert caught.value.code == "zero"


def test_other_skeletons_are_refused() -> None:
    with pytest.raises(RawFileError, match="25 joints") as caught:
        NTUDenoise()(recording_of(20, (ALL, MOVING[:, :20])))
    assert caught.value.code == "joints"


@pytest.mark.parametrize("option", ["track_gaps", "second_slot", "nonfinite"])
def test_impossible_options_are_refused(option: str) -> None:
    with pytest.raises(DataError, match=rf"ntu_denoise\.{option} must be '.*' or '.*', got 'other'"):
        NTUDenoise(**{option: "other"})


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_every_row_shows_somebody_and_nobody_is_made_up(data: st.DataObject) -> None:
    frames = data.draw(st.integers(12, 40))
    spans = data.draw(st.lists(st.tuples(st.integers(0, frames - 1), st.integers(1, frames)), min_size=2, max_size=5))
    bodies = []
    for seed, (start, length) in enumerate(spans):
        where = range(start, min(frames, start + length))
        bodies.append((where, person(len(where), seed=seed, place=float(seed), sway=0.1 * (seed + 1))))
    recording = recording_of(frames, *bodies)
    joints = NTUDenoise()(recording).joints
    shown = joints.any(axis=(2, 3))
    assert shown.any(axis=0).all()
    # Bodies keep their shape: offsets to a joint of the same frame are those of a frame that went in.
    went_in = np.concatenate([coordinates for _, coordinates in bodies])
    offsets = np.round((went_in - went_in[:, :1]).reshape(len(went_in), -1), 3)
    came_out = np.round((joints[shown] - joints[shown][:, :1]).reshape(int(shown.sum()), -1), 3)
    distance = np.abs(came_out[:, None] - offsets[None]).max(axis=2).min(axis=1)
    assert distance.max() < 2e-3
