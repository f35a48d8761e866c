# SPDX-License-Identifier: Apache-2.0
"""One random rotation about the three axes for the whole clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_axes
from bonefide.transforms._rotation import about_x, about_y, about_z, rotate
from bonefide.types import Array

__all__ = ["RandomRotation"]


@dataclass(frozen=True)
class RandomRotation:
    """Turn all joints, persons and frames by the same small angles: `p' = Rz(c) Ry(b) Rx(a) p`.

    `Rx = [[1,0,0],[0,cos a,sin a],[0,-sin a,cos a]]`, `Ry = [[cos b,0,-sin b],[0,1,0],[sin b,0,cos b]]` and
    `Rz = [[cos c,sin c,0],[-sin c,cos c,0],[0,0,1]]`. Drawn: the angles (a, b, c).

    Args:
        angle: largest rotation about each axis, in radians, at least 0.

    Shape:
        clip: (3, T, V, M).
        returned: (3, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if `angle` is negative, or the clip has not three coordinates.

    Reference:
        NTU feeder of Chen et al., Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
        Recognition, ICCV 2021, arXiv:2107.12213.

    Differs from the official code:
        Nothing known, but the random numbers come from another generator.

    Example:
        >>> ahead = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
        >>> RandomRotation().apply(ahead, (np.pi / 2, 0, 0)).ravel().round(6).tolist()
        [0.0, 1.0, 0.0]
    """

    angle: float = 0.3

    def __post_init__(self) -> None:
        if not self.angle >= 0:
            raise ShapeError(f"angle must be at least 0 radians, got {self.angle}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Turn one clip by random angles."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> tuple[float, float, float]:
        """The angles about x, y and z, in radians."""
        a, b, c = generator.uniform(-self.angle, self.angle, size=3).tolist()
        return a, b, c

    def apply(self, clip: Array, angles: tuple[float, float, float]) -> Array:
        """Turn one clip by given angles about x, y and z, in radians."""
        check_axes(clip, 3)
        a, b, c = angles
        return rotate(clip, about_z(c) @ about_y(b) @ about_x(a))
