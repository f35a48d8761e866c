# SPDX-License-Identifier: Apache-2.0
"""Bring each axis of a clip into a fixed box, or to mean 0 and deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bonefide.errors import UnknownNameError
from bonefide.transforms._clip import present
from bonefide.types import Array

__all__ = ["Normalize"]

Kind = Literal["box", "standard"]


@dataclass(frozen=True)
class Normalize:
    """Shift and stretch every axis on its own, by what is found over all frames, joints and persons of the clip.

    "box" puts the smallest value at -1 and the largest at 1; "standard" subtracts the mean and divides by the
    (population) standard deviation. Either way a person's proportions are lost and a scale has no effect.

    Args:
        kind: "box" or "standard".

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons and frames count for nothing and stay zeros.

    Raises:
        UnknownNameError: if `kind` is something else.

    Reference:
        "box": NW-UCLA feeder of Chen et al., Channel-wise Topology Refinement Graph Convolution for Skeleton-Based
        Action Recognition, ICCV 2021, arXiv:2107.12213.

    Differs from the official code:
        An axis of zero range becomes 0, not NaN. All-zero frames are left out; no NW-UCLA file has one.

    Example:
        >>> clip = np.array([1.0, 2.0, 5.0]).reshape(1, 3, 1, 1)
        >>> Normalize("box")(clip, np.random.default_rng(0)).ravel().tolist()
        [-1.0, -0.5, 1.0]
    """

    kind: Kind = "box"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UnknownNameError("kinds of normalisation", self.kind, get_args(Kind))

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Normalise one clip; nothing is drawn."""
        where = np.broadcast_to(present(clip), clip.shape)
        if not where.any():
            return clip.copy()
        normalized = _into_box(clip, where) if self.kind == "box" else _standardized(clip, where)
        return np.where(where, normalized, 0).astype(clip.dtype, copy=False)


_OVER_ALL = (1, 2, 3)


def _into_box(clip: Array, where: Array) -> Array:
    low = clip.min(axis=_OVER_ALL, where=where, initial=np.inf, keepdims=True)
    high = clip.max(axis=_OVER_ALL, where=where, initial=-np.inf, keepdims=True)
    share: Array = np.divide(clip - low, high - low, out=np.full_like(clip, 0.5), where=high > low)
    return share * 2 - 1


def _standardized(clip: Array, where: Array) -> Array:
    mean = clip.mean(axis=_OVER_ALL, where=where, keepdims=True, dtype=np.float64)
    deviation = clip.std(axis=_OVER_ALL, where=where, keepdims=True, dtype=np.float64)
    # A constant axis has a deviation of rounding error, not of exactly zero.
    varies = deviation > np.finfo(clip.dtype).eps * np.abs(mean)
    standardized: Array = np.divide(clip - mean, deviation, out=np.zeros(clip.shape), where=varies)
    return standardized
