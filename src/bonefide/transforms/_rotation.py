# SPDX-License-Identifier: Apache-2.0
"""Rotation matrices and their use on clips.

The elementary matrices turn clockwise as seen from the tip of the axis: the sign convention of the official feeders.
"""

from __future__ import annotations

from math import cos, sin

import numpy as np

from bonefide.types import Array

__all__ = ["about_x", "about_y", "about_z", "onto", "rotate"]

_NEGLIGIBLE = 1e-6


def about_x(angle: float) -> Array:
    """(3, 3) float64; the angle in radians."""
    return np.array([[1, 0, 0], [0, cos(angle), sin(angle)], [0, -sin(angle), cos(angle)]])


def about_y(angle: float) -> Array:
    """(3, 3) float64; the angle in radians."""
    return np.array([[cos(angle), 0, -sin(angle)], [0, 1, 0], [sin(angle), 0, cos(angle)]])


def about_z(angle: float) -> Array:
    """(3, 3) float64; the angle in radians."""
    return np.array([[cos(angle), sin(angle), 0], [-sin(angle), cos(angle), 0], [0, 0, 1]])


def rotate(clip: Array, matrix: Array) -> Array:
    """Apply one matrix to every joint as a column vector; zeros stay zeros, the type stays the clip's.

    Shape:
        clip: (C, T, V, M).
        matrix: (C, C).
        returned: (C, T, V, M).
    """
    turned: Array = matrix.astype(clip.dtype) @ clip.reshape(len(clip), -1)
    return turned.reshape(clip.shape)


def onto(vector: Array, target: Array) -> Array:
    """The shortest rotation that makes one vector point along another; the identity where that is undefined.

    Opposite vectors are such a case: no shortest way, so nothing is turned, as in the official codes.

    Shape:
        vector, target: (3,).
        returned: (3, 3) float64, for column vectors.
    """
    axis = np.cross(vector, target)
    if min(np.abs(each).sum() for each in (axis, vector, target)) < _NEGLIGIBLE:
        return np.eye(3)
    # The unit vectors keep the given type: the official codes lose as much to float16.
    cosine = np.clip(vector / np.linalg.norm(vector) @ (target / np.linalg.norm(target)), -1, 1)
    angle = np.arccos(cosine)
    if angle < _NEGLIGIBLE:
        return np.eye(3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Array = np.eye(3) + sin(angle) * cross + (1 - cosine) * cross @ cross
    return turn
