# SPDX-License-Identifier: Apache-2.0
"""Arrays of poses whose axes are told apart by a layout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.errors import RawFileError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["LIMIT", "PoseArray", "Poses", "check_confidence"]

LIMIT = 2**25
"""Most numbers a recording may have: two hours of two persons of 25 joints at 30 frames a second."""
_PERSONS = 127
_SPACES = (2, 3)


@dataclass(frozen=True, eq=False)
class Poses:
    """A recording with its axes in order; NaN where a joint was not seen.

    Args:
        joints: coordinates.
        confidence: how sure of each joint, or None.
        persons: their names.
        warnings: codes of what was tolerated.

    Shape:
        joints: (M, T, V, C) float64.
        confidence: (M, T, V) float32 in 0 to 1, or None.
    """

    joints: Array
    confidence: Array | None
    persons: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PoseArray:
    """An array whose axes are yet to be told apart.

    Args:
        array: coordinates.
        confidence: how sure of each joint, of the same axes without that of the coordinates; or None.
        path: the file, for messages.

    Shape:
        array: (T, V, C), (M, T, V, C), (C, T, V, M) or (T, V C).
    """

    array: Array
    confidence: Array | None
    path: str

    def fit(self, layout: SkeletonLayout, channels: int) -> Poses:
        """Tell the axes apart.

        Args:
            layout: of the joints.
            channels: coordinates a joint, 2 or 3; 0 if either will do.

        Raises:
            RawFileError: `shape` (none or several ways to read it), `persons` (more than 127), `confidence`.
        """
        axes, assumed = self._axes(len(layout.joints), (channels,) if channels else _SPACES)
        joints = _in_order(self.array, axes, len(layout.joints))
        if len(joints) > _PERSONS:
            raise RawFileError("persons", f"{len(joints)} persons, at most {_PERSONS} are possible", path=self.path)
        numbers = tuple(str(person) for person in range(len(joints)))
        confidence = self._confidence(axes, joints.shape[2])
        with np.errstate(over="ignore"):
            wide = np.asarray(joints, dtype=np.float64)
        return Poses(wide, confidence, numbers, ("axes_assumed",) if assumed else ())

    def _axes(self, count: int, spaces: tuple[int, ...]) -> tuple[str, bool]:
        """The axes' letters in order (B are joints times coordinates), and whether that was a choice between two."""
        shape = self.array.shape
        if len(shape) == 2 and shape[1] in [count * space for space in spaces]:
            return "TB", False
        if len(shape) == 3 and shape[1] == count and shape[2] in spaces:
            return "TVC", False
        persons_first = len(shape) == 4 and shape[2] == count and shape[3] in spaces
        space_first = len(shape) == 4 and shape[2] == count and shape[0] in spaces
        if persons_first and space_first and shape[0] > shape[3]:
            raise RawFileError(
                "shape",
                f"{shape} is either 3 coordinates of 2 persons or 2 coordinates of 3 persons; save it with the persons "
                "first and the coordinates last, (M, T, V, C)",
                path=self.path,
            )
        if persons_first:
            # As many persons as coordinates could also be the other order; the usual one is taken.
            return "MTVC", space_first and shape[0] == shape[3]
        if space_first:
            return "CTVM", False
        raise RawFileError(
            "shape",
            f"its shape {shape} is none of (T, {count}, C), (M, T, {count}, C), (C, T, {count}, M) and (T, {count} C) "
            f"with C = {' or '.join(map(str, spaces))}",
            path=self.path,
        )

    def _confidence(self, axes: str, count: int) -> Array | None:
        if self.confidence is None:
            return None
        shape = self.array.shape
        expected = {"TB": (shape[0], count), "CTVM": shape[1:]}.get(axes, shape[:-1])
        if self.confidence.shape != expected:
            fault = f"the confidence is of shape {self.confidence.shape}, that of the joints asks for {expected}"
            raise RawFileError("confidence", fault, path=self.path)
        known = check_confidence(self.confidence, self.path)
        return _in_order(known[None] if axes == "CTVM" else known[..., None], axes.replace("B", "VC"), count)[..., 0]


def _in_order(array: Array, axes: str, count: int) -> Array:
    match axes:
        case "TB":
            return array.reshape(1, len(array), count, -1)
        case "TVC":
            return array[None]
        case "CTVM":
            return array.transpose(3, 1, 2, 0)
        case _:
            return array


def check_confidence(confidence: Array, path: str) -> Array:
    """Confidence as float32; what is NaN is 0.

    Raises:
        RawFileError: `confidence`, if a value is outside 0 to 1.
    """
    with np.errstate(over="ignore"):
        known = np.nan_to_num(np.asarray(confidence, dtype=np.float32), nan=0.0)
    if known.size and not (known.min() >= 0 and known.max() <= 1):
        raise RawFileError("confidence", "a confidence is outside 0 to 1", path=path)
    return known
