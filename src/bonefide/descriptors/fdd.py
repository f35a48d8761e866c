# SPDX-License-Identifier: Apache-2.0
"""FDD: JDD, ADD and LAD as the three colours of one image."""

from __future__ import annotations

import numpy as np

from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["fdd"]


def fdd(jdd: Array, add: Array, lad: Array) -> Array:
    """Three grey images as one of colours; nothing is computed.

    Args:
        jdd: becomes red.
        add: becomes green.
        lad: becomes blue.

    Shape:
        jdd, add, lad: (..., size, size) uint8.
        returned: (..., size, size, 3) uint8.

    Raises:
        ShapeError: if the images are not equally large.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar.

    Example:
        >>> import numpy as np
        >>> fdd(*(np.full((1, 1), level, np.uint8) for level in (1, 2, 3))).tolist()
        [[[1, 2, 3]]]
    """
    if not jdd.shape == add.shape == lad.shape:
        raise ShapeError(f"images of one size become one, got {jdd.shape}, {add.shape}, {lad.shape}")
    return np.stack([jdd, add, lad], axis=-1)
