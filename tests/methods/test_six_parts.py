# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses

import pytest

from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout, layout, names
from bonefide.methods._six_parts import six_parts
from bonefide.text.descriptions import PARTS

KINECT = (
    (2, 3, 20),
    (7, 11, 21, 22, 23, 24),
    (4, 5, 6, 8, 9, 10),
    (0, 1),
    (12, 13, 16, 17),
    (14, 15, 18, 19),
)


@pytest.mark.parametrize("name", ["ntu25", "ntu25_pyskl"])
def test_kinect_v2_is_grouped_as_published(name: str) -> None:
    assert six_parts(layout(name)) == KINECT


@pytest.mark.parametrize("name", names())
def test_every_joint_is_in_one_part_with_its_twin(name: str) -> None:
    this = layout(name)
    parts = six_parts(this)
    assert len(parts) == len(PARTS)
    assert all(parts)
    assert sorted(joint for part in parts for joint in part) == list(range(len(this.joints)))
    for part in parts:
        assert {this.mirror[joint] for joint in part} == set(part)


@pytest.mark.parametrize("name", ["ucla20", "utd20"])
def test_kinect_v1_is_kinect_v2_without_what_it_lacks(name: str) -> None:
    found = [{layout(name).joints[joint] for joint in part} for part in six_parts(layout(name))]
    assert found[0] == {"head", "shoulder_center"}
    assert found[1] == {"left_hand", "right_hand"}
    assert found[3] == {"spine", "hip_center"}
    same = [{layout("ntu25").joints[joint] for joint in KINECT[part]} for part in (2, 4, 5)]
    assert [found[2], found[4], found[5]] == same


def test_wrists_stand_for_hands_and_hips_for_the_pelvis() -> None:
    coco = layout("coco17")
    parts = six_parts(coco)
    assert [coco.joints[joint] for joint in parts[1]] == ["left_wrist", "right_wrist"]
    assert [coco.joints[joint] for joint in parts[3]] == ["left_hip", "right_hip"]
    assert [coco.joints[joint] for joint in parts[4]] == ["left_knee", "right_knee"]


def test_a_joint_of_no_known_name_goes_with_the_nearest() -> None:
    coco = layout("coco17")
    joints = tuple("mystery" if name == "left_elbow" else name for name in coco.joints)
    # Between the shoulder, an arm, and the wrist, a hand; the shoulder has the smaller number.
    assert six_parts(dataclasses.replace(coco, joints=joints)) == six_parts(coco)


def test_a_grouping_of_ones_own_comes_first() -> None:
    own = (*((joint,) for joint in range(5)), tuple(range(5, 17)))
    assert six_parts(dataclasses.replace(layout("coco17"), parts={"star6": own})) == own


@pytest.mark.parametrize("parts", [(tuple(range(17)),), ((0,), (1,), (2,), (3,), (4,), tuple(range(6, 17)))])
def test_groupings_that_do_not_fit(parts: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ShapeError, match=r"coco17: .*star6' must hold"):
        six_parts(dataclasses.replace(layout("coco17"), parts={"star6": parts}))


@pytest.mark.parametrize(
    ("joints", "missing"),
    [(("a", "b"), "no joints of head, hand, arm, hip, leg, foot"), (("head", "left_hand"), "no joints of arm, hip")],
)
def test_skeletons_without_some_part(joints: tuple[str, str], missing: str) -> None:
    with pytest.raises(ShapeError, match=missing):
        six_parts(SkeletonLayout("own", joints, (0, 0), (0, 1)))
