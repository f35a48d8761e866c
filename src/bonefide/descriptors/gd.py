# SPDX-License-Identifier: Apache-2.0
"""GD: coordinates smoothed over the graph of bones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bonefide.descriptors._joined import planes, present, starts, told_apart
from bonefide.descriptors._tables import Bones, table
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["gd"]


def gd(joints: Array, layout: SkeletonLayout, *, lengths: Array | None = None, corrected: bool = False) -> Array:
    """Every joint's coordinates, added up with those of its neighbours: a row per joint, x, y, z as channels.

    With d_i = 1 + number of bones at joint i, joint j becomes the sum of x_i / d_i over itself and its neighbours i.

    Args:
        joints: coordinates in metres, centred, see `center`.
        layout: of these joints; the two of NTU and that of NW-UCLA have the published bones, others their own.
        lengths: frames of each sequence, if several follow each other along T.
        corrected: without the first two oddities below, and NaN where a body is absent.

    Shape:
        joints: (M, T, V, C), C = 2 or 3; bodies after the second are left out.
        returned: (min(M, 2) V, T, 3) float32, body 0's rows first.

    Raises:
        ShapeError: if the joints do not fit the layout, `lengths` do not fit the joints, or the layout has no bones.
        DataError: if a coordinate is not finite.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar.

    Differs from the official code:
        Nothing by default, whose oddities are kept: the first frame is never computed and stays 0; the row-normalised
        matrix is applied from the wrong side, so that weights are 1 / d of the neighbour and do not add up to one.
        `corrected` gives the mean of a joint and its neighbours, in all frames.

    Example:
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> smooth = gd(np.ones((1, 2, 20, 3)), layout("ucla20"))
        >>> smooth[[0, 3], :, 0].astype(float).round(3).tolist()  # hip centre, head
        [[0.0, 1.25], [0.0, 0.7]]
    """
    points = planes(joints, layout)
    lengths = told_apart(lengths, points.shape[3])
    ranks, weights = _neighbours(table(layout, corrected=corrected).bones, len(layout.joints))
    single = points.astype(np.float32)
    if not corrected:
        single *= weights
    total = single[:, :, ranks[0][1]]
    for rows, others in ranks[1:]:
        # Products are added in the order of the joints, each sum rounded: bit by bit the official matrix product.
        total[:, :, rows] += single[:, :, others]
    if corrected:
        total *= weights
        np.copyto(total, np.nan, where=~present(points)[:, None])
    else:
        total[..., starts(lengths)] = 0
    return total.reshape(3, -1, total.shape[3]).transpose(1, 2, 0)


@lru_cache(maxsize=64)
def _neighbours(bones: Bones, joints: int) -> tuple[list[tuple[Array, Array]], Array]:
    """First the lowest joint next to every joint, itself included, then the second where there is one, and so on."""
    near = [[joint] for joint in range(joints)]
    for first, second in bones:
        near[first].append(second)
        near[second].append(first)
    near = [sorted(each) for each in near]
    ranks = []
    for rank in range(max(map(len, near))):
        rows = [joint for joint in range(joints) if len(near[joint]) > rank]
        ranks.append((np.array(rows), np.array([near[joint][rank] for joint in rows])))
    weights = (1 / np.array([len(each) for each in near])).astype(np.float32)
    return ranks, weights[:, None]
