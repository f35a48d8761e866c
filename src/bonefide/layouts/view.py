# SPDX-License-Identifier: Apache-2.0
"""Where to look at a sequence from, wherever its camera stood."""

from __future__ import annotations

import numpy as np

from bonefide.errors import ShapeError
from bonefide.layouts.layout import SkeletonLayout
from bonefide.layouts.sides import sideless
from bonefide.types import Array

__all__ = ["front_view", "sides"]


def front_view(joints: Array, layout: SkeletonLayout) -> Array:
    """Turn a sequence about the vertical so that one looks at it from the front, and put it into a unit box.

    A lone person faces the viewer; two persons stand side by side. One rotation, one shift and one scale hold for the
    whole sequence, so nothing of the movement is lost. Stray joints do not shrink the rest: the box is that of nearly
    all joints.

    Args:
        joints: a sequence; y points up. Two coordinates are taken as a plane.
        layout: of the joints; left and right are told by their names.

    Shape:
        joints: (M, T, V, C), C at least 2; zeros are absent.
        returned: (M, T, V, 3) float64, x to the right, y up, z towards the viewer; about -1 to 1; absent is NaN.

    Raises:
        ShapeError: if the sequence does not fit the layout.

    Example:
        >>> from bonefide.layouts import layout
        >>> walk = np.random.default_rng(0).normal(size=(1, 5, 20, 3))
        >>> bool((np.abs(front_view(walk, layout("ucla20"))[..., 1]).max() < 2))
        True
    """
    if joints.ndim != 4 or joints.shape[2] != len(layout.joints) or joints.shape[3] < 2:
        raise ShapeError(
            f"a sequence of layout {layout.name} has the shape (M, T, {len(layout.joints)}, C) with at least two "
            f"coordinates, got {joints.shape}; open it with the layout it was prepared for"
        )
    points = np.zeros((*joints.shape[:3], 3))
    depth = 3 if joints.shape[3] >= 3 else 2
    points[..., :depth] = joints[..., :depth]
    points[~np.isfinite(points).all(axis=-1) | ~points.any(axis=-1)] = np.nan
    if np.isnan(points).all():
        return points
    across = _across(points, layout)
    length = float(np.hypot(*across))
    if depth == 3 and length > 1e-6:
        cosine, sine = across / length
        points = points @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    low, high = np.nanpercentile(points.reshape(-1, 3), (0.5, 99.5), axis=0)
    reach = max(float((high - low)[:2].max()), 1e-9) / 2
    return np.asarray((points - (low + high) / 2) / reach)


def sides(layout: SkeletonLayout) -> tuple[int, ...]:
    """For every joint 1 if it is on the body's left, 2 on the right, 0 in the middle, by its name.

    Example:
        >>> from bonefide.layouts import layout
        >>> sides(layout("coco17"))[:3]
        (0, 1, 2)
    """
    return tuple({"left": 1, "right": 2, "": 0}[sideless(name)[0]] for name in layout.joints)


def _across(points: Array, layout: SkeletonLayout) -> Array:
    """Horizontal direction (x, z) that shall point to the viewer's right: first to second person, or right to left."""
    present = [person for person in points if not np.isnan(person).all()]
    if len(present) > 1:
        second, first = present[1], present[0]
        return _direction(second[~np.isnan(second).any(axis=-1)].mean(0) - first[~np.isnan(first).any(axis=-1)].mean(0))
    left = [joint for joint, side in enumerate(sides(layout)) if side == 1 and layout.mirror[joint] != joint]
    right = [layout.mirror[joint] for joint in left]
    beginning = present[0][: max(1, len(present[0]) // 4)]
    return _direction(beginning[:, left] - beginning[:, right])


def _direction(vectors: Array) -> Array:
    """Mean horizontal direction (x, z); long vectors, which stray joints make, count as much as short ones."""
    horizontal = vectors[..., [0, 2]].reshape(-1, 2)
    horizontal = horizontal[~np.isnan(horizontal).any(axis=1)]
    lengths = np.linalg.norm(horizontal, axis=1)
    horizontal = horizontal[lengths > 0] / lengths[lengths > 0, None]
    return np.asarray(horizontal.mean(axis=0)) if len(horizontal) else np.zeros(2)
