# SPDX-License-Identifier: Apache-2.0
"""From a descriptor's floats to its image: 8 bits at native size, then resized; shared by all five."""

from __future__ import annotations

import numpy as np

from bonefide.descriptors._pixels import quantized, resized
from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["image"]


def image(raw: Array, *, lengths: Array | None = None, size: int = 112, corrected: bool = False) -> Array:
    """A square 8-bit image of every sequence, its rows those of the descriptor, its columns the frames.

    Levels run from the smallest to the largest number of a sequence, for each channel. The native image is resized by
    bicubic resampling in integers, along the frames first: to the last bit as Pillow does it, as long as there are no
    more rows than the size (beyond, newer versions may take the rows first).

    Args:
        raw: what `gd`, `jdd`, `add` or `lad` returns.
        lengths: columns of each sequence, if several follow each other; for ADD one less than frames.
        size: height and width, at least 1 pixel.
        corrected: let the largest number become 255, and NaN the level 0.

    Shape:
        raw: (rows, T) or (rows, T, 3); a sequence without columns gives an image of zeros.
        returned: (N, size, size) or (N, size, size, 3) uint8, colours in the order x, y, z; N = 1 without `lengths`.

    Raises:
        ShapeError: if there are no rows, the lengths do not fit, or the size is below 1.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition; adjkamel/imdar. Keys, Cubic
        convolution interpolation for digital image processing, IEEE TASSP 1981, with a = -0.5.

    Differs from the official code:
        Nothing by default, whose oddity is kept: by the order of its operations the largest level is 254 in one image
        of seven.

    Example:
        >>> import numpy as np
        >>> image(np.array([[1.0, 2.0], [3.0, 4.0]]), size=2)[0].tolist()
        [[0, 85], [170, 255]]
    """
    if raw.ndim not in {2, 3} or not raw.shape[0]:
        raise ShapeError(f"an image needs numbers (rows, T) or (rows, T, 3) with a row, got {raw.shape}")
    if size < 1:
        raise ShapeError(f"the size of images must be at least 1, got {size}")
    columns = np.array([raw.shape[1]] if lengths is None else lengths)
    if not len(columns) or columns.min() < 0 or columns.sum() != raw.shape[1]:
        raise ShapeError(f"lengths must add up to the {raw.shape[1]} columns, got {columns.tolist()}")
    return resized(quantized(raw.copy(), columns, corrected=corrected), columns, size)
