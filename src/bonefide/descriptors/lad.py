# SPDX-License-Identifier: Apache-2.0
"""LAD: angles at joints."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from bonefide.descriptors._joined import distances, planes, present, told_apart
from bonefide.descriptors._tables import Triples, table
from bonefide.errors import ShapeError
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["lad"]

_HUNDREDTHS = np.array([math.acos(hundredths / 100) for hundredths in range(-100, 101)])


def lad(joints: Array, layout: SkeletonLayout, *, lengths: Array | None = None, corrected: bool = False) -> Array:
    """Angles at 14 joints, in radians, by the law of cosines; 0 if a side has no length.

    Args:
        joints: coordinates in metres, centred or not, which matters in the last bits only.
        layout: of these joints; that of NW-UCLA has its own angles, all others have NTU's by anatomy, without those
            whose joints they lack.
        lengths: frames of each sequence, if several follow each other along T; no angle depends on it.
        corrected: without the oddities below, and NaN where a body is absent.

    Shape:
        joints: (M, T, V, C), C = 2 or 3; bodies after the second are left out.
        returned: (14 min(M, 2), T) float64, body 0's rows first; fewer rows for layouts that lack joints.

    Raises:
        ShapeError: if the joints do not fit the layout, `lengths` do not fit the joints, or the layout has all three
            joints of no angle.
        DataError: if a coordinate is not finite.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar.

    Differs from the official code:
        Nothing by default, whose oddities are kept: cosines are rounded to two decimals, so there are 201 angles; with
        two bodies of NTU the angle of the left elbow is towards the hand, with one towards the wrist. `corrected`
        rounds nothing and always takes the wrist.

    Example:
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> joints = np.zeros((1, 1, 25, 3))
        >>> joints[0, 0, [4, 6], [0, 1]] = 1  # an elbow at the origin, bent at a right angle
        >>> round(float(lad(joints, layout("ntu25"))[4, 0]), 4)
        1.5708
    """
    points = planes(joints, layout)
    bodies, joint_count, frames = points.shape[1:]
    told_apart(lengths, frames)
    triples = table(layout, corrected=corrected).angles[bodies - 1]
    if not triples:
        raise ShapeError(f"layout {layout.name} has the joints of no angle of LAD; name its joints, or give `anatomy`")
    cosines = _cosines(points.reshape(3, -1, frames), *_sides(triples, bodies, joint_count))
    if not corrected:
        return _HUNDREDTHS[_in_hundredths(cosines) + 100]
    angles: Array = np.arccos(np.clip(cosines, -1, 1, out=cosines), out=cosines)
    np.copyto(angles.reshape(bodies, -1, frames), np.nan, where=~present(points)[:, None])
    return angles


@lru_cache(maxsize=64)
def _sides(triples: Triples, bodies: int, joint_count: int) -> tuple[Array, Array, Array]:
    """Ends of the sides of all triangles, each once, and which three belong to each angle; the last is opposite."""
    sides: dict[tuple[int, int], int] = {}
    rows = []
    for body in range(bodies):
        for vertex, first, second in triples:
            ends = ((first, vertex), (second, vertex), (second, first))
            shifted = [tuple(sorted(joint + body * joint_count for joint in pair)) for pair in ends]
            rows.append([sides.setdefault((low, high), len(sides)) for low, high in shifted])
    first_ends, second_ends = np.array(list(sides)).T
    return first_ends, second_ends, np.array(rows).T


def _cosines(points: Array, first: Array, second: Array, rows: Array) -> Array:
    sides = distances(points.take(first, axis=1), points.take(second, axis=1))
    squares = sides * sides
    near, far, opposite = rows
    cosines: Array = squares.take(near, axis=0)
    cosines += squares.take(far, axis=0)
    cosines -= squares.take(opposite, axis=0)
    denominators = sides.take(near, axis=0)
    denominators *= 2
    denominators *= sides.take(far, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines /= denominators
    # Without a side the angle is 0.
    np.copyto(cosines, 1, where=denominators == 0)
    return cosines


def _in_hundredths(cosines: Array) -> Array:
    """Nearest hundredths from -100 to 100, as the decimal rounding of Python decides."""
    scaled = cosines * 100
    nearest = np.rint(scaled)
    # The product has been rounded: where it ends up half-way, the number itself need not be.
    doubtful = np.abs(scaled - nearest) == 0.5
    if doubtful.any():
        nearest[doubtful] = [round(100 * round(cosine, 2)) for cosine in cosines[doubtful].tolist()]
    return np.clip(nearest, -100, 100, out=nearest).astype(np.intp)
