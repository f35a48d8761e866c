# SPDX-License-Identifier: Apache-2.0
"""JDD against distances one by one; its oddities, and that they are gone when corrected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import NTU, OTHER, UCLA, moving, rotated, with_gaps

from bonefide.descriptors._tables import table
from bonefide.descriptors.jdd import jdd
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

OFFSETS = st.tuples(*[st.floats(-10, 10)] * 3)
ANGLES = st.tuples(*[st.floats(-3, 3)] * 3)


def _between(joints: Array, first: int, second: int) -> Array:
    return np.linalg.norm(joints[..., first, :] - joints[..., second, :], axis=-1)


def _size(joints: Array, skeleton: SkeletonLayout) -> float:
    return sum(_between(joints[0], *bone) for bone in table(skeleton, corrected=True).bones)


@pytest.mark.parametrize("skeleton", [NTU, UCLA, OTHER])
def test_corrected_rows_are_distances_in_units_of_the_body(skeleton: SkeletonLayout) -> None:
    joints = moving(2, joints=len(skeleton.joints))
    pairs = [row[:2] for row in table(skeleton, corrected=True).distances[0]]
    expected = [_between(body, *pair) / _size(body, skeleton) for body in joints for pair in pairs]
    np.testing.assert_allclose(jdd(joints, skeleton, corrected=True), expected, rtol=1e-12)


def test_the_oddities_of_ntu() -> None:
    joints = moving(2)
    ours, corrected = (jdd(joints, NTU, corrected=corrected).reshape(2, 32, 12) for corrected in (False, True))
    odd = [[20, 21], [16, 17, 20, 21]]
    for body in range(2):
        same = (ours[body] == corrected[body]).all(axis=1)
        assert np.flatnonzero(~same).tolist() == odd[body]
    borrowed = joints.copy()
    borrowed[:, :, 9, 2] = joints[:, :, 17, 2]
    sizes = [_size(body, NTU) for body in joints]
    np.testing.assert_allclose(ours[1, 20], _between(borrowed[1], 20, 9) / sizes[1], rtol=1e-12)
    borrowed[:, :, 10, 2] = joints[:, :, 9, 2]
    np.testing.assert_allclose(ours[0, 21], _between(borrowed[0], 8, 10) / sizes[0], rtol=1e-12)
    np.testing.assert_array_equal(ours[1, 16], corrected[1, 17])
    assert not ours[1, 17].any()


def test_the_oddities_of_nwucla() -> None:
    joints = moving(joints=20)
    ours, corrected = (jdd(joints, UCLA, corrected=corrected) for corrected in (False, True))
    size = _size(joints[0], UCLA)
    longer = size + _between(joints[0, 0], 2, 3)
    divided = np.arange(32) != 25
    np.testing.assert_allclose(ours[divided] * longer, corrected[divided] * size, rtol=1e-12)
    np.testing.assert_allclose(ours[25], _between(joints[0], 5, 10), rtol=1e-12)
    np.testing.assert_allclose(corrected[25], ours[25] / size, rtol=1e-12)


def test_by_anatomy_ntu_has_its_own_pairs() -> None:
    known, other = (table(skeleton, corrected=True) for skeleton in (NTU, OTHER))
    assert other.distances == known.distances
    assert other.origin == known.origin == 1


@pytest.mark.parametrize(("name", "rows"), [("utd20", 30), ("openpose25", 22), ("halpe26", 22), ("coco17", 18)])
def test_pairs_are_dropped_where_joints_lack(name: str, rows: int) -> None:
    skeleton = layout(name)
    joints = moving(joints=len(skeleton.joints))
    ours = jdd(joints, skeleton)
    assert ours.shape == (rows, 12)
    lower = [joint.lower() for joint in skeleton.joints]
    elbows = [
        place
        for place, joint in enumerate(lower)
        if joint in {"left_elbow", "right_elbow", "lelbow", "relbow", "l_elbow", "r_elbow"}
    ]
    np.testing.assert_allclose(ours[0], _between(joints[0], *elbows) / _size(joints[0], skeleton), rtol=1e-12)


def test_a_layout_without_any_pair_is_refused() -> None:
    hand = SkeletonLayout("hand", ("palm", "finger"), (0, 0), (0, 1))
    with pytest.raises(ShapeError, match="layout hand has both joints of no pair of JDD; name its joints"):
        jdd(np.ones((1, 2, 2, 3)), hand)


@settings(deadline=None)
@given(OFFSETS, ANGLES)
def test_it_does_not_change_with_place_and_direction(
    offset: tuple[float, float, float], angles: tuple[float, float, float]
) -> None:
    joints = moving(2)
    np.testing.assert_allclose(jdd(joints + offset, NTU), jdd(joints, NTU), rtol=0, atol=1e-13)
    turned = jdd(rotated(joints, angles) + offset, NTU, corrected=True)
    np.testing.assert_allclose(turned, jdd(joints, NTU, corrected=True), rtol=0, atol=1e-13)


def test_a_body_that_comes_later_is_measured_when_it_does() -> None:
    joints = with_gaps()
    ours = jdd(joints, NTU)
    np.testing.assert_array_equal(ours[0], _between(joints[0], 5, 9))
    corrected = jdd(joints, NTU, corrected=True).reshape(2, 32, 12)
    np.testing.assert_allclose(corrected[0, 0, 1:], ours[0, 1:] / _size(joints[0, 1:], NTU), rtol=1e-12)
    np.testing.assert_allclose(corrected[1, 0, 2], _between(joints[1, 2], 5, 9) / _size(joints[1, 2:], NTU))
    absent = np.isnan(corrected)
    assert absent[0, :, 0].all()
    assert absent[1][:, [0, 1, 10, 11]].all()
    assert absent.sum() == 5 * 32


def test_a_body_of_no_size_is_not_divided() -> None:
    joints = moving()
    joints[0, 0] = 1
    np.testing.assert_array_equal(jdd(joints, NTU)[0], _between(joints[0], 5, 9))
