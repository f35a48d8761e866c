# SPDX-License-Identifier: Apache-2.0
"""Joints of pose estimators from those of Kinect v2."""

from __future__ import annotations

import numpy as np
import pytest

from bonefide.data.synthetic.other_joints import Target, joints25_to, names, sources
from bonefide.data.synthetic.perform import perform
from bonefide.layouts import layout

TARGETS: tuple[Target, ...] = ("coco17", "openpose25", "mediapipe33")
NTU = {name: index for index, name in enumerate(layout("ntu25").joints)}


@pytest.fixture(scope="module")
def person() -> np.ndarray:
    return perform("wave", seed=4)[0]


def placed(target: Target, joints: np.ndarray) -> dict[str, np.ndarray]:
    moved = joints25_to(target, joints)
    return {name: moved[..., index, :] for index, name in enumerate(names(target))}


def axes(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rightward along the hips, and forward, level with the ground."""
    right = joints[:, NTU["right_hip"]] - joints[:, NTU["left_hip"]]
    right = right * (1.0, 0.0, 1.0) / np.linalg.norm(right[:, (0, 2)], axis=1, keepdims=True)
    return right, np.cross((0.0, 1.0, 0.0), right)


def along(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    return np.einsum("tc,tc->t", vector, axis)


def test_orders_are_the_official_ones() -> None:
    assert names("coco17") == layout("coco17").joints
    openpose = names("openpose25")
    assert (openpose[0], openpose[1], openpose[4], openpose[8]) == ("nose", "neck", "right_wrist", "mid_hip")
    assert (openpose[15], openpose[19], openpose[21], openpose[24]) == (
        "right_eye", "left_big_toe", "left_heel", "right_heel",
    )  # fmt: skip
    mediapipe = names("mediapipe33")
    assert (mediapipe[2], mediapipe[8], mediapipe[16], mediapipe[17], mediapipe[32]) == (
        "left_eye", "right_ear", "right_wrist", "left_pinky", "right_foot_index",
    )  # fmt: skip
    assert [len(set(names(target))) for target in TARGETS] == [17, 25, 33]


@pytest.mark.parametrize("target", TARGETS)
def test_same_joints_are_taken_over(target: Target, person: np.ndarray) -> None:
    found = placed(target, person)
    for name in ("left_shoulder", "right_wrist", "left_knee", "right_ankle", "left_hip"):
        np.testing.assert_array_equal(found[name], person[:, NTU[name]])


@pytest.mark.parametrize("target", TARGETS)
def test_it_does_not_matter_where_one_stands_and_looks(target: Target, person: np.ndarray) -> None:
    turn = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]])
    moved = joints25_to(target, person @ turn.T + (1.0, -2.0, 3.0))
    np.testing.assert_allclose(moved, joints25_to(target, person) @ turn.T + (1.0, -2.0, 3.0), atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_a_mirrored_person_has_mirrored_joints(target: Target, person: np.ndarray) -> None:
    mirrored = person[:, list(layout("ntu25").mirror)] * (-1.0, 1.0, 1.0)
    swapped = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in names(target)]
    order = [names(target).index(name) for name in swapped]
    expected = joints25_to(target, person)[:, order] * (-1.0, 1.0, 1.0)
    np.testing.assert_allclose(joints25_to(target, mirrored), expected, atol=1e-12)


def test_the_face_looks_ahead_with_the_person_s_own_left_and_right(person: np.ndarray) -> None:
    face = placed("mediapipe33", person)
    head = person[:, NTU["head"]]
    right, ahead = axes(person)
    assert (along(face["nose"] - head, ahead) > 0.05).all()
    assert (face["nose"][:, 1] < face["left_eye"][:, 1]).all()
    assert (face["left_mouth"][:, 1] < face["nose"][:, 1]).all()
    for part in ("eye", "ear", "mouth", "eye_inner", "eye_outer"):
        assert (along(face[f"right_{part}"] - face[f"left_{part}"], right) > 0.02).all()
    width = np.linalg.norm(face["right_ear"] - face["left_ear"], axis=1)
    assert ((width > 0.11) & (width < 0.2)).all()


def test_feet_stand_on_the_ground_heels_behind_toes() -> None:
    person = perform("bow", seed=1)[0]
    found = placed("openpose25", person)
    right, ahead = axes(person)
    standing = 5
    for side, outward in (("left", -right), ("right", right)):
        heel, big, small = (found[f"{side}_{part}"] for part in ("heel", "big_toe", "small_toe"))
        ankle = person[:, NTU[f"{side}_ankle"]]
        assert (along(ankle - heel, ahead)[:standing] > 0.01).all()
        assert (along(big - ankle, ahead)[:standing] > 0.1).all()
        assert (along(small - big, outward)[:standing] > 0.02).all()
        for part in (heel, big, small):
            assert np.abs(part[:standing, 1]).max() < 0.04
        length = np.linalg.norm(big - heel, axis=1)
        assert ((length > 0.18) & (length < 0.33)).all()


def test_thumb_and_little_finger_lie_on_either_side_of_the_hand(person: np.ndarray) -> None:
    found = placed("mediapipe33", person)
    for side in ("left", "right"):
        hand, thumb = person[:, NTU[f"{side}_hand"]], person[:, NTU[f"{side}_thumb"]]
        forearm = person[:, NTU[f"{side}_wrist"]] - person[:, NTU[f"{side}_elbow"]]
        np.testing.assert_array_equal(found[f"{side}_thumb"], thumb)
        assert (along(found[f"{side}_pinky"] - hand, thumb - hand) < 0).all()
        assert (along(found[f"{side}_index"] - hand, forearm) > 0).all()


def test_sources_name_the_joint_behind_each() -> None:
    kinect = layout("ntu25").joints
    behind = {target: [kinect[joint] for joint in sources(target)] for target in TARGETS}
    assert behind["coco17"][:6] == ["head"] * 5 + ["left_shoulder"]
    assert behind["openpose25"][8] == "spine_base"
    assert behind["openpose25"][21:] == ["left_foot", "right_foot", "right_foot", "right_foot"]
    assert behind["mediapipe33"][17:22] == ["left_hand", "right_hand", "left_hand", "right_hand", "left_thumb"]
