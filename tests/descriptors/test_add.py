# SPDX-License-Identifier: Apache-2.0
"""ADD: steps of joints, within sequences only."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import NTU, UCLA, moving, rotated, with_gaps

from bonefide.descriptors.add import add

OFFSETS = st.tuples(*[st.floats(-10, 10)] * 3)
ANGLES = st.tuples(*[st.floats(-3, 3)] * 3)


def test_rows_are_steps_of_joints() -> None:
    joints = moving(2)
    expected = np.linalg.norm(np.diff(joints, axis=1), axis=-1).transpose(0, 2, 1).reshape(50, 11)
    np.testing.assert_allclose(add(joints, NTU), expected, rtol=1e-12)


def test_there_is_no_step_from_a_sequence_to_the_next() -> None:
    parts = [moving(frames=frames, joints=20, seed=frames) for frames in (1, 4, 1, 3)]
    ours = add(np.concatenate(parts, axis=1), UCLA, lengths=np.array([1, 4, 1, 3]))
    np.testing.assert_array_equal(ours, np.concatenate([add(part, UCLA) for part in parts], axis=1))
    assert ours.shape == (20, 5)


def test_one_frame_has_no_step() -> None:
    assert add(moving(frames=1), NTU).shape == (25, 0)
    assert add(moving(frames=1), NTU, corrected=True).shape == (25, 0)


def test_who_comes_or_goes_jumps_unless_corrected() -> None:
    joints = with_gaps()
    ours, corrected = (add(joints, NTU, corrected=corrected).reshape(2, 25, 11) for corrected in (False, True))
    np.testing.assert_allclose(ours[1, :, 1], np.linalg.norm(joints[1, 2], axis=-1))
    absent = np.isnan(corrected)
    assert np.flatnonzero(absent[0, 0]).tolist() == [0]
    assert np.flatnonzero(absent[1, 0]).tolist() == [0, 1, 9, 10]
    np.testing.assert_array_equal(corrected[~absent], ours[~absent])


@settings(deadline=None)
@given(OFFSETS, ANGLES)
def test_it_does_not_change_with_place_and_direction(
    offset: tuple[float, float, float], angles: tuple[float, float, float]
) -> None:
    joints = moving(2)
    turned = add(rotated(joints, angles) + offset, NTU)
    np.testing.assert_allclose(turned, add(joints, NTU), rtol=0, atol=1e-12)
