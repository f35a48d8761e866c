# SPDX-License-Identifier: Apache-2.0
"""Several sequences computed as one: their frames follow each other along T, `lengths` tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonefide.errors import DataError, ShapeError
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["BODIES", "distances", "first_shown", "joined", "planes", "present", "spread", "starts", "told_apart"]

BODIES = 2
_LARGEST = 1e30
"""Beyond it squares, or sums in single precision, would no longer be finite."""


def joined(sequences: Sequence[Array], layout: SkeletonLayout) -> tuple[Array, Array]:
    """Sequences of as many bodies one after the other, and their lengths; see `planes` for what they may be.

    Shape:
        sequences: (M, T, V, C), each with its own T.
        joints: (M, T', V, 3) float64, T' the sum of all T; a view, the memory of which is (3, M, V, T').
        lengths: (N,) int64.
    """
    parts = [planes(each, layout) for each in sequences]
    memory = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=3)
    return memory.transpose(1, 3, 2, 0), np.array([part.shape[3] for part in parts])


def planes(joints: Array, layout: SkeletonLayout) -> Array:
    """Coordinates apart and frames last, so that whatever is computed runs along the memory.

    Shape:
        joints: (M, T, V, C), C = 2 or 3; bodies after the second are left out, a third coordinate is zeros if missing.
        returned: (3, min(M, 2), V, T) float64, contiguous; the memory of `joints` if it is laid out so already.

    Raises:
        ShapeError: if the shape does not fit the layout.
        DataError: if a number is not finite.
    """
    if joints.ndim != 4 or not joints.shape[0] or not joints.shape[1] or joints.shape[3] not in {2, 3}:
        raise ShapeError(f"descriptors need joints (M, T, V, 2 or 3) with a body and a frame, got {joints.shape}")
    if joints.shape[2] != len(layout.joints):
        raise ShapeError(
            f"layout {layout.name} has {len(layout.joints)} joints, got {joints.shape[2]}; give the layout of the data"
        )
    used = np.ascontiguousarray(joints[:BODIES].transpose(3, 0, 2, 1), dtype=np.float64)
    # Comparisons with NaN are false, so this refuses NaN as well.
    if not (used.max() < _LARGEST and used.min() > -_LARGEST):
        raise DataError("descriptors need finite coordinates below 1e30; drop or fill frames with NaN or inf before")
    return used if len(used) == 3 else np.concatenate([used, np.zeros_like(used[:1])])


def told_apart(lengths: Array | None, frames: int) -> Array:
    """Lengths as given, or that of the only sequence.

    Raises:
        ShapeError: if they are none, not all at least 1, or not as many frames as there are.
    """
    if lengths is None:
        return np.array([frames])
    if not len(lengths) or min(lengths) < 1 or sum(lengths) != frames:
        raise ShapeError(f"lengths must be at least 1 and add up to the {frames} frames, got {list(lengths)}")
    return np.asarray(lengths)


def starts(lengths: Array) -> Array:
    """First frame of every sequence, (N,)."""
    return np.cumsum(lengths) - lengths


def spread(values: Array, lengths: Array) -> Array:
    """One value a sequence, the last axis, to one a frame; left as it is where it broadcasts."""
    return values if len(lengths) == 1 else np.repeat(values, lengths, axis=-1)


def present(points: Array) -> Array:
    """Where a body is there: an absent one is a single point, the origin, or minus the centre of a centred sequence.

    Shape:
        points: (3, M, V, T).
        returned: (M, T) bool.
    """
    return (points != points[:, :, :1]).any(axis=(0, 2))


def first_shown(shown: Array, lengths: Array) -> Array:
    """The frame of each sequence in which a body is there first; the first frame where it never is.

    Shape:
        shown: (T,) bool.
        returned: (N,) int64, frames of the joined sequences.
    """
    begins = starts(lengths)
    firsts = np.minimum.reduceat(np.where(shown, np.arange(len(shown)), len(shown)), begins)
    return np.where(firsts < begins + lengths, firsts, begins)


def distances(first: Array, second: Array) -> Array:
    """Euclidean distances; the squares are added in the order x, y, z. Overwrites `first`.

    Shape:
        first, second: (3, ...).
        returned: (...).
    """
    first -= second
    first *= first
    total = first[0]
    total += first[1]
    total += first[2]
    return np.sqrt(total, out=total)
