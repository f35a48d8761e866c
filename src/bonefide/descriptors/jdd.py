# SPDX-License-Identifier: Apache-2.0
"""JDD: distances between joints of a frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bonefide.descriptors._joined import distances, first_shown, planes, present, spread, starts, told_apart
from bonefide.descriptors._tables import Bones, Distances, Table, table
from bonefide.errors import ShapeError
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["jdd"]


def jdd(joints: Array, layout: SkeletonLayout, *, lengths: Array | None = None, corrected: bool = False) -> Array:
    """Distances between 32 pairs of joints in every frame, in units of the body's size in the first frame.

    The size is the sum of the lengths of all bones, of each body for itself; 1 if that is 0.

    Args:
        joints: coordinates in metres, centred or not, which matters in the last bits only.
        layout: of these joints; that of NW-UCLA has its own pairs, all others have NTU's by anatomy, without those
            whose joints they lack.
        lengths: frames of each sequence, if several follow each other along T.
        corrected: without the oddities below; sizes are of the first frame in which a body is there, and NaN stands
            where it is not.

    Shape:
        joints: (M, T, V, C), C = 2 or 3; bodies after the second are left out.
        returned: (32 min(M, 2), T) float64, body 0's rows first; fewer rows for layouts that lack joints.

    Raises:
        ShapeError: if the joints do not fit the layout, `lengths` do not fit the joints, or the layout has no bones, or
            both joints of no pair.
        DataError: if a coordinate is not finite.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar.

    Differs from the official code:
        Nothing by default, whose oddities are kept. NTU: rows 20 and 21 of a body take the z of another joint; the
        second body's row 16 holds what belongs into row 17, which stays 0. NW-UCLA: row 25 is not divided, and the
        bone from neck to head counts twice in the size. `corrected` has none of them.

    Example:
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> joints = np.random.default_rng(0).normal(size=(1, 4, 25, 3))
        >>> np.allclose(jdd(joints, layout("ntu25")), jdd(3 * joints, layout("ntu25")))
        True
    """
    points = planes(joints, layout)
    lengths = told_apart(lengths, points.shape[3])
    known = table(layout, corrected=corrected)
    if not known.distances[0]:
        raise ShapeError(f"layout {layout.name} has both joints of no pair of JDD; name its joints, or give `anatomy`")
    shown = present(points) if corrected else None
    bodies, joint_count, frames = points.shape[1:]
    rows = distances(*_ends(points, known.distances[:bodies], joint_count)).reshape(bodies, -1, frames)
    kept = [rows[:, row].copy() for row in known.undivided]
    rows /= spread(_sizes(points, known, lengths, shown), lengths)[:, None]
    for row, values in zip(known.undivided, kept, strict=True):
        rows[:, row] = values
    if shown is not None:
        np.copyto(rows, np.nan, where=~shown[:, None])
    return rows.reshape(-1, frames)


def _ends(points: Array, rows: tuple[Distances, ...], joint_count: int) -> tuple[Array, Array]:
    first, second = _numbers(rows, joint_count)
    flat = points.reshape(-1, points.shape[3])
    return flat.take(first, axis=0), flat.take(second, axis=0)


@lru_cache(maxsize=64)
def _numbers(rows: tuple[Distances, ...], joint_count: int) -> tuple[Array, Array]:
    """Rows of the coordinates (3 M V) that each distance is between, (3, rows) each."""
    body = np.repeat(np.arange(len(rows)) * joint_count, len(rows[0]))
    first, second, depth = np.array(rows).reshape(-1, 3).T + body
    coordinate = np.arange(3)[:, None] * len(rows) * joint_count
    return first + coordinate, np.stack([second, second, depth]) + coordinate


def _sizes(points: Array, known: Table, lengths: Array, shown: Array | None) -> Array:
    """(M, N), of the first frame of each sequence, or the first in which the body is there."""
    if shown is None:
        early = points[..., starts(lengths)]
    else:
        bodies = [points[:, body][..., first_shown(shown[body], lengths)] for body in range(points.shape[1])]
        early = np.stack(bodies, axis=1)
    first, second = _bone_ends(known.size)
    # `sum` adds in an order of its own, `cumsum` in that of the list.
    sizes = np.cumsum(distances(early[:, :, first], early[:, :, second]), axis=1)[:, -1]
    return np.where(sizes == 0, 1, sizes)


@lru_cache(maxsize=64)
def _bone_ends(bones: Bones) -> tuple[Array, Array]:
    first, second = np.array(bones).T
    return first, second
