# SPDX-License-Identifier: Apache-2.0
"""Conversions between layouts: what must be exact, what must be marked, and what no conversion may break."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bonefide.data.raw.ntu import NTU
from bonefide.data.synthetic.perform import perform
from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout, layout, names
from bonefide.layouts.conversion import JointConversion, conversion

PAIRS = list(itertools.product(names(), names()))
SAME_JOINTS = [("ntu25", "ntu25_pyskl"), ("ntu25_pyskl", "ntu25"), *((name, name) for name in names())]
OFFICIAL = Path(__file__).parents[1] / "golden" / "data_ntu_raw.zip"


def _between(source: str, target: str) -> JointConversion:
    return conversion(layout(source), layout(target))


def _persons(name: str, *, frames: int = 4, channels: int = 3) -> np.ndarray:
    joints = len(layout(name).joints)
    return np.random.default_rng(joints).normal(size=(2, frames, joints, channels)) + 3


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_skeletons_may_be_moved_before_or_after(source: str, target: str) -> None:
    found = _between(source, target)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, atol=1e-12)
    joints, shift = _persons(source), np.array([1.0, -2.0, 5.0])
    np.testing.assert_allclose(found.apply(joints + shift)[0], found.apply(joints)[0] + shift, atol=1e-12)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_left_and_right_are_treated_alike(source: str, target: str) -> None:
    found = _between(source, target)
    flip = np.array([-1.0, 1.0, 1.0])
    joints = _persons(source)
    mirrored = joints[..., list(layout(source).mirror), :] * flip
    expected = found.apply(joints)[0][..., list(layout(target).mirror), :] * flip
    np.testing.assert_allclose(found.apply(mirrored)[0], expected, atol=1e-12)
    assert [found.inferred[twin] for twin in layout(target).mirror] == list(found.inferred)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_is_copied_is_exactly_the_joint_that_was_there(source: str, target: str) -> None:
    found = _between(source, target)
    joints = _persons(source)
    moved, _ = found.apply(joints)
    for joint, origin in enumerate(found.origins):
        if origin == "copied":
            place = int(found.weights[joint].argmax())
            assert found.weights[joint, place] == 1
            np.testing.assert_array_equal(moved[..., joint, :], joints[..., place, :])
        if origin == "computed":
            assert np.count_nonzero(found.weights[joint]) > 1
            assert found.weights[joint].min() >= 0, "a computed joint lies among those it is made of"


@pytest.mark.parametrize(("source", "target"), SAME_JOINTS)
def test_the_same_joints_stay_as_they_are(source: str, target: str) -> None:
    found = _between(source, target)
    assert found.is_identity
    assert not found.inferred_joints
    assert not found.lost
    joints = _persons(source)
    np.testing.assert_array_equal(found.apply(joints)[0], joints)


def test_two_orders_of_the_same_sensor_are_a_permutation() -> None:
    there, back = _between("ucla20", "utd20"), _between("utd20", "ucla20")
    assert there.weights.argmax(axis=1).tolist() == [3, 2, 1, 0, *range(4, 20)]
    assert not there.inferred_joints
    assert not there.lost
    np.testing.assert_array_equal(there.weights @ back.weights, np.eye(20))
    assert not there.is_identity


@pytest.mark.parametrize(
    ("source", "target", "inferred", "lost"),
    [
        ("ntu25", "ucla20", "", "neck left_hand_tip left_thumb right_hand_tip right_thumb"),
        ("ucla20", "ntu25", "neck left_hand_tip left_thumb right_hand_tip right_thumb", "hip_center spine"),
        ("openpose18", "coco17", "", "neck"),
        (
            "openpose25",
            "coco17",
            "",
            "neck mid_hip left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel",
        ),
        ("halpe26", "openpose25", "", "head_top"),
        (
            "coco17",
            "ntu25",
            "neck left_hand right_hand left_foot right_foot left_hand_tip left_thumb right_hand_tip right_thumb",
            "nose left_eye right_eye",
        ),
        ("coco17", "ucla20", "left_hand right_hand left_foot right_foot", "nose left_eye right_eye"),
        (
            "mediapipe33",
            "ntu25",
            "neck left_hand_tip right_hand_tip",
            "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_mouth "
            "right_mouth left_heel right_heel",
        ),
        ("ntu25", "openpose18", "nose right_eye left_eye right_ear left_ear", None),
    ],
)
def test_what_is_inferred_and_what_is_lost(source: str, target: str, inferred: str, lost: str | None) -> None:
    found = _between(source, target)
    assert found.inferred_joints == tuple(inferred.split())
    assert found.measured.tolist() == [not each for each in found.inferred]
    if lost is not None:
        assert found.lost == tuple(lost.split())


def test_estimators_share_the_joints_of_coco() -> None:
    for source in ("mediapipe33", "openpose18", "openpose25", "halpe26"):
        assert set(_between(source, "coco17").origins) == {"copied"}
    back = _between("coco17", "openpose18")
    assert dict(zip(back.target.joints, back.origins, strict=True))["neck"] == "computed"
    assert not back.inferred_joints


def test_middle_points_are_means() -> None:
    found = _between("coco17", "ntu25")
    rows = dict(zip(found.target.joints, found.weights, strict=True))
    where = {name: place for place, name in enumerate(found.source.joints)}
    assert rows["spine_base"][[where["left_hip"], where["right_hip"]]].tolist() == [0.5, 0.5]
    assert rows["spine_shoulder"][[where["left_shoulder"], where["right_shoulder"]]].tolist() == [0.5, 0.5]
    trunk = [where[f"{side}_{joint}"] for side in ("left", "right") for joint in ("hip", "shoulder")]
    assert rows["spine_middle"][trunk].tolist() == [0.25] * 4
    assert rows["head"][[where["left_ear"], where["right_ear"]]].tolist() == [0.5, 0.5]


def test_official_files_keep_every_coordinate_but_those_of_the_lower_trunk() -> None:
    found = _between("ntu25", "ucla20")
    limbs, places = [2, 3, *range(4, 20)], [20, *range(3, 20)]
    with zipfile.ZipFile(OFFICIAL) as archive:
        members = [name for name in archive.namelist() if NTU().matches(name)]
        for member in members[:5]:
            for body in NTU().read(member, archive.read(member)).bodies:
                moved, confidence = found.apply(body.joints)
                np.testing.assert_array_equal(moved[:, limbs], body.joints[:, places])
                assert (confidence == 1).all()
    assert len(members) >= 5


def test_kinect_1_has_its_hip_center_and_spine_lower_than_kinect_2() -> None:
    person = perform("wave")[0]
    there = _between("ntu25", "ucla20")
    old = dict(zip(there.target.joints, np.moveaxis(there.apply(person)[0], 1, 0), strict=True))
    base, chest = person[:, 0], person[:, 20]
    length = np.linalg.norm(chest - base, axis=-1)
    for name, share in (("hip_center", 0.14), ("spine", 0.29)):
        height = ((old[name] - base) * (chest - base)).sum(axis=-1) / length**2
        np.testing.assert_allclose(height, share, atol=0.03)
    back = _between("ucla20", "ntu25")
    rows = dict(zip(back.target.joints, back.weights, strict=True))
    where = {name: place for place, name in enumerate(back.source.joints)}
    assert rows["spine_base"][[where["left_hip"], where["right_hip"]]].tolist() == [0.5, 0.5]
    assert rows["spine_middle"][[where[each] for each in ("left_hip", "right_hip", "shoulder_center")]].tolist() == [
        0.25,
        0.25,
        0.5,
    ]


def test_limbs_and_head_are_not_lost_by_way_of_a_larger_layout() -> None:
    joints = _persons("ucla20")
    wide, _ = _between("ucla20", "ntu25").apply(joints)
    back, _ = _between("ntu25", "ucla20").apply(wide)
    np.testing.assert_array_equal(back[..., 2:, :], joints[..., 2:, :])


@pytest.mark.parametrize("other", ["coco17", "openpose25", "mediapipe33", "ucla20"])
def test_a_body_stays_a_body_there_and_back(other: str) -> None:
    person = perform("wave")[0]
    back, _ = _between(other, "ntu25").apply(_between("ntu25", other).apply(person)[0])
    found = layout("ntu25_pyskl")
    before = {found.joints[child]: _length(person, child, parent) for child, parent in found.edges()}
    after = {found.joints[child]: _length(back, child, parent) for child, parent in found.edges()}
    for name, length in before.items():
        # Both ends of these bones are copied there and back; a foot points forward, which legs do not tell.
        kept = any(limb in name for limb in ("elbow", "wrist", "knee", "ankle"))
        assert after[name] == pytest.approx(length, abs=1e-9 if kept else 0.09 if "foot" in name else 0.055), name
        assert 0.01 < after[name] < 0.6, name
    assert np.linalg.norm(back - person, axis=-1).max() < 0.15, "no joint is far from where it was"


def _length(person: np.ndarray, child: int, parent: int) -> float:
    return float(np.linalg.norm(person[:, child] - person[:, parent], axis=-1).mean())


@pytest.mark.parametrize("target", names())
def test_the_face_and_feet_of_an_inferred_body_are_where_they_belong(target: str) -> None:
    person = perform("wave")[0][0]
    found = _between("ntu25", target)
    moved, _ = found.apply(person[None])
    place = {name: moved[0, joint] for joint, name in enumerate(found.target.joints)}
    head = person[3]
    for name, point in place.items():
        if any(word in name for word in ("eye", "ear", "mouth", "nose", "head")):
            assert np.linalg.norm(point - head) < 0.2, name
        if any(word in name for word in ("toe", "heel", "foot")):
            ankle = person[14 if name.startswith("left") else 18]
            assert np.linalg.norm(point - ankle) < 0.2, name
            assert point[1] > -0.05, name


def test_absent_persons_and_frames_stay_zeros() -> None:
    found = _between("coco17", "ntu25")
    joints = _persons("coco17")
    joints[1] = 0
    joints[0, 2] = 0
    moved, confidence = found.apply(joints)
    assert not moved[1].any()
    assert not moved[0, 2].any()
    assert not confidence[1].any()
    assert not confidence[0, 2].any()
    assert confidence[0, [0, 1, 3]].all()


@pytest.mark.parametrize("fault", ["zeros", "confidence", "nan"])
def test_a_joint_that_needs_an_unknown_one_is_unknown(fault: str) -> None:
    found = _between("coco17", "ntu25")
    joints = _persons("coco17")
    confidence = np.full(joints.shape[:-1], 0.9, dtype=np.float32)
    hip = layout("coco17").joints.index("left_hip")
    if fault == "zeros":
        joints[0, 1, hip] = 0
    elif fault == "confidence":
        confidence[0, 1, hip] = 0
    else:
        joints[0, 1, hip, 1] = np.nan
    moved, sure = found.apply(joints, confidence)
    unknown = {name for joint, name in enumerate(found.target.joints) if sure[0, 1, joint] == 0}
    assert unknown == {"spine_base", "spine_middle", "left_hip"}
    assert np.isfinite(moved).all()
    assert not moved[0, 1][sure[0, 1] == 0].any()
    assert (sure[0, 0] == np.float32(0.9)).all()


def test_a_joint_is_as_sure_as_the_least_sure_it_is_made_of() -> None:
    found = _between("coco17", "ntu25")
    confidence = np.full((1, 1, 17), 0.9)
    confidence[..., layout("coco17").joints.index("right_hip")] = 0.2
    _, sure = found.apply(np.ones((1, 1, 17, 2)), confidence)
    assert sure[0, 0, found.target.joints.index("spine_base")] == 0.2
    assert sure[0, 0, found.target.joints.index("left_hip")] == 0.9


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_types_are_kept(kind: type) -> None:
    moved, confidence = _between("ntu25", "ucla20").apply(np.ones((5, 25, 3), dtype=kind))
    assert moved.dtype == (np.float64 if kind is np.int64 else kind)
    assert confidence.dtype == np.float32


def test_arguments_are_left_alone() -> None:
    joints = _persons("coco17")
    joints[0, 0, 3] = np.nan
    before = joints.copy()
    _between("coco17", "ntu25").apply(joints)
    np.testing.assert_array_equal(joints, before)
    with pytest.raises(ValueError, match="read-only"):
        _between("coco17", "ntu25").weights[0, 0] = 1


def test_joints_that_no_rule_leads_to_lie_on_their_parent() -> None:
    tailed = SkeletonLayout(
        "cat", ("pelvis", "tail", "tail_tip", "left_hip", "right_hip"), (0, 0, 1, 0, 0), (0, 1, 2, 4, 3)
    )
    found = conversion(layout("ntu25"), tailed)
    assert found.inferred_joints == ("tail", "tail_tip")
    np.testing.assert_array_equal(found.weights[1], found.weights[0])
    np.testing.assert_array_equal(found.weights[2], found.weights[0])
    back = conversion(tailed, layout("ntu25"))
    assert back.lost == ("tail", "tail_tip")
    assert not back.inferred[0]


def test_a_root_that_no_rule_leads_to_lies_amid_its_neighbours() -> None:
    rider = SkeletonLayout("rider", ("saddle", "left_hip", "right_hip"), (0, 0, 0), (0, 2, 1))
    found = conversion(layout("coco17"), rider)
    assert found.inferred_joints == ("saddle",)
    assert found.weights[0][[11, 12]].tolist() == [0.5, 0.5]


def test_joints_of_the_same_name_are_the_same_where_no_anatomy_knows_them() -> None:
    cat = SkeletonLayout("cat", ("pelvis", "tail"), (0, 0), (0, 1))
    dog = SkeletonLayout("dog", ("tail", "pelvis"), (1, 1), (0, 1))
    np.testing.assert_array_equal(conversion(cat, dog).weights, [[0, 1], [1, 0]])


def test_anatomy_tells_what_names_do_not() -> None:
    names_of_a_tool = ("Bip01", "Bip01 L Foot")
    plain = SkeletonLayout("biped", names_of_a_tool, (0, 0), (0, 1))
    told = SkeletonLayout(
        "biped", names_of_a_tool, (0, 0), (0, 1), anatomy={"Bip01": "pelvis", "Bip01 L Foot": "left_ankle"}
    )
    with pytest.raises(ShapeError, match="no joint of biped follows from those of ntu25"):
        conversion(layout("ntu25"), plain)
    assert conversion(layout("ntu25"), told).weights.argmax(axis=1).tolist() == [0, 14]


def test_what_does_not_fit() -> None:
    found = _between("coco17", "ntu25")
    with pytest.raises(ShapeError, match=r"layout coco17 has 17 joints.*got \(4, 25, 3\)"):
        found.apply(np.ones((4, 25, 3)))
    with pytest.raises(ShapeError, match=r"need a confidence of shape \(4, 17\)"):
        found.apply(np.ones((4, 17, 3)), np.ones((4, 25)))
    with pytest.raises(ShapeError, match="weights of shape"):
        JointConversion(layout("coco17"), layout("ntu25"), np.eye(17), (False,) * 17)
