# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from ntu.make import person, recording_of

from bonefide.data.preparation.ntu_slots import NTUSlots
from bonefide.errors import DataError

A, B, C = (person(20, seed=seed, place=float(seed)) for seed in range(3))
ORIGIN = A[0, 1]


def test_everything_is_seen_from_the_spine_of_the_first_frame() -> None:
    joints = NTUSlots()(recording_of(22, (range(20), A), (range(2, 22), B), (range(20), C))).joints
    assert joints.dtype == np.float64
    assert joints.shape == (2, 22, 25, 3)
    np.testing.assert_array_equal(joints[0, :20], A - ORIGIN)
    np.testing.assert_array_equal(joints[1, 2:], B - ORIGIN)
    np.testing.assert_array_equal(joints[0, 20:], np.broadcast_to(-ORIGIN, (2, 25, 3)))
    np.testing.assert_array_equal(joints[1, :2], np.broadcast_to(-ORIGIN, (2, 25, 3)))


def test_empty_places_can_stay_zeros() -> None:
    recording = recording_of(22, (range(20), A), (range(2, 22), B))
    shifted, zeros = (NTUSlots(empty=empty)(recording).joints for empty in ("shifted", "zeros"))
    assert not zeros[0, 20:].any()
    assert not zeros[1, :2].any()
    np.testing.assert_array_equal(zeros[0, :20], shifted[0, :20])
    np.testing.assert_array_equal(zeros[1, 2:], shifted[1, 2:])


def test_an_empty_first_frame_moves_nothing() -> None:
    joints = NTUSlots()(recording_of(20, (range(1, 20), A[1:]))).joints
    np.testing.assert_array_equal(joints[0, 1:], A[1:])
    assert not joints[0, 0].any()


def test_impossible_options_are_refused() -> None:
    with pytest.raises(DataError, match=r"ntu_slots\.empty must be 'shifted' or 'zeros', got 'nan'"):
        NTUSlots(empty="nan")  # type: ignore[arg-type]
