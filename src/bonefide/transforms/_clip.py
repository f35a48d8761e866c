# SPDX-License-Identifier: Apache-2.0
"""What several transforms ask of a clip or do to it."""

from __future__ import annotations

import numpy as np

from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["check_joint", "present", "rotate"]


def present(clip: Array) -> Array:
    """Where there is somebody: persons and frames that are not all zeros.

    Shape:
        clip: (C, T, V, M).
        returned: (1, T, 1, M) bool, ready to be broadcast against a clip.
    """
    return np.asarray(clip.any(axis=(0, 2), keepdims=True))


def rotate(clip: Array, matrix: Array) -> Array:
    """Apply one matrix to every joint as a column vector; zeros stay zeros, the type stays the clip's.

    Shape:
        clip: (C, T, V, M).
        matrix: (C, C).
        returned: (C, T, V, M).
    """
    turned: Array = matrix.astype(clip.dtype) @ clip.reshape(len(clip), -1)
    return turned.reshape(clip.shape)


def check_joint(clip: Array, joint: int) -> None:
    """Refuse a joint number that the clip does not have.

    Raises:
        ShapeError: if `joint` is not below V.
    """
    if joint >= clip.shape[2]:
        raise ShapeError(f"joint {joint} of a clip with {clip.shape[2]} joints; joints are numbered from 0")
