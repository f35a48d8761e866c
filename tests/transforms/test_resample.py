# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.resample import Resample

GENERATOR = np.random.default_rng(0)
CLIP = GENERATOR.normal(size=(3, 37, 20, 2))


def test_to_the_same_length_returns_the_input() -> None:
    np.testing.assert_array_equal(Resample(37)(CLIP, GENERATOR), CLIP)


def test_to_half_the_length_averages_pairs() -> None:
    pairs = CLIP[:, :36].reshape(3, 18, 2, 20, 2).mean(axis=2)
    np.testing.assert_allclose(Resample(18)(CLIP[:, :36], GENERATOR), pairs, atol=1e-12)


def test_one_frame_is_repeated() -> None:
    np.testing.assert_allclose(Resample(5)(CLIP[:, :1], GENERATOR), np.repeat(CLIP[:, :1], 5, axis=1), atol=1e-12)


def test_refuses_no_frames() -> None:
    with pytest.raises(ShapeError, match="frames must be at least 1, got 0"):
        Resample(0)
