# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.pre_normalize import PreNormalize

GENERATOR = np.random.default_rng(0)
CLIP = GENERATOR.normal(size=(3, 12, 25, 2))


def test_the_first_person_stands_at_the_origin_shoulders_along_x() -> None:
    normalized = PreNormalize()(CLIP, GENERATOR)
    across = normalized[:, 0, 8, 0] - normalized[:, 0, 4, 0]
    np.testing.assert_allclose(normalized[:, 0, 1, 0], 0, atol=1e-12)
    np.testing.assert_allclose(across[1:], 0, atol=1e-12)
    assert across[0] > 0


def test_the_spine_points_up_where_the_shoulders_allow_it() -> None:
    clip = CLIP.copy()
    spine = clip[:, 0, 1, 0] - clip[:, 0, 0, 0]
    across = np.cross(spine, [0.3, 0.4, 0.5])
    clip[:, 0, 8, 0] = clip[:, 0, 4, 0] + across
    normalized = PreNormalize()(clip, GENERATOR)
    upright = normalized[:, 0, 1, 0] - normalized[:, 0, 0, 0]
    np.testing.assert_allclose(upright, [0, 0, np.linalg.norm(spine)], atol=1e-12)


def test_keeps_distances_over_frames_and_persons() -> None:
    points, before = PreNormalize()(CLIP, GENERATOR).reshape(3, -1), CLIP.reshape(3, -1)
    np.testing.assert_allclose(
        np.linalg.norm(points - points[:, :1], axis=0), np.linalg.norm(before - before[:, :1], axis=0), atol=1e-12
    )


def test_frames_without_the_main_person_go() -> None:
    clip = CLIP.copy()
    clip[:, [0, 5], :, 0] = 0
    clip[:, 3:, :, 1] = 0
    kept = [frame for frame in range(12) if frame not in (0, 5)]
    np.testing.assert_array_equal(PreNormalize()(clip, GENERATOR), PreNormalize()(clip[:, kept], GENERATOR))


def test_two_change_places_if_the_second_is_there_more_often() -> None:
    clip = CLIP.copy()
    clip[:, 4, :, 0] = 0
    np.testing.assert_array_equal(PreNormalize()(clip, GENERATOR), PreNormalize()(clip[..., ::-1], GENERATOR))


def test_joints_at_zero_stay_there() -> None:
    clip = CLIP.copy()
    clip[:, 2, 7, 1] = 0
    assert not PreNormalize()(clip, GENERATOR)[:, 2, 7, 1].any()


def test_nobody_stays_nobody() -> None:
    for persons in (2, 3):
        clip = np.zeros((3, 12, 25, persons))
        clip[..., 2:] = 1
        np.testing.assert_array_equal(PreNormalize()(clip, GENERATOR), clip)


def test_opposite_directions_are_left_alone() -> None:
    clip = CLIP.copy()
    clip[:, 0, 0, 0], clip[:, 0, 1, 0] = (0, 0, 1), (0, 0, 0)
    turned = PreNormalize(shoulders=(4, 4))(clip, GENERATOR)
    np.testing.assert_array_equal(turned, clip)


def test_half_precision_is_centred_in_half_precision_unless_upcast() -> None:
    clip = (CLIP + 3).astype(np.float16)
    exact = PreNormalize()(clip.astype(np.float64), GENERATOR)
    faithful, upcast = PreNormalize()(clip, GENERATOR), PreNormalize(upcast=True)(clip, GENERATOR)
    assert faithful.dtype == upcast.dtype == np.float32
    np.testing.assert_allclose(upcast, exact, atol=1e-5)
    assert 1e-4 < np.abs(faithful - exact).max() < 1e-2


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ShapeError, match="joints must be at least 0"):
        PreNormalize(-1)
    with pytest.raises(ShapeError, match="joint 8 of a clip with 8 joints"):
        PreNormalize()(CLIP[:, :, :8], GENERATOR)
    with pytest.raises(ShapeError, match="2 coordinates a joint, but 3 are needed"):
        PreNormalize()(CLIP[:2], GENERATOR)
