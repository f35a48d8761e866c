# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.sample_frames import SampleFrames

GENERATOR = np.random.default_rng(0)


def clip_of(frames: int) -> np.ndarray:
    return np.arange(frames, dtype=float).reshape(1, frames, 1, 1)


@pytest.mark.parametrize("length", [1, 2, 32, 39, 52, 201, 221])
def test_even_goes_from_the_first_frame_to_the_last(length: int) -> None:
    picked = SampleFrames(52, random=False)(clip_of(length), GENERATOR).ravel()
    assert (picked[0], picked[-1]) == (0, length - 1)
    exact = np.arange(52) * (length - 1) // 51
    np.testing.assert_array_equal(picked, exact)


def test_even_rounds_the_step_first_as_officially() -> None:
    picked = SampleFrames(52, random=False)(clip_of(222), GENERATOR).ravel()
    exact = np.arange(52) * 221 // 51
    assert (picked[27], exact[27]) == (116, 117)  # 27 * (221 / 51) is below 117
    assert picked[-1] == 221


def test_even_of_one_frame_is_the_first() -> None:
    assert SampleFrames(1, random=False)(clip_of(9), GENERATOR).ravel().tolist() == [0]


def test_random_is_sorted_and_leaves_no_frame_out_in_the_long_run() -> None:
    sample = SampleFrames(10, random=True)
    draws = [sample.draw(clip_of(7), GENERATOR) for _ in range(50)]
    assert all((np.diff(each) >= 0).all() for each in draws)
    assert set(np.concatenate(draws)) == set(range(7))


def test_random_takes_no_frame_oftener_than_it_lies_in_the_urn() -> None:
    drawn = SampleFrames(6, random=True, repeat=2).draw(clip_of(3), GENERATOR)
    assert drawn.tolist() == [0, 0, 1, 1, 2, 2]


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ShapeError, match="frames must be at least 1, got 0"):
        SampleFrames(0, random=True)
    with pytest.raises(ShapeError, match="repeat must be at least 1, got 0"):
        SampleFrames(5, random=True, repeat=0)
    with pytest.raises(ShapeError, match="cannot draw 101 frames from 1 taken 100 times"):
        SampleFrames(101, random=True)(clip_of(1), GENERATOR)
