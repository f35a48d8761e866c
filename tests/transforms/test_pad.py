# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.transforms.pad import Pad

CLIP = np.random.default_rng(0).normal(size=(3, 10, 20, 2)).astype(np.float32)


@pytest.mark.parametrize("frames", [4, 10, 13])
def test_the_beginning_stays_and_zeros_follow(frames: int) -> None:
    padded = Pad(frames)(CLIP, np.random.default_rng(0))
    assert padded.shape == (3, frames, 20, 2)
    assert padded.dtype == CLIP.dtype
    np.testing.assert_array_equal(padded[:, :10], CLIP[:, :frames])
    assert not padded[:, 10:].any()
    assert not np.shares_memory(padded, CLIP)


def test_refuses_no_frames() -> None:
    with pytest.raises(ShapeError, match="frames must be at least 1, got 0"):
        Pad(0)
