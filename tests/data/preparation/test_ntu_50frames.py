# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D in 50 frames: who is in which place, which frames count, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ntu.make import person, recording_of

from bonefide.data.preparation.ntu_50frames import NTU50Frames
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array

CHEST = 20
A, B, C = (person(20, seed=seed, place=seed) for seed in (1, 2, 3))


def _listed(*frames: list[tuple[str, Array]]) -> RawRecording:
    """A recording with these bodies, (25, 3) each, listed in this order in each frame."""
    bodies = {}
    for number, each in enumerate(frames):
        for slot, (name, joints) in enumerate(each):
            bodies.setdefault(name, []).append((number, slot, joints))
    made = []
    for name, found in bodies.items():
        numbers, slots, joints = zip(*found, strict=True)
        made.append(RawBody(name, np.array(numbers), np.array(slots), np.stack(joints)))
    return RawRecording("sample", 3, len(frames), 30.0, tuple(made))


def test_a_lone_body_has_fifty_frames_seen_from_its_chest() -> None:
    sequence = NTU50Frames()(recording_of(20, (range(20), A)))
    assert (sequence.name, sequence.label) == ("sample", 3)
    assert sequence.joints.shape == (1, 50, 25, 3)
    assert sequence.joints.dtype == np.float32
    assert not sequence.joints[:, :, CHEST].any()


def test_places_follow_the_list_and_not_the_ids() -> None:
    listed = _listed(*([("a", A[t]), ("b", B[t])] if t % 3 else [("b", B[t]), ("a", A[t])] for t in range(20)))
    swapped = A.copy()
    other = B.copy()
    swapped[::3], other[::3] = B[::3], A[::3]
    expected = NTU50Frames()(recording_of(20, (range(20), swapped), (range(20), other))).joints
    np.testing.assert_array_equal(NTU50Frames()(listed).joints, expected)


def test_a_third_body_is_passed_over() -> None:
    two = _listed(*([("a", A[t]), ("b", B[t])] for t in range(20)))
    three = _listed(*([("a", A[t]), ("b", B[t]), ("c", C[t])] for t in range(20)))
    np.testing.assert_array_equal(NTU50Frames()(three).joints, NTU50Frames()(two).joints)


def test_frames_that_count_are_counted_and_not_located() -> None:
    frames = [2, 3, *range(5, 20)]
    joints = NTU50Frames(frames=17)(recording_of(20, (frames, A[:17]))).joints[0]
    seen = A[:14] - A[:14, CHEST, None]
    heights = np.zeros((17, 25))
    # Seventeen frames count, so the three last ones are lost to the three empty ones before and among them.
    heights[[2, 3, *range(5, 17)]] = seen[..., 1]
    np.testing.assert_allclose(joints[..., 1], heights, rtol=0, atol=1e-6)


def test_the_central_300_frames_of_longer_recordings_stay() -> None:
    long = person(311, seed=4)
    short = NTU50Frames()(recording_of(300, (range(300), long[5:305])))
    np.testing.assert_array_equal(NTU50Frames()(recording_of(311, (range(311), long))).joints, short.joints)


def test_a_person_standing_still_is_the_same_at_any_length() -> None:
    still = np.repeat(A[:1], 9, axis=0)
    for frames in (1, 9, 50, 64):
        joints = NTU50Frames(frames=frames)(recording_of(9, (range(9), still))).joints
        assert joints.shape == (1, frames, 25, 3)
        np.testing.assert_allclose(joints, np.broadcast_to(joints[:, :1], joints.shape), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("recording", "code"),
    [
        (RawRecording("sample", 3, 4, 30.0, ()), "no_frames"),
        (recording_of(4, (range(4), np.zeros((4, 25, 3)))), "zero"),
        (recording_of(20, (range(20), A * (np.arange(25) > 0)[:, None])), "zero"),
        (recording_of(4, (range(4), np.full((4, 25, 3), np.nan))), "nonfinite"),
        (recording_of(4, (range(4), np.full((4, 25, 3), 1e39))), "nonfinite"),
        (recording_of(4, (range(4), np.ones((4, 20, 3)))), "joints"),
    ],
)
def test_what_cannot_be_used_is_refused(recording: RawRecording, code: str) -> None:
    with pytest.raises(RawFileError, match="sample") as caught:
        NTU50Frames()(recording)
    assert caught.value.code == code


def test_impossible_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"ntu_50frames\.frames must be at least 1, got 0"):
        NTU50Frames(frames=0)
