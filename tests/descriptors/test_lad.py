# SPDX-License-Identifier: Apache-2.0
"""LAD against angles between vectors; the rounding of cosines, the elbow in company."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import NTU, OTHER, UCLA, moving, rotated, with_gaps

from bonefide.descriptors._tables import table
from bonefide.descriptors.lad import _in_hundredths, lad
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

OFFSETS = st.tuples(*[st.floats(-10, 10)] * 3)
ANGLES = st.tuples(*[st.floats(-3, 3)] * 3)


def _angles(joints: Array, triples: tuple[tuple[int, int, int], ...]) -> Array:
    rows = []
    for body in joints:
        for vertex, first, second in triples:
            one, other = body[:, first] - body[:, vertex], body[:, second] - body[:, vertex]
            lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
            rows.append(np.arccos((one * other).sum(axis=1) / lengths))
    return np.array(rows)


@pytest.mark.parametrize("skeleton", [NTU, UCLA, OTHER])
@pytest.mark.parametrize("bodies", [1, 2])
def test_corrected_they_are_angles_between_bones(skeleton: SkeletonLayout, bodies: int) -> None:
    joints = moving(bodies, joints=len(skeleton.joints))
    expected = _angles(joints, table(skeleton, corrected=True).angles[0])
    np.testing.assert_allclose(lad(joints, skeleton, corrected=True), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("bodies", [1, 2])
def test_cosines_have_two_decimals(bodies: int) -> None:
    joints = moving(bodies)
    ours = lad(joints, NTU)
    expected = np.cos(_angles(joints, table(NTU, corrected=False).angles[bodies - 1]))
    assert np.abs(np.cos(ours) - expected).max() < 0.005 + 1e-12
    np.testing.assert_allclose(np.rint(100 * np.cos(ours)), 100 * np.cos(ours), rtol=0, atol=1e-11)


def test_in_company_the_left_elbow_points_to_the_hand() -> None:
    joints = moving(2)
    ours = lad(joints, NTU)
    alone = np.concatenate([lad(joints[body : body + 1], NTU) for body in range(2)])
    assert np.flatnonzero((ours != alone).any(axis=1)).tolist() == [4, 18]
    corrected = [lad(joints[bodies], NTU, corrected=True) for bodies in (slice(2), slice(1), slice(1, 2))]
    np.testing.assert_array_equal(corrected[0], np.concatenate(corrected[1:]))


def test_a_side_of_no_length_gives_no_angle() -> None:
    joints = moving()
    joints[0, 3, 4] = joints[0, 3, 5]
    for corrected in (False, True):
        ours = lad(joints, NTU, corrected=corrected)
        assert ours[4, 3] == ours[5, 3] == 0
        assert np.isfinite(ours).all()


@settings(deadline=None)
@given(st.integers(-1000, 1000), st.integers(-2, 2))
def test_cosines_are_rounded_as_python_rounds(thousandths: int, steps: int) -> None:
    cosine = thousandths / 1000
    for _ in range(abs(steps)):
        cosine = math.nextafter(cosine, steps)
    assert _in_hundredths(np.array([cosine])).tolist() == [round(100 * round(min(max(cosine, -1), 1), 2))]


def test_straight_and_folded_limbs() -> None:
    joints = np.zeros((1, 2, 25, 3))
    joints[0, :, 4] = 0.3, 0.1, 0.7
    joints[0, 0, 6], joints[0, 1, 6] = -2 * joints[0, 0, 4], 3 * joints[0, 1, 4]
    np.testing.assert_array_equal(lad(joints, NTU)[4], [math.pi, 0])


@pytest.mark.parametrize(("name", "rows"), [("utd20", 10), ("openpose25", 10), ("coco17", 4)])
def test_angles_are_dropped_where_joints_lack(name: str, rows: int) -> None:
    skeleton = layout(name)
    assert len(lad(moving(joints=len(skeleton.joints)), skeleton)) == rows


def test_a_layout_without_any_angle_is_refused() -> None:
    arm = SkeletonLayout("arm", ("left_elbow", "left_wrist"), (0, 0), (0, 1))
    with pytest.raises(ShapeError, match="layout arm has the joints of no angle of LAD; name its joints"):
        lad(np.ones((1, 2, 2, 3)), arm)


@settings(deadline=None)
@given(OFFSETS, ANGLES)
def test_it_does_not_change_with_place_and_direction(
    offset: tuple[float, float, float], angles: tuple[float, float, float]
) -> None:
    joints = moving(2)
    turned = lad(rotated(joints, angles) + offset, NTU, corrected=True)
    np.testing.assert_allclose(turned, lad(joints, NTU, corrected=True), rtol=0, atol=1e-5)


def test_absent_bodies_are_nan_when_corrected() -> None:
    absent = np.isnan(lad(with_gaps(), NTU, corrected=True).reshape(2, 14, 12))
    assert absent[0, :, 0].all()
    assert absent[1][:, [0, 1, 10, 11]].all()
    assert absent.sum() == 5 * 14
