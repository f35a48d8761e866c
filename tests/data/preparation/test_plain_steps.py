# SPDX-License-Identifier: Apache-2.0
"""What each step of `plain` does to a scene, and what it leaves alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bonefide.data.preparation import _plain_steps as steps
from bonefide.data.preparation._plain_steps import Scene
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.layouts import layout
from bonefide.types import SkeletonSequence


def _scene(persons: int = 2, frames: int = 6, joints: int = 20, channels: int = 3) -> Scene:
    generator = np.random.default_rng(persons + frames)
    confidence = generator.uniform(0.3, 1.0, (persons, frames, joints))
    return Scene(generator.normal(size=(persons, frames, joints, channels)) + 5.0, confidence)


def _without(scene: Scene, *places: tuple[int, object, object]) -> Scene:
    joints, confidence = scene.joints.copy(), scene.confidence.copy()
    for place in places:
        joints[place] = 0
        confidence[place] = 0
    return Scene(joints, confidence)


def _line(values: list[float | None], sure: list[float] | None = None) -> Scene:
    """One person of one joint, which moves along x; None where it is unknown."""
    joints = np.array([[[[value or 0.0, 1.0 if value is not None else 0.0]] for value in values]])
    confidence = np.array([[[0.0 if value is None else 1.0] for value in values]])
    if sure is not None:
        confidence = np.array(sure)[None, :, None]
    return Scene(joints, confidence)


def _xs(scene: Scene) -> list[float]:
    return scene.joints[0, :, 0, 0].tolist()


def test_a_recording_becomes_a_scene() -> None:
    joints = np.ones((2, 3, 3))
    joints[0, 1], joints[1, 2, 0], joints[1, 0, 1] = 0, np.nan, np.inf
    sure = np.array([[0.5, 0.5, 0.0], [1.0, 0.7, 1.0]], dtype=np.float32)
    body = RawBody("a", np.array([0, 2]), np.zeros(2, dtype=np.int64), joints, confidence=sure)
    sane = RawBody("b", np.array([1]), np.zeros(1, dtype=np.int64), np.ones((1, 3, 3)))
    scene = steps.scene_of(RawRecording("x", 0, 3, None, (body, sane)))
    np.testing.assert_allclose(scene.confidence[0], [[0.5, 0, 0], [0, 0, 0], [0, 0.7, 0]], atol=1e-7)
    np.testing.assert_array_equal(scene.confidence[1], [[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    assert np.isfinite(scene.joints).all()
    assert scene.joints[0, 0, 2].all(), "coordinates nobody is sure of are not thrown away here"
    np.testing.assert_array_equal(scene.known, scene.confidence > 0)


@pytest.mark.parametrize("confidence", [False, True])
def test_a_sequence_can_be_taken_for_a_recording(confidence: bool) -> None:
    scene = _without(_scene(3), (1, slice(None), slice(None)), (2, slice(0, 3), slice(None)))
    joints = steps.with_confidence(scene) if confidence else scene.joints
    recording = steps.recording_of(SkeletonSequence("x", 4, joints), layout("ucla20"), fps=20.0, confidence=confidence)
    assert (recording.name, recording.label, recording.frames, recording.fps) == ("x", 4, 6, 20.0)
    assert recording.layout is layout("ucla20")
    assert [body.frames.tolist() for body in recording.bodies] == [[0, 1, 2, 3, 4, 5], [3, 4, 5]]
    again = steps.scene_of(recording)
    np.testing.assert_array_equal(again.joints, scene.joints[[0, 2]])
    expected = scene.confidence if confidence else scene.known
    np.testing.assert_allclose(again.confidence, expected[[0, 2]], atol=1e-7)


def test_persons_seen_longest_are_kept_in_their_order() -> None:
    scene = _without(_scene(4), (1, slice(0, 4), slice(None)), (3, slice(0, 1), slice(None)))
    np.testing.assert_array_equal(steps.persons_kept(scene, 3).joints, scene.joints[[0, 2, 3]])
    assert steps.persons_kept(scene, 4) is scene
    assert steps.persons_kept(scene, 9) is scene


def test_of_persons_seen_as_long_those_who_move_most_are_kept() -> None:
    scene = _scene(3)
    calm = scene._replace(joints=scene.joints * np.array([1.0, 0.1, 3.0])[:, None, None, None])
    np.testing.assert_array_equal(steps.persons_kept(calm, 1).joints, calm.joints[[2]])
    np.testing.assert_array_equal(steps.persons_kept(calm, 2).joints, calm.joints[[0, 2]])


def test_standing_far_from_the_origin_is_no_motion() -> None:
    still = np.ones((1, 6, 20, 3)) * 50
    scene = Scene(np.concatenate([still, _scene(1).joints]), np.ones((2, 6, 20)))
    hidden = _without(scene, (0, slice(0, 3), slice(0, 5)), (1, slice(0, 3), slice(0, 5)))
    np.testing.assert_array_equal(steps.persons_kept(hidden, 1).joints, hidden.joints[[1]])


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        (1, [0, 1, 0, 3, 0, 0, 6, 0]),
        (2, [0, 1, 0, 3, 4, 5, 6, 0]),
        (9, [0, 1, 0, 3, 4, 5, 6, 0]),
    ],
)
def test_gaps_up_to_the_longest_are_filled_on_a_straight_line(longest: int, expected: list[float]) -> None:
    scene = _line([None, 1.0, None, 3.0, None, None, 6.0, None])
    expected[2] = 2
    filled = steps.gaps_filled(scene, longest)
    assert _xs(filled) == pytest.approx(expected)
    assert filled.known[0, :, 0].tolist() == [value > 0 for value in expected]
    assert _xs(scene)[2] == 0, "the scene handed in is left alone"


def test_a_filled_joint_is_as_sure_as_the_less_sure_of_its_ends() -> None:
    filled = steps.gaps_filled(_line([1.0, None, 3.0], [0.9, 0.0, 0.4]), 1)
    assert filled.confidence[0, :, 0].tolist() == [0.9, 0.4, 0.4]


def test_joints_and_persons_are_filled_each_by_themselves() -> None:
    scene = _scene(2)
    gone = _without(scene, (0, 2, 7), (1, slice(3, 5), slice(None)))
    filled = steps.gaps_filled(gone, 2)
    np.testing.assert_allclose(filled.joints[0, 2, 7], scene.joints[0, [1, 3], 7].mean(axis=0))
    np.testing.assert_allclose(filled.joints[1, 3], (2 * scene.joints[1, 2] + scene.joints[1, 5]) / 3)
    kept = gone.known
    np.testing.assert_array_equal(filled.joints[kept], scene.joints[kept])
    assert filled.known.all()
    np.testing.assert_array_equal(steps.gaps_filled(gone, 1).joints[1], gone.joints[1])


@pytest.mark.parametrize(
    ("rate", "wanted", "expected"),
    [
        (30.0, 15.0, [0, 2, 4]),
        (10.0, 20.0, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]),
        (30.0, 20.0, [0, 1.5, 3, 4.5]),
        (25.0, 25.0, [0, 1, 2, 3, 4, 5]),
        (5.0, 1.0, [0, 5]),
        (30.0, 1.0, [0]),
    ],
)
def test_frames_of_another_rate_lie_on_the_line_between(rate: float, wanted: float, expected: list[float]) -> None:
    assert _xs(steps.resampled(_line([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), rate, wanted)) == pytest.approx(expected)


@pytest.mark.parametrize(("rate", "wanted"), [(29.97, 59.94), (120.0, 30.0), (1 / 0.0083333, 60.0), (24.0, 100.0)])
def test_a_recording_lasts_as_long_at_any_rate(rate: float, wanted: float) -> None:
    frames = len(_xs(steps.resampled(_line([float(place) for place in range(61)]), rate, wanted)))
    assert 60 / rate - 1 / wanted < (frames - 1) / wanted <= 60 / rate + 1e-9


def test_what_is_unknown_on_one_side_is_taken_from_the_nearer_frame() -> None:
    again = steps.resampled(_line([4.0, None, 8.0, None, None]), 10.0, 40.0)
    assert again.known[0, :, 0].tolist() == [each in {0, 1, 6, 7, 8, 9} for each in range(17)]
    assert [_xs(again)[each] for each in (0, 1, 6, 7, 8, 9)] == [4, 4, 8, 8, 8, 8]
    assert not again.joints[~again.known].any()


def test_one_frame_stays_one_frame() -> None:
    assert _xs(steps.resampled(_line([3.0]), 10.0, 40.0)) == [3.0]


@pytest.mark.parametrize("up", ["y", "-y", "z", "-z", "x", "-x"])
def test_what_points_up_becomes_y_by_a_rotation(up: steps.UpAxis) -> None:
    axes = {"x": [1.0, 0, 0], "y": [0, 1.0, 0], "z": [0, 0, 1.0]}
    raw_up = np.array(axes[up[-1]]) * (-1 if up.startswith("-") else 1)
    away = np.array(axes["y" if up.endswith("z") else "z"])
    points = np.stack([raw_up, away, *np.random.default_rng(0).normal(size=(18, 3))])
    scene = Scene(points[None, None], np.ones((1, 1, 20)))
    turned = steps.turned_up(scene, up).joints[0, 0]
    assert turned[0].tolist() == [0, 1, 0]
    assert turned[1].tolist() == [0, 0, 1], "what lay away from the camera still does"
    for first, second, third in itertools.combinations(range(8), 3):
        before, after = points[[first, second, third]], turned[[first, second, third]]
        assert np.linalg.det(after) == pytest.approx(np.linalg.det(before)), "a reflection would change the sign"
    assert not np.signbit(steps.turned_up(_without(_scene(), (0, 0, 0)), up).joints[0, 0, 0]).any()


@pytest.mark.parametrize(("up", "expected"), [("-y", (-1, -2)), ("x", (-2, 1)), ("-x", (2, -1)), ("y", (1, 2))])
def test_two_coordinates_turn_in_their_plane(up: steps.UpAxis, expected: tuple[float, float]) -> None:
    scene = Scene(np.array([1.0, 2.0])[None, None, None], np.ones((1, 1, 1)))
    assert steps.turned_up(scene, up).joints.ravel().tolist() == list(expected)


def test_a_mirror_image_of_a_mirror_image_is_the_body() -> None:
    scene, ucla20 = _scene(), layout("ucla20")
    once = steps.mirrored(scene, ucla20)
    left, right = ucla20.joints.index("left_hand"), ucla20.joints.index("right_hand")
    np.testing.assert_array_equal(once.joints[:, :, left], scene.joints[:, :, right] * (-1, 1, 1))
    np.testing.assert_array_equal(once.confidence[:, :, left], scene.confidence[:, :, right])
    twice = steps.mirrored(once, ucla20)
    np.testing.assert_array_equal(twice.joints, scene.joints)
    np.testing.assert_array_equal(twice.confidence, scene.confidence)


def test_the_centre_is_the_joint_where_it_is_first_known_of_the_first_who_has_it() -> None:
    scene = _without(_scene(), (0, slice(None), 3), (1, slice(0, 2), 3))
    moved = steps.centered(scene, 3)
    np.testing.assert_array_equal(moved.joints[1, 2, 3], 0)
    np.testing.assert_allclose(moved.joints[0, 4, 5], scene.joints[0, 4, 5] - scene.joints[1, 2, 3])
    assert not moved.joints[0, :, 3].any(), "unknown joints stay zeros"
    nowhere = _without(scene, (1, slice(None), 3))
    assert steps.centered(nowhere, 3) is nowhere


def test_confidence_is_the_last_channel() -> None:
    scene = _scene(channels=2)
    together = steps.with_confidence(scene)
    np.testing.assert_array_equal(together[..., :2], scene.joints)
    np.testing.assert_array_equal(together[..., 2], scene.confidence)
