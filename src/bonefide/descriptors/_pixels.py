# SPDX-License-Identifier: Apache-2.0
"""Floats to 8 bits, and the integer bicubic resampling of 8-bit images, sequence by sequence or many at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bonefide.descriptors._joined import spread, starts
from bonefide.types import Array

__all__ = ["quantized", "resized"]

_UNIT = 2**22
"""Weights of the resampling are multiples of its inverse."""


def quantized(raw: Array, lengths: Array, *, corrected: bool = False) -> Array:
    """Scale each sequence and channel to 0..255 by its own smallest and largest number.

    In float64, multiplied first and divided last, and rounded down: officially the largest number becomes 254 in one
    image of seven. If all are equal, the image is zeros, and so is NaN.

    Shape:
        raw: (rows, T) or (rows, T, channels); overwritten if it is float64.
        lengths: (N,), columns of each sequence, 0 allowed.
        returned: uint8, same shape.
    """
    channels = (raw[None] if raw.ndim == 2 else np.moveaxis(raw, -1, 0)).astype(np.float64, copy=False)
    if not channels.shape[2]:
        return np.zeros(raw.shape, np.uint8)
    lengths = lengths[lengths > 0]
    low, high = (
        limit.reduceat(limit.reduce(channels, axis=1), starts(lengths), axis=1)
        for limit in ((np.fmin, np.fmax) if corrected else (np.minimum, np.maximum))
    )
    top = channels == spread(high, lengths)[:, None] if corrected else None
    channels -= spread(low, lengths)[:, None]
    channels *= 255
    channels /= spread(np.where(high == low, 1, high - low), lengths)[:, None]
    if top is not None:
        np.copyto(channels, 255, where=top & spread(high > low, lengths)[:, None])
        np.nan_to_num(channels, copy=False)
    pixels = channels.astype(np.uint8)
    return pixels[0] if raw.ndim == 2 else np.moveaxis(pixels, 0, -1)


def resized(pixels: Array, lengths: Array, size: int) -> Array:
    """Every sequence as a square image, by two products with the matrices of `_weights`.

    Sums of 8-bit levels times such weights are exact in float64, whatever the order, so this is the integer arithmetic
    of Pillow to the last bit.

    Shape:
        pixels: (rows, T) or (rows, T, channels) uint8, rows at least 1.
        lengths: (N,), columns of each sequence; 0 gives an image of zeros.
        returned: (N, size, size) or (N, size, size, channels) uint8.
    """
    channels = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    images = np.zeros((len(lengths), size, size, len(channels)), np.uint8)
    begins = starts(lengths)
    for length in np.unique(lengths[lengths > 0]).tolist():
        same = np.flatnonzero(lengths == length)
        columns = (begins[same, None] + np.arange(length)).ravel()
        part = channels if len(same) == len(lengths) else channels.take(columns, axis=2)
        squares = _squares(part.reshape(*part.shape[:2], len(same), length), size)
        images[same] = squares.transpose(2, 1, 3, 0)
    return images[..., 0] if pixels.ndim == 2 else images


def _squares(channels: Array, size: int) -> Array:
    """(channels, rows, N, T) to (channels, size, N, size): along the frames first, rounded, then along the rows."""
    count, rows, many, length = channels.shape
    wide = channels.reshape(-1, length).astype(np.float64) @ _weights(length, size)
    wide += 0.5
    np.floor(wide, out=wide)
    np.clip(wide, 0, 255, out=wide)
    high = _weights(rows, size).T @ wide.reshape(count, rows, many * size)
    high += 0.5
    # Casting rounds towards zero, which is down where nothing is negative.
    return np.clip(high, 0, 255, out=high).astype(np.uint8).reshape(count, size, many, size)


@lru_cache(maxsize=512)
def _weights(length: int, size: int) -> Array:
    """What each of `length` pixels gives to each of `size`, (length, size): Keys' cubic, a = -0.5, stretched to shrink.

    Rounded to multiples of 2 ** -22, as the integer arithmetic has them.
    """
    step = length / size
    stretch = max(step, 1.0)
    weights = np.zeros((size, length))
    for pixel in range(size):
        middle = (pixel + 0.5) * step
        low = max(0, int(middle - 2 * stretch + 0.5))
        high = min(length, int(middle + 2 * stretch + 0.5))
        near = np.array([_cubic((each - middle + 0.5) / stretch) for each in range(low, high)])
        # In the order of the pixels.
        weights[pixel, low:high] = near / np.cumsum(near)[-1]
    whole = np.trunc(weights * _UNIT + np.copysign(0.5, weights))
    return np.ascontiguousarray(whole.T / _UNIT)


def _cubic(distance: float) -> float:
    far = abs(distance)
    if far < 1:
        return (1.5 * far - 2.5) * far * far + 1
    return ((-0.5 * far + 2.5) * far - 4) * far + 2 if far < 2 else 0.0
