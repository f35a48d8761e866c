# SPDX-License-Identifier: Apache-2.0
"""One random rotation for the whole clip, mostly about a single axis."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms.random_rotation import RandomRotation
from bonefide.types import Array

__all__ = ["RandomAxisRotation"]


@dataclass(frozen=True)
class RandomAxisRotation:
    """Turn all joints, persons and frames about a main axis, and a little about the two others.

    Drawn: the angles about x, y and z, of which any may be the main one.

    Args:
        angle: largest rotation about the main axis, in radians, at least 0.
        aside: largest rotation about the others, in radians, at least 0; None is a thirtieth of `angle`.

    Shape:
        clip: (3, T, V, M).
        returned: (3, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if an angle is negative, or the clip has not three coordinates.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        Nothing known, but the direction of the rotations is that of `RandomRotation`.

    Example:
        >>> ahead = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
        >>> RandomAxisRotation().apply(ahead, (0, np.pi / 2, 0)).ravel().round(6).tolist()
        [-1.0, 0.0, 0.0]
    """

    angle: float = math.pi / 6
    _: KW_ONLY
    aside: float | None = None

    def __post_init__(self) -> None:
        if not (self.angle >= 0 and (self.aside is None or self.aside >= 0)):
            raise ShapeError(f"angles must be at least 0 radians, got {self.angle} and {self.aside}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Turn one clip by random angles."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> tuple[float, float, float]:
        """The angles about x, y and z, in radians."""
        largest = np.full(3, self.angle / 30 if self.aside is None else self.aside)
        largest[generator.integers(3)] = self.angle
        a, b, c = (largest * generator.random(3)).tolist()
        return a, b, c

    def apply(self, clip: Array, angles: tuple[float, float, float]) -> Array:
        """Turn one clip by given angles about x, y and z, in radians."""
        return RandomRotation().apply(clip, angles)
