# SPDX-License-Identifier: Apache-2.0
"""A contiguous window at a random place, or random padding if the clip is too short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.transforms._clip import check_frames
from bonefide.types import Array

__all__ = ["RandomChoose"]


@dataclass(frozen=True)
class RandomChoose:
    """Cut `frames` neighbouring frames out of a longer clip, or place a shorter one into that many zero frames.

    Drawn: the frame at which the window begins in the clip, or the clip in the window.

    Args:
        frames: length of the window, at least 1.

    Shape:
        clip: (C, F, V, M).
        returned: (C, T, V, M) with T = `frames`, type as given; padding is zeros.

    Raises:
        ShapeError: if `frames` is below 1.

    Reference:
        Feeder of Yan et al., Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition, AAAI
        2018, arXiv:1801.07455, and of 2s-AGCN (Shi et al., CVPR 2019, arXiv:1805.07694).

    Differs from the official code:
        Nothing known, but the random numbers come from another generator.

    Example:
        >>> clip = np.arange(1.0, 6.0).reshape(1, 5, 1, 1)
        >>> RandomChoose(2).apply(clip, 3).ravel().tolist()
        [4.0, 5.0]
        >>> RandomChoose(7).apply(clip, 1).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0]
    """

    frames: int

    def __post_init__(self) -> None:
        check_frames(self.frames)

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Cut or pad one clip at random."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> int:
        """Where the window begins in the clip, or the clip in the window."""
        return int(generator.integers(abs(clip.shape[1] - self.frames), endpoint=True))

    def apply(self, clip: Array, begin: int) -> Array:
        """Cut or pad one clip at a given frame."""
        length = clip.shape[1]
        if length >= self.frames:
            return clip[:, begin : begin + self.frames].copy()
        window = np.zeros((len(clip), self.frames, *clip.shape[2:]), clip.dtype)
        window[:, begin : begin + length] = clip
        return window
