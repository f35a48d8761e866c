# SPDX-License-Identifier: Apache-2.0
"""The origin is the spine of body 0 in frame 0; absent bodies move with the others, unless corrected."""

from __future__ import annotations

import numpy as np
import pytest
from moving import NTU, UCLA, moving, with_gaps

from bonefide.descriptors.center import center
from bonefide.errors import DataError, ShapeError
from bonefide.layouts import layout
from bonefide.layouts.layout import SkeletonLayout


def test_the_origin_is_subtracted_from_both_bodies() -> None:
    joints = moving(2)
    np.testing.assert_array_equal(center(joints, NTU), joints - joints[0, 0, 1])


def test_centred_sequences_stay_as_they_are() -> None:
    once = center(moving(2), NTU)
    np.testing.assert_array_equal(center(once, NTU), once)


def test_every_sequence_has_its_own_origin() -> None:
    parts = [moving(frames=frames, joints=20, seed=frames) for frames in (1, 4, 3)]
    ours = center(np.concatenate(parts, axis=1), UCLA, lengths=np.array([1, 4, 3]))
    np.testing.assert_array_equal(ours, np.concatenate([center(part, UCLA) for part in parts], axis=1))


def test_absent_bodies_move_unless_corrected() -> None:
    joints = with_gaps()
    joints[0, 0] = joints[0, 1]
    ours, corrected = (center(joints, NTU, corrected=corrected) for corrected in (False, True))
    assert (ours[1, 0] == -joints[0, 0, 1]).all()
    assert not corrected[1, [0, 1, 10, 11]].any()
    there = np.s_[:, 2:10]
    np.testing.assert_array_equal(ours[there], corrected[there])


def test_an_empty_first_frame_moves_nothing_unless_corrected() -> None:
    joints = with_gaps()
    np.testing.assert_array_equal(center(joints, NTU), joints)
    corrected = center(joints, NTU, corrected=True)
    np.testing.assert_array_equal(corrected[0, 1:], (joints - joints[0, 1, 1])[0, 1:])
    assert not corrected[0, 0].any()


def test_what_was_shifted_before_is_corrected_alike() -> None:
    joints = with_gaps()
    joints[0, 0] = joints[0, 1]
    shifted = center(center(joints, NTU), NTU, corrected=True)
    np.testing.assert_allclose(shifted, center(joints, NTU, corrected=True), rtol=0, atol=1e-15)


@pytest.mark.parametrize(("name", "joint"), [("utd20", "spine"), ("openpose25", "MidHip"), ("coco17", "nose")])
def test_other_layouts_have_their_middle(name: str, joint: str) -> None:
    skeleton = layout(name)
    number = {each.lower().replace("_", ""): place for place, each in enumerate(skeleton.joints)}[joint.lower()]
    ours = center(moving(joints=len(skeleton.joints)), skeleton)
    assert not ours[0, 0, number].any()
    assert np.count_nonzero(~ours[0, 0].any(axis=1)) == 1


def test_bodies_after_the_second_are_left_out_and_flat_ones_get_a_depth() -> None:
    joints = moving(3)
    np.testing.assert_array_equal(center(joints, NTU), center(joints[:2], NTU))
    flat = center(joints[..., :2], NTU)
    np.testing.assert_array_equal(flat[..., :2], center(joints, NTU)[..., :2])
    assert not flat[..., 2].any()


def test_the_input_is_not_changed() -> None:
    joints = with_gaps()
    before = joints.copy()
    center(joints, NTU)
    center(joints.transpose(3, 0, 2, 1).copy().transpose(1, 3, 2, 0), NTU, corrected=True)
    np.testing.assert_array_equal(joints, before)


@pytest.mark.parametrize("shape", [(12, 25, 3), (0, 12, 25, 3), (1, 0, 25, 3), (1, 12, 25, 4), (1, 12, 25, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"need joints \(M, T, V, 2 or 3\)"):
        center(np.zeros(shape), NTU)


def test_another_layout_is_refused() -> None:
    with pytest.raises(ShapeError, match="layout ucla20 has 20 joints, got 25; give the layout of the data"):
        center(moving(), UCLA)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e31])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    joints = moving()
    joints[0, 3, 4, 1] = number
    with pytest.raises(DataError, match="need finite coordinates"):
        center(joints, NTU)


@pytest.mark.parametrize("lengths", [[], [12, 0], [5, 6], [13, -1]])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ShapeError, match="add up to the 12 frames"):
        center(moving(), NTU, lengths=np.array(lengths, dtype=int))


def test_a_layout_without_bones_is_refused() -> None:
    with pytest.raises(ShapeError, match="has no bones"):
        center(np.ones((1, 2, 1, 3)), SkeletonLayout("dot", ("dot",), (0,), (0,)))
