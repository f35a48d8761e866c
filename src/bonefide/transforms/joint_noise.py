# SPDX-License-Identifier: Apache-2.0
"""Gaussian noise on coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import present
from bonefide.types import Array

__all__ = ["JointNoise"]


@dataclass(frozen=True)
class JointNoise:
    """Move every joint of everybody who is there a little, in each frame anew.

    Drawn: the moves.

    Args:
        deviation: standard deviation of a coordinate, at least 0, in the unit of the clip.

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons and frames stay zeros.

    Raises:
        ShapeError: if `deviation` is negative.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        There persons who are absent get noise too.

    Example:
        >>> clip = np.array([1.0, 0.0]).reshape(1, 2, 1, 1)
        >>> JointNoise().apply(clip, np.full((1, 2, 1, 1), 0.25)).ravel().tolist()
        [1.25, 0.0]
    """

    deviation: float = 0.05

    def __post_init__(self) -> None:
        if not self.deviation >= 0:
            raise ShapeError(f"deviation must be at least 0, got {self.deviation}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Move the joints of one clip at random."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> Array:
        """The moves, of the shape of the clip."""
        return generator.normal(0, self.deviation, size=clip.shape)

    def apply(self, clip: Array, moves: Array) -> Array:
        """Move the joints of one clip as given."""
        return clip + moves.astype(clip.dtype) * present(clip)
