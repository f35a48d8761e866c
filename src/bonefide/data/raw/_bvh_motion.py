# SPDX-License-Identifier: Apache-2.0
"""Forward kinematics of BVH files, all frames at once."""

from __future__ import annotations

import numpy as np

from bonefide.data.raw._bvh_text import Hierarchy
from bonefide.types import Array

__all__ = ["positions"]

_AXES = "XYZ"
_CHUNK = 4096


def positions(hierarchy: Hierarchy, values: Array) -> Array:
    """Where the joints are.

    The rotation of a joint in its parent's axes is the product of those of its channels in their order,
    R = R_1 R_2 R_3 for column vectors; its position there is its offset, or what its position channels say instead.

    Args:
        hierarchy: the joints.
        values: of their channels, in degrees and the unit of the file.

    Shape:
        values: (T, D).
        returned: (T, V, 3) float64.
    """
    joints = np.empty((len(values), len(hierarchy.names), 3))
    for start in range(0, len(values), _CHUNK):
        joints[start : start + _CHUNK] = _positions(hierarchy, values[start : start + _CHUNK])
    return joints


def _positions(hierarchy: Hierarchy, values: Array) -> Array:
    joints = np.empty((len(values), len(hierarchy.names), 3))
    bears = set(hierarchy.parents)
    turned: dict[int, Array] = {}
    column = 0
    for joint, (parent, channels) in enumerate(zip(hierarchy.parents, hierarchy.channels, strict=True)):
        own = values[:, column : column + len(channels)]
        column += len(channels)
        place = _place(hierarchy.offsets[joint], channels, own)
        if joint == parent:
            joints[:, joint] = place
        else:
            joints[:, joint] = joints[:, parent] + np.einsum("tij,tj->ti", turned[parent], place)
        if joint in bears:
            turn = _turn(channels, own)
            turned[joint] = turn if joint == parent else turned[parent] @ turn
    return joints


def _place(offset: tuple[float, float, float], channels: tuple[str, ...], values: Array) -> Array:
    place = np.tile(np.array(offset), (len(values), 1))
    for column, channel in enumerate(channels):
        if channel.endswith("position"):
            place[:, _AXES.index(channel[0])] = values[:, column]
    return place


def _turn(channels: tuple[str, ...], values: Array) -> Array:
    """Rotation matrices, (T, 3, 3)."""
    turn = np.tile(np.eye(3), (len(values), 1, 1))
    for column, channel in enumerate(channels):
        if channel.endswith("rotation"):
            turn = turn @ _about(_AXES.index(channel[0]), np.radians(values[:, column]))
    return turn


def _about(axis: int, angles: Array) -> Array:
    """Rotations about one axis, (T, 3, 3)."""
    after, last = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(angles), np.sin(angles)
    turn = np.zeros((len(angles), 3, 3))
    turn[:, axis, axis] = 1
    turn[:, after, after] = turn[:, last, last] = cosine
    turn[:, after, last], turn[:, last, after] = -sine, sine
    return turn
