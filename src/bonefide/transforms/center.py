# SPDX-License-Identifier: Apache-2.0
"""Subtract a joint: of the first frame, or of each frame."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

import numpy as np

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.transforms._clip import check_joint, present
from bonefide.types import Array

__all__ = ["Center"]

Frame = Literal["first", "each"]


@dataclass(frozen=True)
class Center:
    """Move the origin of coordinates to a joint.

    "first" keeps where people walk: one origin for the clip, the joint of person 0 in frame 0. "each" removes it: every
    person has an own origin in every frame, or all have that of the first.

    Args:
        joint: number of the joint, from 0.
        frame: whose joint is the origin, "first" or "each".
        keep_joint: let the joint itself keep its coordinates, so that the path is not lost; only with "each".
        of_first: take the joint of person 0 for the origin of all persons, so that where they stand towards each other
            is kept, and subtract it from absent ones too, who then are minus the origin (HCN); only with "each", and
            without `keep_joint`.

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons and frames stay zeros, unless `of_first`.

    Raises:
        ShapeError: if there is no such joint, or an option is asked of "first" or beside another it does not go with.
        UnknownNameError: if `frame` is neither "first" nor "each".

    Reference:
        "first": NW-UCLA feeder of Chen et al., Channel-wise Topology Refinement Graph Convolution for Skeleton-Based
        Action Recognition, ICCV 2021, arXiv:2107.12213. `of_first`: feeder of the re-implementation of HCN (Li et al.,
        IJCAI 2018, arXiv:1804.06055), huguyuehuhu/HCN-pytorch.

    Differs from the official code:
        All-zero frames stay zeros; the official feeder would shift them, but no NW-UCLA file has one.

    Example:
        >>> clip = np.arange(2.0, 8.0).reshape(1, 3, 2, 1)
        >>> Center(0)(clip, np.random.default_rng(0))[0, :, :, 0].tolist()
        [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
        >>> Center(0, frame="each")(clip, np.random.default_rng(0))[0, :, :, 0].tolist()
        [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """

    joint: int
    _: KW_ONLY
    frame: Frame = "first"
    keep_joint: bool = False
    of_first: bool = False

    def __post_init__(self) -> None:
        if self.frame not in get_args(Frame):
            raise UnknownNameError("frames to center on", self.frame, get_args(Frame))
        if self.joint < 0:
            raise ShapeError(f"joint must be at least 0, got {self.joint}")
        if self.keep_joint and self.frame == "first":
            raise ShapeError("keep_joint needs frame='each': with one origin for the clip no path is lost")
        if self.of_first and (self.frame == "first" or self.keep_joint):
            raise ShapeError("of_first needs frame='each' and no keep_joint: there is one origin in a frame")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Center one clip; nothing is drawn."""
        check_joint(clip, self.joint)
        if self.frame == "first":
            origin = clip[:, :1, self.joint, None, :1]
            return np.where(present(clip), clip - origin, 0).astype(clip.dtype, copy=False)
        persons = slice(1) if self.of_first else slice(None)
        centered = clip - clip[:, :, self.joint, None, persons]
        if self.keep_joint:
            centered[:, :, self.joint] = clip[:, :, self.joint]
        return centered
