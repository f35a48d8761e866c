# SPDX-License-Identifier: Apache-2.0
"""Let the action begin at a random frame of its window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.types import Array

__all__ = ["RandomShift"]


@dataclass(frozen=True)
class RandomShift:
    """Move the span from the first to the last frame with anybody in it, as a whole, to a random place in the clip.

    A clip that is full from end to end stays as it is. Drawn: the frame at which the span begins.

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; zeros around the span.

    Reference:
        Feeder of Yan et al., Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition, AAAI
        2018, arXiv:1801.07455, and of 2s-AGCN (Shi et al., CVPR 2019, arXiv:1805.07694).

    Differs from the official code:
        Nothing known, but the random numbers come from another generator.

    Example:
        >>> clip = np.array([0.0, 1.0, 2.0, 0.0, 0.0]).reshape(1, 5, 1, 1)
        >>> RandomShift().apply(clip, 3).ravel().tolist()
        [0.0, 0.0, 0.0, 1.0, 2.0]
    """

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Shift one clip at random."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> int:
        """The frame at which the span shall begin."""
        first, end = _span(clip)
        return int(generator.integers(clip.shape[1] - (end - first), endpoint=True))

    def apply(self, clip: Array, begin: int) -> Array:
        """Shift one clip so that its span begins at a given frame."""
        first, end = _span(clip)
        shifted = np.zeros_like(clip)
        shifted[:, begin : begin + end - first] = clip[:, first:end]
        return shifted


def _span(clip: Array) -> tuple[int, int]:
    filled = np.flatnonzero(clip.any(axis=(0, 2, 3)))
    return (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
