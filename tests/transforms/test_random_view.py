# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.random_view import RandomView

CLIP = np.random.default_rng(0).normal(size=(3, 5, 20, 1))


def test_keeps_distances_between_any_two_points() -> None:
    turned = RandomView().apply(CLIP, (37, -52)).reshape(3, -1)
    points = CLIP.reshape(3, -1)
    before = np.linalg.norm(points[:, :, None] - points[:, None], axis=0)
    np.testing.assert_allclose(np.linalg.norm(turned[:, :, None] - turned[:, None], axis=0), before, atol=1e-12)


def test_an_angle_and_its_opposite_cancel() -> None:
    view = RandomView()
    for angles in ((40, 0), (0, 25)):
        back = view.apply(view.apply(CLIP, angles), (-angles[0], -angles[1]))
        np.testing.assert_allclose(back, CLIP, atol=1e-12)


def test_turns_about_x_act_before_turns_about_y_on_the_right_of_a_row() -> None:
    a, b = np.radians((30, 70))
    about_x = np.array([[1, 0, 0], [0, np.cos(a), np.sin(a)], [0, -np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, -np.sin(b)], [0, 1, 0], [np.sin(b), 0, np.cos(b)]])
    rows = CLIP.transpose(1, 2, 3, 0) @ (about_y @ about_x)
    np.testing.assert_allclose(RandomView().apply(CLIP, (30, 70)), rows.transpose(3, 0, 1, 2), atol=1e-12)


def test_draws_whole_degrees_up_to_both_ends() -> None:
    generator = np.random.default_rng(0)
    drawn = [RandomView(2).draw(CLIP, generator) for _ in range(200)]
    assert {a for a, _ in drawn} == {b for _, b in drawn} == {-2, -1, 0, 1, 2}


def test_refuses_what_cannot_be() -> None:
    for degrees in (-1, 181):
        with pytest.raises(ShapeError, match="0 to 180"):
            RandomView(degrees)
    with pytest.raises(ShapeError, match="2 coordinates a joint, but 3 are needed"):
        RandomView().apply(CLIP[:2], (1, 1))
