# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import warnings

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.crop_resize import CropResize

GENERATOR = np.random.default_rng(0)


def clip_of(valid: int, frames: int = 300) -> np.ndarray:
    clip = np.zeros((3, frames, 25, 2), np.float32)
    clip[:, :valid] = np.random.default_rng(valid).normal(size=(3, valid, 25, 2))
    return clip


def test_all_of_a_clip_of_the_wanted_length_is_the_clip() -> None:
    clip = clip_of(64)
    np.testing.assert_array_equal(CropResize(64, keep=(1.0,))(clip, GENERATOR), clip[:, :64])


def test_one_share_keeps_the_middle() -> None:
    assert CropResize(64, keep=(0.95,)).draw(clip_of(100), GENERATOR) == (2, 96)
    assert CropResize(64, keep=(0.5,)).draw(clip_of(101), GENERATOR) == (25, 51)


def test_a_straight_move_stays_straight_between_its_ends() -> None:
    clip = np.linspace(1, 2, 30).reshape(1, 30, 1, 1)
    steps = np.diff(CropResize(90, keep=(1.0,))(clip, GENERATOR).ravel())
    assert (steps >= -1e-12).all()
    np.testing.assert_allclose(steps[3:-3], 1 / 29 / 3, atol=1e-12)


def test_two_shares_stay_inside_the_valid_frames_and_above_the_shortest() -> None:
    crop = CropResize(64, keep=(0.5, 1.0))
    windows = [crop.draw(clip_of(100), GENERATOR) for _ in range(300)]
    assert min(length for _, length in windows) == 64
    assert max(length for _, length in windows) > 90
    assert {start for start, _ in windows} >= {0, 1, 30}
    assert all(start + length <= 100 for start, length in windows)
    assert CropResize(64, keep=(0.5, 1.0)).draw(clip_of(64), GENERATOR) == (0, 64)
    assert min(CropResize(64, keep=(0.5, 0.6), shortest=10).draw(clip_of(60), GENERATOR)[1] for _ in range(50)) < 36


def test_an_empty_frame_inside_costs_one_at_the_end() -> None:
    clip = clip_of(100)
    clip[:, 10] = 0
    assert CropResize(64, keep=(1.0,)).draw(clip, GENERATOR) == (0, 99)


def test_nobody_gives_zeros_and_a_warning() -> None:
    with pytest.warns(UserWarning, match="without a single valid frame"):
        empty = CropResize(16)(clip_of(0), GENERATOR)
    assert empty.shape == (3, 16, 25, 2)
    assert not empty.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CropResize(16)(clip_of(1), GENERATOR)


@pytest.mark.parametrize("keep", [(), (0.0,), (1.1,), (0.6, 0.5), (0.1, 0.2, 0.3), (float("nan"),)])
def test_refuses_other_shares(keep: tuple[float, ...]) -> None:
    with pytest.raises(ShapeError, match="keep must be one share"):
        CropResize(64, keep=keep)


def test_refuses_lengths_below_one() -> None:
    with pytest.raises(ShapeError, match="frames must be at least 1, got 0"):
        CropResize(0)
    with pytest.raises(ShapeError, match="shortest must be at least 1, got 0"):
        CropResize(64, shortest=0)
