# SPDX-License-Identifier: Apache-2.0
"""A recording as every question looks at it: what is not known is NaN, and joints are found by what they are."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonefide.layouts import SkeletonLayout
from bonefide.layouts.anatomy import points
from bonefide.types import Array

__all__ = ["Look", "look_at", "median", "unit_vectors"]

# Shares of the stature: hip to knee to ankle, and pelvis to the middle between the shoulders, as sensors see them.
_LEGS, _TRUNK = 0.46, 0.29
_STAND_INS: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelvis": (("left_hip", "right_hip"),),
    "shoulder_center": (("left_shoulder", "right_shoulder"), ("neck",)),
    "head": (("left_ear", "right_ear"), ("nose",), ("head_top",), ("left_eye", "right_eye")),
}


@dataclass(frozen=True, eq=False)
class Look:
    """A recording that is looked at.

    Args:
        joints: coordinates, NaN where a joint is unknown.
        raw: the same as they came.
        layout: of the joints; None if nothing tells.
        fps: frames per second; None if nothing tells.

    Shape:
        joints: (M, T, V, C) float64.
        raw: (M, T, V, C) float64.
    """

    joints: Array
    raw: Array
    layout: SkeletonLayout | None
    fps: float | None

    @property
    def known(self) -> Array:
        """Whether a joint is known, (M, T, V) bool."""
        return np.asarray(~np.isnan(self.joints[..., 0]))

    @property
    def present(self) -> Array:
        """Whether a person is seen, (M, T) bool."""
        return np.asarray(self.known.any(axis=-1))

    @property
    def flat(self) -> bool:
        """Whether the coordinates lie in a plane: there are two, or the third is one number throughout."""
        if self.joints.shape[-1] < 3:
            return True
        depth = self.joints[..., 2][self.known]
        return bool(len(depth)) and float(np.ptp(depth)) == 0.0

    def at(self, point: str) -> Array:
        """A point of the body, (M, T, C); NaN where it is unknown, everywhere if the layout has no such joint.

        Pelvis, middle of the shoulders and head are also found through joints around them.
        """
        names = () if self.layout is None else points(self.layout)
        for choice in ((point,), *_STAND_INS.get(point, ())):
            if all(name in names for name in choice):
                return np.asarray(self.joints[:, :, [names.index(name) for name in choice]].mean(axis=2))
        return np.full((*self.joints.shape[:2], self.joints.shape[-1]), np.nan)

    def statures(self) -> Array:
        """Estimated body height of every person in the recording's own unit, (M,); NaN where nothing tells.

        From the legs and the trunk, which do not change when someone bends; without a layout from the extent.
        """
        legs = [self._length(f"{side}_hip", f"{side}_knee") for side in ("left", "right")]
        shanks = [self._length(f"{side}_knee", f"{side}_ankle") for side in ("left", "right")]
        leg = _mean([thigh + shank for thigh, shank in zip(legs, shanks, strict=True)])
        trunk = self._length("pelvis", "shoulder_center")
        whole = (leg + trunk) / (_LEGS + _TRUNK)
        part = np.where(np.isnan(leg), trunk / _TRUNK, leg / _LEGS)
        found = np.where(np.isnan(whole), part, whole)
        if self.layout is not None and not np.isnan(found).all():
            return np.asarray(found)
        # Arms may be raised or spread, so this is rough.
        low, high = _quiet(np.nanmin, self.joints, 2), _quiet(np.nanmax, self.joints, 2)
        return median((high - low).max(axis=-1), axis=1)

    def stature(self) -> float:
        """Median of the persons' statures; NaN if nothing tells."""
        statures = self.statures()
        return float(median(statures, axis=0))

    def _length(self, first: str, second: str) -> Array:
        lengths = np.linalg.norm(self.at(first) - self.at(second), axis=-1)
        # In a plane a limb looks shortened when it points at the viewer.
        return _quiet(np.nanpercentile, lengths, 1, q=85) if self.flat else median(lengths, axis=1)


def look_at(joints: Array, layout: SkeletonLayout | None, fps: float | None, confidence: Array | None = None) -> Look:
    """Mark what is unknown: joints with confidence 0, all coordinates 0, or one that is not finite.

    Shape:
        joints: (M, T, V, C).
        confidence: (M, T, V) or None.
    """
    raw = np.asarray(joints, dtype=np.float64)
    known = np.asarray(np.isfinite(raw).all(axis=-1) & raw.any(axis=-1))
    if confidence is not None:
        known &= confidence > 0
    return Look(np.where(known[..., None], raw, np.nan), raw, layout, fps)


def median(values: Array, *, axis: int) -> Array:
    """Median of what is not NaN; NaN if nothing is."""
    return _quiet(np.nanmedian, values, axis)


def unit_vectors(vectors: Array) -> Array:
    """Vectors of length 1 in the same directions; NaN for those without any."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, np.nan))


def _mean(arrays: Sequence[Array]) -> Array:
    return _quiet(np.nanmean, np.stack(arrays), 0)


def _quiet(function: object, values: Array, axis: int, **options: float) -> Array:
    """A NumPy function over what is not NaN, without its warning where everything is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(function(values, axis=axis, **options))  # type: ignore[operator]
