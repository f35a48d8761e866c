# SPDX-License-Identifier: Apache-2.0
"""See the clip from another side: random turns about x and y in whole degrees."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_axes
from bonefide.transforms._rotation import about_x, about_y, rotate
from bonefide.types import Array

__all__ = ["RandomView"]


@dataclass(frozen=True)
class RandomView:
    """Turn all joints by one angle about x (up and down) and one about y (around the person).

    A point as a row becomes `p Ry Rx`, with `Rx = [[1,0,0],[0,cos a,sin a],[0,-sin a,cos a]]` and
    `Ry = [[cos b,0,-sin b],[0,1,0],[sin b,0,cos b]]`. Drawn once a clip: the angles (a, b), whole degrees.

    Args:
        degrees: largest angle about either axis, in degrees, 0 to 180; both signs, both ends included.

    Shape:
        clip: (3, T, V, M).
        returned: (3, T, V, M), type as given.

    Raises:
        ShapeError: if `degrees` is not 0 to 180, or the clip has not three coordinates.

    Reference:
        NW-UCLA feeder of Chen et al., Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
        Recognition, ICCV 2021, arXiv:2107.12213.

    Differs from the official code:
        The official feeder also draws a scale from 0.5 to 1.5; the box normalisation behind it undoes any scale (to
        rounding), so none is drawn here.

    Example:
        >>> ahead = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
        >>> RandomView().apply(ahead, (0, 90)).ravel().round(6).tolist()
        [1.0, 0.0, 0.0]
    """

    degrees: int = 60

    def __post_init__(self) -> None:
        if not 0 <= self.degrees <= 180:
            raise ShapeError(f"degrees must be 0 to 180, got {self.degrees}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Turn one clip by random angles."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> tuple[int, int]:
        """The angles about x and about y, in degrees."""
        about_x, about_y = generator.integers(-self.degrees, self.degrees, size=2, endpoint=True)
        return int(about_x), int(about_y)

    def apply(self, clip: Array, angles: tuple[int, int]) -> Array:
        """Turn one clip by given angles about x and about y, in degrees."""
        check_axes(clip, 3)
        a, b = map(radians, angles)
        return rotate(clip, (about_y(b) @ about_x(a)).T)
