# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.uniform_sample import UniformSample


def clip_of(frames: int) -> np.ndarray:
    return np.arange(frames, dtype=float).reshape(1, frames, 1, 1)


def test_a_long_clip_gives_one_frame_of_each_part() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        picked = UniformSample(10, random=True).draw(clip_of(103), generator)
        bounds = np.arange(11) * 103 // 10
        assert (picked >= bounds[:-1]).all()
        assert (picked < bounds[1:]).all()


def test_a_clip_less_than_twice_as_long_gives_different_frames_in_order() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        assert (np.diff(UniformSample(10, random=True).draw(clip_of(15), generator)) > 0).all()


def test_a_short_clip_begins_again() -> None:
    picked = UniformSample(10, random=True).draw(clip_of(4), np.random.default_rng(0))
    assert set(np.diff(picked)) == {1, -3}


def test_a_span_of_part_of_the_clip_is_shorter() -> None:
    generator = np.random.default_rng(0)
    sample = UniformSample(10, random=True, keep=(0.5, 0.5))
    assert all(np.ptp(sample.draw(clip_of(100), generator)) < 50 for _ in range(20))


def test_one_frame_is_enough_for_any_share() -> None:
    generator = np.random.default_rng(0)
    assert not UniformSample(5, random=True, keep=(0.1, 0.5)).draw(clip_of(1), generator).any()


def test_the_test_is_the_same_always_and_touches_nobodys_generator() -> None:
    generator = np.random.default_rng(0)
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.RandomState(3).rand()
    sample = UniformSample(10, random=False)
    first = sample(clip_of(100), generator)
    np.testing.assert_array_equal(sample(clip_of(100), np.random.default_rng(9)), first)
    assert np.random.rand() == expected  # noqa: NPY002
    assert generator.random() == np.random.default_rng(0).random()


def test_the_clips_of_a_test_differ() -> None:
    clips = [
        tuple(UniformSample(10, random=False, clips=3, number=number)(clip_of(100), np.random.default_rng()).ravel())
        for number in range(3)
    ]
    assert len(set(clips)) == 3


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ShapeError, match="frames must be at least 1, got 0"):
        UniformSample(0, random=True)
    for keep in ((0.5,), (0.0, 1.0), (0.8, 0.5), (0.5, 1.1)):
        with pytest.raises(ShapeError, match="keep must be the lowest and the highest share"):
            UniformSample(5, random=True, keep=keep)
    for number in (-1, 2):
        with pytest.raises(ShapeError, match="number must be 0 to 1 for 2 clips"):
            UniformSample(5, random=False, clips=2, number=number)
