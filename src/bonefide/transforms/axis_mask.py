# SPDX-License-Identifier: Apache-2.0
"""Bodies pressed flat along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["AxisMask"]


@dataclass(frozen=True)
class AxisMask:
    """Set one coordinate of all joints, persons and frames to zero, or none.

    Drawn: the axis, -1 for clips that are left alone.

    Args:
        probability: of a coordinate being hidden, 0 to 1.

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if the probability is out of range.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        Nothing known.

    Example:
        >>> AxisMask().apply(np.ones((3, 1, 1, 1)), 1).ravel().tolist()
        [1.0, 0.0, 1.0]
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ShapeError(f"the probability of hiding an axis must be from 0 to 1, got {self.probability}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Hide an axis of one clip, or not."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> int:
        """The axis, or -1."""
        chosen = generator.random() < self.probability
        axis = int(generator.integers(len(clip)))
        return axis if chosen else -1

    def apply(self, clip: Array, axis: int) -> Array:
        """Hide a given axis; -1 hides none."""
        flat = clip.copy()
        if axis >= 0:
            flat[axis] = 0
        return flat
