# SPDX-License-Identifier: Apache-2.0
"""A fixed number of frames picked from a clip of any length: evenly, or at random in order."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_frames
from bonefide.types import Array

__all__ = ["SampleFrames"]


@dataclass(frozen=True)
class SampleFrames:
    """Pick frames without blending them; short clips repeat frames.

    Even: frame `trunc(k (F-1)/(frames-1))` for k = 0, 1, ..., of a clip of F frames, and F-1 for the last. Random:
    every frame is put into an urn `repeat` times, `frames` are drawn without putting back, and sorted. Drawn (or
    computed): the frame numbers.

    Args:
        frames: how many to pick, at least 1.
        random: pick at random (training) or evenly (test).
        repeat: how often every frame lies in the urn, at least 1.

    Shape:
        clip: (C, F, V, M).
        returned: (C, T, V, M) with T = `frames`, type as given.

    Raises:
        ShapeError: if `frames` or `repeat` is below 1, or the urn holds fewer than `frames`.

    Reference:
        NW-UCLA feeder of Chen et al., Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
        Recognition, ICCV 2021, arXiv:2107.12213.

    Differs from the official code:
        Nothing known, but the random numbers come from another generator.

    Example:
        >>> clip = np.arange(5.0).reshape(1, 5, 1, 1)
        >>> SampleFrames(3, random=False)(clip, np.random.default_rng(0)).ravel().tolist()
        [0.0, 2.0, 4.0]
        >>> SampleFrames(3, random=True).apply(clip, np.array([1, 1, 3])).ravel().tolist()
        [1.0, 1.0, 3.0]
    """

    frames: int
    _: KW_ONLY
    random: bool
    repeat: int = 100

    def __post_init__(self) -> None:
        check_frames(self.frames)
        if self.repeat < 1:
            raise ShapeError(f"repeat must be at least 1, got {self.repeat}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Pick frames of one clip."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> Array:
        """Frame numbers, ascending, (T,) int64."""
        length = clip.shape[1]
        if not self.random:
            return _even(length, self.frames)
        if length * self.repeat < self.frames:
            raise ShapeError(
                f"cannot draw {self.frames} frames from {length} taken {self.repeat} times; raise `repeat`"
            )
        tickets = generator.choice(length * self.repeat, size=self.frames, replace=False)
        return np.sort(tickets // self.repeat)

    def apply(self, clip: Array, indices: Array) -> Array:
        """Take given frames of one clip."""
        return clip[:, indices]


def _even(length: int, frames: int) -> Array:
    # The step is rounded to float64 before the product, as officially; for some lengths the exact floor differs.
    step = (length - 1) / max(frames - 1, 1)
    indices: Array = (np.arange(frames) * step).astype(np.int64)
    if frames > 1:
        # The product can fall short of the last frame, of 32 frames for one; officially the end is set, not computed.
        indices[-1] = length - 1
    return indices
