# SPDX-License-Identifier: Apache-2.0
"""The origin of a sequence: the spine of the first body in the first frame."""

from __future__ import annotations

import numpy as np

from bonefide.descriptors._joined import first_shown, planes, present, spread, starts, told_apart
from bonefide.descriptors._tables import table
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["center"]


def center(joints: Array, layout: SkeletonLayout, *, lengths: Array | None = None, corrected: bool = False) -> Array:
    """Subtract one point from everything: the middle of the spine of body 0 in frame 0.

    It is joint 1 of both Kinect layouts. Others have their spine, else their pelvis, the point between the shoulders,
    or their root. There is no rotation and no scaling. What has been centred so before stays as it is.

    Officially, an empty first frame gives the origin (0, 0, 0), so that nothing moves, and absent bodies are moved as
    well, to minus the origin.

    Args:
        joints: coordinates in metres.
        layout: of these joints.
        lengths: frames of each sequence, if several follow each other along T; each has its own origin.
        corrected: take the first frame in which body 0 is there, and leave absent bodies zeros.

    Shape:
        joints: (M, T, V, C), C = 2 or 3; an absent body is zeros, or all its joints are one point.
        returned: (min(M, 2), T, V, 3) float64.

    Raises:
        ShapeError: if the joints do not fit the layout, `lengths` do not fit the joints, or the layout has no bones.
        DataError: if a coordinate is not finite.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar.

    Example:
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> joints = np.zeros((1, 3, 20, 3)) + np.arange(20)[:, None]
        >>> center(joints, layout("ucla20"))[0, :, :3, 0].tolist()
        [[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]
    """
    memory = planes(joints, layout)
    lengths = told_apart(lengths, memory.shape[3])
    shown = present(memory) if corrected else None
    firsts = starts(lengths) if shown is None else first_shown(shown[0], lengths)
    moved = memory - spread(memory[:, 0, table(layout, corrected=corrected).origin, firsts], lengths)[:, None, None]
    if shown is not None:
        np.copyto(moved, 0, where=~shown[:, None])
    return moved.transpose(1, 3, 2, 0)
