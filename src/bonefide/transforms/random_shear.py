# SPDX-License-Identifier: Apache-2.0
"""One random shear of space for the whole clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_axes
from bonefide.types import Array

__all__ = ["RandomShear"]


@dataclass(frozen=True)
class RandomShear:
    """Slant all joints, persons and frames alike: every coordinate gets shares of the other two added.

    Drawn: the matrix, ones on its diagonal and the shares beside it.

    Args:
        strength: largest share, either way, at least 0.

    Shape:
        clip: (3, T, V, M).
        returned: (3, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if `strength` is negative, or the clip has not three coordinates.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        Nothing known.

    Example:
        >>> ahead = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
        >>> RandomShear().apply(ahead, np.array([[1, 0, 0.5], [0, 1, -0.25], [0, 0, 1]])).ravel().tolist()
        [0.5, -0.25, 1.0]
    """

    strength: float = 0.5

    def __post_init__(self) -> None:
        if not self.strength >= 0:
            raise ShapeError(f"strength must be at least 0, got {self.strength}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Slant one clip at random."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> Array:
        """The matrix, (3, 3)."""
        shares = generator.uniform(-self.strength, self.strength, size=(3, 3))
        np.fill_diagonal(shares, 1)
        return shares

    def apply(self, clip: Array, matrix: Array) -> Array:
        """Slant one clip by a given matrix (3, 3)."""
        check_axes(clip, 3)
        return np.tensordot(matrix.astype(clip.dtype), clip, axes=1)
