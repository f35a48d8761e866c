# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.random_move import RandomMove

CLIP = np.random.default_rng(0).normal(size=(3, 9, 20, 2))


def test_keeps_shapes_up_to_the_scale_of_the_frame_and_leaves_z() -> None:
    nodes = np.array([[-10, 10], [0.9, 1.1], [0.1, -0.2], [0.0, 0.2]])
    moved = RandomMove().apply(CLIP, nodes)
    np.testing.assert_array_equal(moved[2], CLIP[2])
    sizes = np.linalg.norm(moved[:2, :, 0] - moved[:2, :, 1], axis=0)
    before = np.linalg.norm(CLIP[:2, :, 0] - CLIP[:2, :, 1], axis=0)
    np.testing.assert_allclose(sizes / before, np.linspace(0.9, 1.1, 9)[:, None] * np.ones(2), atol=1e-12)


def test_turns_counterclockwise_in_the_plane_of_x_and_y() -> None:
    right = np.array([1.0, 0, 0]).reshape(3, 1, 1, 1)
    turned = RandomMove().apply(right, np.array([[90, 90], [1, 1], [0, 0], [0, 0]]))
    np.testing.assert_allclose(turned.ravel(), [0, 1, 0], atol=1e-12)


def test_segments_meet_at_their_nodes() -> None:
    nodes = np.array([[0, 0, 0], [1, 1, 1], [0.0, 0.2, -0.2], [0, 0, 0]])
    drift = (RandomMove(segments=2).apply(CLIP[:, :8], nodes) - CLIP[:, :8])[0, :, 0, 0]
    np.testing.assert_allclose(drift, [0, 0.2 / 3, 0.4 / 3, 0.2, 0.2, 0.2 / 3, -0.2 / 3, -0.2], atol=1e-12)


def test_draws_candidates_only_for_every_node() -> None:
    generator = np.random.default_rng(0)
    drawn = np.array([RandomMove(segments=3).draw(CLIP, generator) for _ in range(100)])
    assert drawn.shape == (100, 4, 4)
    assert set(drawn[:, 0].ravel()) == {-10, -5, 0, 5, 10}
    assert set(drawn[:, 1].ravel()) == {0.9, 1.0, 1.1}
    assert set(drawn[:, 2].ravel()) == set(drawn[:, 3].ravel()) == {-0.2, -0.1, 0, 0.1, 0.2}


def test_absent_persons_move_officially_and_stay_on_request() -> None:
    clip = CLIP.copy()
    clip[..., 1] = 0
    nodes = np.array([[0, 0], [1, 1], [0.1, 0.1], [0, 0]])
    np.testing.assert_allclose(RandomMove().apply(clip, nodes)[0, ..., 1], 0.1)
    kept = RandomMove(keep_absent=True).apply(clip, nodes)
    assert not kept[..., 1].any()
    np.testing.assert_allclose(kept[0, ..., 0], clip[0, ..., 0] + 0.1)


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ShapeError, match="need a candidate each"):
        RandomMove(shifts=())
    with pytest.raises(ShapeError, match="segments must be at least 1, got 0"):
        RandomMove(segments=0)
