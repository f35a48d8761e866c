# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses

import pytest

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import SkeletonLayout, layout, names
from bonefide.layouts.body_parts import body_parts

# The paper's label of every joint.
NTU = (0, 4, 2, 2, 2, 2, 1, 1, 2, 2, 1, 1, 2, 3, 3, 3, 2, 3, 3, 3, 1, 0, 1, 0, 1)
UCLA = (0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2)
UCLA_BONE = (0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 2, 2, 2, 0, 2, 2, 2)


@pytest.mark.parametrize(
    ("name", "grouping", "labels"),
    [
        ("ntu25", "hyperformer", NTU),
        ("ntu25_pyskl", "hyperformer", NTU),
        ("ucla20", "hyperformer", UCLA),
        ("ucla20", "hyperformer_bone", UCLA_BONE),
    ],
)
def test_the_groupings_of_hyperformer(name: str, grouping: str, labels: tuple[int, ...]) -> None:
    parts = body_parts(layout(name), grouping)
    assert [next(i for i, part in enumerate(parts) if joint in part) for joint in range(len(labels))] == list(labels)
    if grouping == "hyperformer":
        assert body_parts(layout(name), preferred="hyperformer") == parts


@pytest.mark.parametrize("name", names())
def test_without_a_name_left_and_right_are_one(name: str) -> None:
    this = layout(name)
    parts = body_parts(this)
    assert len(parts) == 3
    assert sorted(joint for part in parts for joint in part) == list(range(len(this.joints)))
    for part in parts:
        assert {this.mirror[joint] for joint in part} == set(part)


@pytest.mark.parametrize("name", ["ntu25", "ucla20", "utd20"])
def test_the_tree_alone_tells_trunk_arms_and_legs(name: str) -> None:
    bare = dataclasses.replace(layout(name), parts={})
    assert body_parts(bare) == body_parts(layout(name))


def test_nw_ucla_has_the_same_by_name_and_by_rule() -> None:
    assert set(body_parts(layout("ucla20"))) == set(body_parts(layout("ucla20"), "hyperformer"))


def test_without_left_and_right_the_branches_at_the_root_count() -> None:
    own = SkeletonLayout("own", ("tip", "stem", "root", "leaf", "twig"), (1, 2, 2, 2, 3), (0, 1, 2, 3, 4))
    assert body_parts(own) == ((0, 1), (2,), (3, 4))


def test_a_limb_that_hangs_together_through_joints_numbered_later() -> None:
    own = SkeletonLayout("own", ("a", "c", "b", "d", "m"), (2, 3, 4, 4, 4), (1, 0, 3, 2, 4))
    assert body_parts(own) == ((0, 1, 2, 3), (4,))


def test_a_grouping_that_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match="of utd20: no 'limbs6'; did you mean 'limbs5'"):
        body_parts(layout("utd20"), "limbs6")


@pytest.mark.parametrize("parts", [((0, 1), (1, 2)), ((0, 1),), ((0, 1, 2), ())])
def test_joints_in_no_part_or_in_two(parts: tuple[tuple[int, ...], ...]) -> None:
    arm = SkeletonLayout("arm", ("hand", "elbow", "shoulder"), (1, 2, 2), (0, 1, 2), {"own": parts})
    with pytest.raises(ShapeError, match="the parts 'own' must hold every joint once"):
        body_parts(arm, "own")
