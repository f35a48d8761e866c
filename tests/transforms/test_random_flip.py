# SPDX-License-Identifier: Apache-2.0
"""Mirroring swaps sides, keeps lengths, and undoes itself."""

from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.transforms.random_flip import RandomFlip

UCLA = layout("ucla20")
CLIP = np.random.default_rng(0).normal(size=(3, 5, 20, 2))


def test_sides_are_swapped() -> None:
    flipped = RandomFlip(1.0, layout=UCLA).apply(CLIP, True)
    left, right = UCLA.joints.index("left_hand"), UCLA.joints.index("right_hand")
    np.testing.assert_array_equal(flipped[0, :, left], -CLIP[0, :, right])
    np.testing.assert_array_equal(flipped[1:, :, left], CLIP[1:, :, right])


def test_twice_is_nothing_and_distances_stay() -> None:
    flip = RandomFlip(1.0, layout=UCLA)
    once = flip.apply(CLIP, True)
    np.testing.assert_array_equal(flip.apply(once, True), CLIP)
    bone = np.linalg.norm(CLIP[:, :, 7] - CLIP[:, :, 6], axis=0)
    mirrored = np.linalg.norm(once[:, :, 11] - once[:, :, 10], axis=0)
    np.testing.assert_allclose(mirrored, bone)


def test_as_often_as_asked() -> None:
    flip, generator = RandomFlip(0.25, layout=UCLA), np.random.default_rng(0)
    share = np.mean([flip.draw(CLIP, generator) for _ in range(2000)])
    assert 0.2 < share < 0.3
    assert not any(RandomFlip(0.0, layout=UCLA).draw(CLIP, generator) for _ in range(50))


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_probabilities_out_of_range(probability: float) -> None:
    with pytest.raises(ShapeError, match="from 0 to 1"):
        RandomFlip(probability, layout=UCLA)


def test_other_joints() -> None:
    with pytest.raises(ShapeError, match="20 joints, but layout ntu25"):
        RandomFlip(layout=layout("ntu25")).apply(CLIP, True)
