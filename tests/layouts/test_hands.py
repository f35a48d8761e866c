# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses

import pytest

from bonefide.layouts import SkeletonLayout, layout, names
from bonefide.layouts.hands import flat_hands


def test_kinect_v2_gets_the_tree_of_pyskl() -> None:
    flat = flat_hands(layout("ntu25"))
    assert flat.parents == layout("ntu25_pyskl").parents
    assert dataclasses.replace(flat, parents=layout("ntu25").parents) == layout("ntu25")
    assert flat.parts == layout("ntu25").parts


@pytest.mark.parametrize("name", sorted(set(names()) - {"ntu25"}))
def test_all_others_stay(name: str) -> None:
    assert flat_hands(layout(name)) is layout(name)


def test_joints_are_known_by_what_they_are_not_by_their_place() -> None:
    joints = ("LThumb", "LHandTip", "LHand", "wrist")
    own = SkeletonLayout("own", joints, (1, 2, 3, 3), (0, 1, 2, 3))
    assert flat_hands(own).parents == (2, 2, 3, 3)
