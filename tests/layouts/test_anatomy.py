# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from bonefide.layouts import SkeletonLayout, layout, names
from bonefide.layouts.anatomy import POINTS, points
from bonefide.layouts.sides import name_of_twin, sideless


@pytest.mark.parametrize("name", names())
def test_every_joint_of_our_layouts_is_a_point_of_its_own(name: str) -> None:
    found = points(layout(name))
    assert set(found) <= set(POINTS)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", names())
def test_points_are_mirrored_as_the_joints_are(name: str) -> None:
    found = points(layout(name))
    assert [found[twin] for twin in layout(name).mirror] == [name_of_twin(point) for point in found]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, ("left", "knee")) for name in ("left_knee", "knee_left", "LeftKnee", "LKnee", "knee.l", "L Knee")),
        ("RBigToe", ("right", "big_toe")),
        ("MidHip", ("", "mid_hip")),
        ("lower_leg", ("", "lower_leg")),
        ("Bip01 R Foot", ("right", "bip_01_foot")),
    ],
)
def test_sides_are_seen_in_all_spellings(name: str, expected: tuple[str, str]) -> None:
    assert sideless(name) == expected


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("left_knee", "right_knee"),
        ("KneeLeft", "KneeRight"),
        ("LKnee", "RKnee"),
        ("knee.r", "knee.l"),
        ("LEFT_KNEE", "RIGHT_KNEE"),
        ("spine", "spine"),
        ("pelvis_01", "pelvis_01"),
    ],
)
def test_twins_are_spelt_as_their_joints_are(name: str, twin: str) -> None:
    assert name_of_twin(name) == twin
    assert name_of_twin(twin) == name


def test_what_a_layout_says_comes_before_names_and_unknown_names_stay() -> None:
    mine = SkeletonLayout(
        "mine", ("Hips", "LeftFoot", "tail"), (0, 0, 0), (0, 1, 2), anatomy={"LeftFoot": "left_ankle"}
    )
    assert points(mine) == ("pelvis", "left_ankle", "tail")
    assert points(SkeletonLayout("mine", ("LeftFoot",), (0,), (0,))) == ("left_toe",)
