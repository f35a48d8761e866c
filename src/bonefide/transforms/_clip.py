# SPDX-License-Identifier: Apache-2.0
"""What several transforms ask of a clip or do to it."""

from __future__ import annotations

import numpy as np

from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["check_axes", "check_frames", "check_joint", "present", "resize"]


def present(clip: Array) -> Array:
    """Where there is somebody: persons and frames that are not all zeros.

    Shape:
        clip: (C, T, V, M).
        returned: (1, T, 1, M) bool, ready to be broadcast against a clip.
    """
    return np.asarray(clip.any(axis=(0, 2), keepdims=True))


def resize(clip: Array, frames: int) -> Array:
    """Blend neighbouring frames so that `frames` of them cover the same time.

    Frame j of w lies at `(j + 0.5) n / w - 0.5` of the n given ones, but never before the first or behind the last.

    Shape:
        clip: (C, n, V, M), n at least 1.
        returned: (C, T, V, M) with T = `frames`, type as given.
    """
    length = clip.shape[1]
    position = np.maximum((np.arange(frames) + 0.5) * (length / frames) - 0.5, 0)
    before = position.astype(np.int64)
    share = (position - before).astype(clip.dtype)[:, None, None]
    resized: Array = clip[:, before]
    resized *= 1 - share
    resized += clip[:, np.minimum(before + 1, length - 1)] * share
    return resized


def check_frames(frames: int) -> None:
    """Refuse an impossible clip length.

    Raises:
        ShapeError: if `frames` is below 1.
    """
    if frames < 1:
        raise ShapeError(f"frames must be at least 1, got {frames}")


def check_joint(clip: Array, joint: int) -> None:
    """Refuse a joint number that the clip does not have.

    Raises:
        ShapeError: if `joint` is not below V.
    """
    if joint >= clip.shape[2]:
        raise ShapeError(f"joint {joint} of a clip with {clip.shape[2]} joints; joints are numbered from 0")


def check_axes(clip: Array, axes: int) -> None:
    """Refuse a clip of flat poses where space is needed.

    Raises:
        ShapeError: if C is not `axes`.
    """
    if len(clip) != axes:
        raise ShapeError(f"a clip with {len(clip)} coordinates a joint, but {axes} are needed")
