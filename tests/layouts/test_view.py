# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.layouts import layout, names
from bonefide.layouts.view import front_view, sides

UCLA = layout("ucla20")


def turned(joints: np.ndarray, angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return joints @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]) + np.array([0.3, 1.0, 3.0])


def person(seed: int = 0) -> np.ndarray:
    """A body whose left is at positive x."""
    generator = np.random.default_rng(seed)
    joints = generator.normal(scale=0.05, size=(1, 16, 20, 3))
    for place, side in enumerate(sides(UCLA)):
        joints[..., place, 0] += {0: 0.0, 1: 0.3, 2: -0.3}[side]
        joints[..., place, 1] += place / 10
    return joints


def test_the_view_does_not_depend_on_where_the_camera_stood() -> None:
    expected = front_view(person(), UCLA)
    for angle in (0.7, 2.0, -3.0):
        np.testing.assert_allclose(front_view(turned(person(), angle), UCLA), expected, atol=1e-9)


def test_the_body_faces_the_viewer() -> None:
    seen = front_view(turned(person(), 2.5), UCLA)
    side = np.array(sides(UCLA))
    assert (seen[..., side == 1, 0].mean(axis=2) > seen[..., side == 2, 0].mean(axis=2) + 0.1).all()
    assert np.corrcoef(seen[0, 0, :, 1], np.arange(20))[0, 1] > 0.9, "what is up stays up"


def test_shape_and_movement_are_kept_up_to_one_scale() -> None:
    joints = turned(person(), 1.0)
    seen = front_view(joints, UCLA)
    before = np.linalg.norm(joints[0, 0] - joints[0, 9, 3], axis=-1)
    after = np.linalg.norm(seen[0, 0] - seen[0, 9, 3], axis=-1)
    np.testing.assert_allclose(after / before, (after / before)[0])


def test_all_but_strays_lie_in_the_unit_box() -> None:
    joints = person()
    joints[0, 3, 7] = 500.0
    seen = front_view(joints, UCLA)
    inside = np.delete(seen.reshape(-1, 3), 3 * 20 + 7, axis=0)
    assert np.abs(inside[:, :2]).max() < 1.5
    assert np.ptp(inside[:, 1]) > 1.5


def test_two_persons_stand_side_by_side() -> None:
    joints = np.concatenate([person(1), person(2) + np.array([0.0, 0.0, 1.5])])
    seen = front_view(joints, UCLA)
    first, second = np.median(seen[0].reshape(-1, 3), axis=0), np.median(seen[1].reshape(-1, 3), axis=0)
    assert second[0] - first[0] > 0.5
    assert abs(second[2] - first[2]) < 0.05


def test_what_is_absent_stays_absent() -> None:
    joints = np.concatenate([person(), np.zeros((1, 16, 20, 3))])
    joints[0, 5] = 0
    seen = front_view(joints, UCLA)
    assert np.isnan(seen[1]).all()
    assert np.isnan(seen[0, 5]).all()
    assert not np.isnan(seen[0, 6]).any()
    assert np.isnan(front_view(np.zeros((1, 4, 20, 3)), UCLA)).all()


def test_a_plane_is_not_turned() -> None:
    flat = person()[..., :2]
    seen = front_view(flat, UCLA)
    np.testing.assert_allclose(seen[..., 2] - seen[0, 0, 0, 2], 0, atol=1e-12)
    scale = np.ptp(seen[..., 0]) / np.ptp(flat[..., 0])
    np.testing.assert_allclose(np.diff(seen[0, :, 4, 1]), scale * np.diff(flat[0, :, 4, 1]), atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 5, 19, 3), (5, 20, 3), (1, 5, 20, 1)])
def test_what_does_not_fit_the_layout(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="layout ucla20"):
        front_view(np.ones(shape), UCLA)


@pytest.mark.parametrize("name", names())
def test_mirrored_joints_are_on_opposite_sides(name: str) -> None:
    known = layout(name)
    side = sides(known)
    assert {side[joint] for joint, twin in enumerate(known.mirror) if joint == twin} == {0}
    assert all({side[joint], side[twin]} == {1, 2} for joint, twin in enumerate(known.mirror) if joint != twin)
