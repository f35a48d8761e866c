# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.random_choose import RandomChoose

CLIP = np.random.default_rng(0).normal(size=(3, 10, 20, 1))


def test_a_window_is_a_part_of_the_clip_and_every_place_occurs() -> None:
    generator = np.random.default_rng(0)
    begins = {RandomChoose(7).draw(CLIP, generator) for _ in range(100)}
    assert begins == {0, 1, 2, 3}
    np.testing.assert_array_equal(RandomChoose(7).apply(CLIP, 3), CLIP[:, 3:])


def test_a_short_clip_is_placed_whole_and_every_place_occurs() -> None:
    generator = np.random.default_rng(0)
    begins = {RandomChoose(12).draw(CLIP, generator) for _ in range(100)}
    assert begins == {0, 1, 2}
    placed = RandomChoose(12).apply(CLIP, 2)
    np.testing.assert_array_equal(placed[:, 2:], CLIP)
    assert not placed[:, :2].any()


def test_refuses_no_frames() -> None:
    with pytest.raises(ShapeError, match="frames must be at least 1, got -3"):
        RandomChoose(-3)
