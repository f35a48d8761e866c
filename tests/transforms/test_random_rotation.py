# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.random_rotation import RandomRotation

CLIP = np.random.default_rng(0).normal(size=(3, 5, 25, 2))


def test_keeps_distances_and_handedness() -> None:
    turned = RandomRotation().apply(CLIP, (0.3, -0.2, 1.1)).reshape(3, -1)
    points = CLIP.reshape(3, -1)
    np.testing.assert_allclose(turned.T @ turned, points.T @ points, atol=1e-12)
    assert np.linalg.det(turned[:, :3]) == pytest.approx(np.linalg.det(points[:, :3]))


def test_is_about_x_then_y_then_z() -> None:
    rotation = RandomRotation()
    steps = rotation.apply(rotation.apply(rotation.apply(CLIP, (0.1, 0, 0)), (0, 0.2, 0)), (0, 0, 0.3))
    np.testing.assert_allclose(rotation.apply(CLIP, (0.1, 0.2, 0.3)), steps, atol=1e-12)


def test_draws_within_the_angle_on_every_axis() -> None:
    generator = np.random.default_rng(0)
    drawn = np.array([RandomRotation(0.1).draw(CLIP, generator) for _ in range(300)])
    assert (np.abs(drawn) <= 0.1).all()
    assert (np.abs(drawn).max(axis=0) > 0.09).all()
    assert (drawn.min(axis=0) < 0).all()


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ShapeError, match=r"at least 0 radians, got -0\.1"):
        RandomRotation(-0.1)
    with pytest.raises(ShapeError, match="2 coordinates a joint, but 3 are needed"):
        RandomRotation().apply(CLIP[:2], (0.1, 0, 0))
