# SPDX-License-Identifier: Apache-2.0
"""Layouts are trees; edges, mirrors and parts fit the joints they name."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import SkeletonLayout, layout, layout_facts, layout_from_facts, names

KINECT = ("ntu25", "ntu25_pyskl", "ucla20", "utd20")

# 1-based (child, parent), as the papers print them.
NTU_BONES = (
    "1-2 2-21 3-21 4-3 5-21 6-5 7-6 8-7 9-21 10-9 11-10 12-11 13-1 14-13 15-14 16-15 17-1 18-17 19-18 20-19 "
    "22-23 23-8 24-25 25-12"
)
UCLA_BONES = "1-2 2-3 4-3 5-3 6-5 7-6 8-7 9-3 10-9 11-10 12-11 13-1 14-13 15-14 16-15 17-1 18-17 19-18 20-19"


def _bones(text: str) -> set[tuple[int, int]]:
    pairs = (pair.split("-") for pair in text.split())
    return {(int(child) - 1, int(parent) - 1) for child, parent in pairs}


def _arm(**changes: object) -> SkeletonLayout:
    arm = SkeletonLayout("arm", ("hand", "elbow", "shoulder"), (1, 2, 2), (0, 1, 2))
    return dataclasses.replace(arm, **changes)  # type: ignore[arg-type]


def test_names_of_all_layouts() -> None:
    assert names() == (
        "coco17", "halpe26", "mediapipe33", "ntu25", "ntu25_pyskl", "openpose18", "openpose25", "ucla20", "utd20",
    )  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_a_layout_bears_the_name_it_is_found_by(name: str) -> None:
    assert layout(name).name == name


def test_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="layouts: no 'ntu26'; did you mean 'ntu25'"):
        layout("ntu26")


@pytest.mark.parametrize(
    ("name", "joints"),
    [
        *(("ntu25", 25), ("ntu25_pyskl", 25), ("ucla20", 20), ("utd20", 20), ("coco17", 17)),
        *(("halpe26", 26), ("mediapipe33", 33), ("openpose18", 18), ("openpose25", 25)),
    ],
)
def test_numbers_of_joints(name: str, joints: int) -> None:
    assert len(layout(name).joints) == len(set(layout(name).joints)) == joints
    assert len(layout(name).edges()) == joints - 1


def test_bones_are_those_the_papers_print() -> None:
    assert set(layout("ntu25").edges()) == _bones(NTU_BONES)
    assert set(layout("ucla20").edges()) == _bones(UCLA_BONES)
    hands = _bones(NTU_BONES.replace("22-23", "22-8").replace("24-25", "24-12"))
    assert set(layout("ntu25_pyskl").edges()) == hands


@pytest.mark.parametrize(
    ("name", "root"),
    [
        *(("ntu25", "spine_shoulder"), ("ucla20", "shoulder_center"), ("utd20", "shoulder_center"), ("coco17", "nose")),
        *(("openpose18", "neck"), ("openpose25", "neck"), ("halpe26", "neck"), ("mediapipe33", "nose")),
    ],
)
def test_roots(name: str, root: str) -> None:
    assert layout(name).joints[layout(name).root] == root


def test_two_orders_of_the_same_sensor_are_one_tree() -> None:
    def by_name(which: SkeletonLayout) -> set[tuple[str, str]]:
        return {(which.joints[child], which.joints[parent]) for child, parent in which.edges()}

    assert by_name(layout("ucla20")) == by_name(layout("utd20"))


@pytest.mark.parametrize("name", names())
def test_mirror_swaps_left_and_right_and_nothing_else(name: str) -> None:
    this = layout(name)
    for joint, twin in zip(this.joints, (this.joints[place] for place in this.mirror), strict=True):
        swapped = joint.replace("left", "R").replace("right", "left").replace("R", "right")
        assert twin == swapped


@pytest.mark.parametrize("name", names())
def test_mirroring_keeps_the_tree(name: str) -> None:
    this = layout(name)
    undirected = {frozenset(edge) for edge in this.edges()}
    mirrored = {frozenset((this.mirror[child], this.mirror[parent])) for child, parent in this.edges()}
    assert undirected == mirrored


@pytest.mark.parametrize("name", names())
def test_limbs_hold_every_joint_once(name: str) -> None:
    parts = layout(name).parts["limbs5"]
    assert sorted(joint for part in parts for joint in part) == list(range(len(layout(name).joints)))


@pytest.mark.parametrize("name", names())
def test_every_joint_reaches_the_root(name: str) -> None:
    this = layout(name)
    for start in range(len(this.joints)):
        joint, steps = start, 0
        while joint != this.root:
            joint, steps = this.parents[joint], steps + 1
        assert steps == this.hops()[start, this.root]


def test_graphs_come_from_the_layout() -> None:
    arm = _arm()
    assert arm.adjacency("binary").tolist() == [[[0, 1, 0], [1, 0, 1], [0, 1, 0]]]
    assert arm.adjacency().shape == (3, 3, 3)
    assert np.count_nonzero(arm.adjacency("stgcn_uniform", max_hop=2)) == 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parents": (1, 2)}, "as many parents and mirrored joints"),
        ({"mirror": (0, 1)}, "as many parents and mirrored joints"),
        ({"parents": (0, 1, 2)}, "form one tree"),
        ({"parents": (1, 0, 2)}, "form one tree"),
        ({"parents": (1, 2, 3)}, "form one tree"),
        ({"parents": (1, -1, 2)}, "form one tree"),
        ({"mirror": (1, 2, 0)}, "mirroring twice"),
        ({"mirror": (0, 1, 3)}, "mirroring twice"),
        ({"parts": {"all": ((0, 1, 2, 3),)}}, "a part names a joint beyond 2"),
        ({"parts": {"all": ((-1,),)}}, "a part names a joint beyond 2"),
        ({"anatomy": {"wrist": "left_wrist"}}, "anatomy tells of 'wrist', which is none of its joints"),
    ],
)
def test_impossible_layouts_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ShapeError, match=f"layout arm: .*{message}"):
        _arm(**changes)


def test_a_layout_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        layout("ntu25").name = "mine"  # type: ignore[misc]


@pytest.mark.parametrize("name", names())
def test_facts_give_the_layout_back_through_json(name: str) -> None:
    back = layout_from_facts(json.loads(json.dumps(layout_facts(layout(name)))))
    assert back == layout(name)
    assert back.parts == layout(name).parts
    assert back.anatomy == layout(name).anatomy


def test_facts_of_older_files_know_no_anatomy() -> None:
    facts = layout_facts(_arm())
    del facts["anatomy"]
    assert layout_from_facts(facts) == _arm()


@pytest.mark.parametrize(("change", "error"), [({"parents": [1, 2]}, ShapeError), ({"joints": 3}, TypeError)])
def test_facts_that_are_no_layout(change: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        layout_from_facts({**layout_facts(_arm()), **change})


# Placed here as the estimators' own documents number them, so that a slip in our order shows.
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("openpose25", {"neck": 1, "right_wrist": 4, "mid_hip": 8, "left_ankle": 14, "left_ear": 18, "right_heel": 24}),
        (
            "openpose18",
            {"neck": 1, "right_wrist": 4, "right_hip": 8, "left_ankle": 13, "right_eye": 14, "left_ear": 17},
        ),
        (
            "halpe26",
            {"right_ankle": 16, "head_top": 17, "neck": 18, "mid_hip": 19, "left_big_toe": 20, "right_heel": 25},
        ),
        ("mediapipe33", {"left_ear": 7, "left_shoulder": 11, "left_thumb": 21, "left_hip": 23, "right_foot_index": 32}),
    ],
)
def test_joints_stand_where_the_estimators_put_them(name: str, places: dict[str, int]) -> None:
    assert {joint: layout(name).joints.index(joint) for joint in places} == places
