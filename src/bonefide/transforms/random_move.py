# SPDX-License-Identifier: Apache-2.0
"""A camera that turns, nears and drifts smoothly while the clip runs."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import present
from bonefide.types import Array

__all__ = ["RandomMove"]


@dataclass(frozen=True)
class RandomMove:
    """Turn, scale and shift x and y by values that change linearly from node to node in time.

    The clip is cut into `segments` of about equal length. At every end of one an angle, a scale and two shifts are
    drawn from the given candidates; between them they run linearly, both ends included: the last frame of a segment
    has the values of the node behind it. In frame t `(x, y) <- s (cos a, -sin a; sin a, cos a)(x, y) + shift`; further
    coordinates are left alone. Drawn: rows of angles, scales, shifts in x and shifts in y, a column for each node.

    Args:
        angles: candidates of the angle, in degrees.
        scales: candidates of the scale.
        shifts: candidates of the shifts in x and y, in metres (the unit of the clip).
        segments: how many segments, at least 1.
        keep_absent: leave absent persons and frames zeros; officially they are shifted like everything else.

    Shape:
        clip: (C, T, V, M), C at least 2.
        returned: (C, T, V, M), type as given.

    Raises:
        ShapeError: if there are no candidates, or `segments` is below 1.

    Reference:
        Feeder of Yan et al., Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition, AAAI
        2018, arXiv:1801.07455, and of 2s-AGCN (Shi et al., CVPR 2019, arXiv:1805.07694).

    Differs from the official code:
        Nothing known, but the random numbers come from another generator.

    Example:
        >>> clip = np.ones((2, 3, 1, 1))
        >>> RandomMove().apply(clip, np.array([[0, 0], [1, 1], [0, 0.2], [0, 0]])).round(6)[0].ravel().tolist()
        [1.0, 1.1, 1.2]
    """

    angles: tuple[float, ...] = (-10.0, -5.0, 0.0, 5.0, 10.0)
    scales: tuple[float, ...] = (0.9, 1.0, 1.1)
    _: KW_ONLY
    shifts: tuple[float, ...] = (-0.2, -0.1, 0.0, 0.1, 0.2)
    segments: int = 1
    keep_absent: bool = False

    def __post_init__(self) -> None:
        if not (self.angles and self.scales and self.shifts):
            raise ShapeError("angles, scales and shifts need a candidate each; (0,), (1,) and (0,) change nothing")
        if self.segments < 1:
            raise ShapeError(f"segments must be at least 1, got {self.segments}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Move one clip at random."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> Array:
        """Values at the nodes: (4, segments + 1), rows of angles in degrees, scales, shifts in x, shifts in y."""
        candidates = (self.angles, self.scales, self.shifts, self.shifts)
        return np.array([generator.choice(each, size=self.segments + 1) for each in candidates])

    def apply(self, clip: Array, nodes: Array) -> Array:
        """Move one clip by given values at the nodes."""
        angle, scale, right, up = _between(nodes, clip.shape[1]).astype(clip.dtype)[..., None, None]
        cosine, sine = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
        moved = clip.copy()
        moved[0] = cosine * clip[0] - sine * clip[1] + right
        moved[1] = sine * clip[0] + cosine * clip[1] + up
        return np.where(present(clip), moved, 0).astype(clip.dtype, copy=False) if self.keep_absent else moved


def _between(nodes: Array, length: int) -> Array:
    ends = np.linspace(0, length, nodes.shape[1]).round().astype(np.int64)
    segments = [
        np.linspace(nodes[:, number], nodes[:, number + 1], count, axis=1) for number, count in enumerate(np.diff(ends))
    ]
    return np.concatenate(segments, axis=1)
