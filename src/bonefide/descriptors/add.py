# SPDX-License-Identifier: Apache-2.0
"""ADD: distances of each joint between consecutive frames."""

from __future__ import annotations

import numpy as np

from bonefide.descriptors._joined import distances, planes, present, starts, told_apart
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["add"]


def add(joints: Array, layout: SkeletonLayout, *, lengths: Array | None = None, corrected: bool = False) -> Array:
    """How far every joint moves from a frame to the next, in metres, without a frame rate.

    A body that comes or goes jumps, officially, from or to the point where absent bodies are.

    Args:
        joints: coordinates in metres, centred or not: it matters to absent bodies.
        layout: of these joints.
        lengths: frames of each sequence, if several follow each other along T.
        corrected: NaN unless a body is there in both frames.

    Shape:
        joints: (M, T, V, C), C = 2 or 3; bodies after the second are left out.
        returned: (min(M, 2) V, T - N) float64, N the number of sequences: T - 1 columns for one; body 0's rows first.

    Raises:
        ShapeError: if the joints do not fit the layout, or `lengths` the joints.
        DataError: if a coordinate is not finite.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar.

    Differs from the official code:
        A single frame gives no column, and an image of zeros; for NTU the official code fails.

    Example:
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> joints = np.zeros((1, 3, 20, 3))
        >>> joints[0, 1:, 3] = 3, 4, 0
        >>> add(joints, layout("ucla20"))[3].tolist()
        [5.0, 0.0]
    """
    points = planes(joints, layout)
    lengths = told_apart(lengths, points.shape[3])
    steps = distances(points[..., :-1].copy(), points[..., 1:])
    if corrected:
        shown = present(points)
        np.copyto(steps, np.nan, where=~(shown[:, :-1] & shown[:, 1:])[:, None])
    rows = steps.reshape(steps.shape[0] * steps.shape[1], steps.shape[2])
    return rows if len(lengths) == 1 else np.delete(rows, starts(lengths)[1:] - 1, axis=1)
