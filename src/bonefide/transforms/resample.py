# SPDX-License-Identifier: Apache-2.0
"""Linear resampling to a fixed number of frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.transforms._clip import check_frames, resize
from bonefide.types import Array

__all__ = ["Resample"]


@dataclass(frozen=True)
class Resample:
    """Blend all frames of a clip to another number of them, padding included; see `CropResize` for valid ones only.

    Frame j of T lies at `(j + 0.5) F / T - 0.5` of the F given ones, but never before the first or behind the last.

    Args:
        frames: length to resample to, at least 1.

    Shape:
        clip: (C, F, V, M), F at least 1.
        returned: (C, T, V, M) with T = `frames`, type as given; absent persons stay zeros.

    Raises:
        ShapeError: if `frames` is below 1.

    Reference:
        The rule is that of bilinear image interpolation without aligned corners, as in the NTU feeder of Chen et al.,
        ICCV 2021, arXiv:2107.12213.

    Differs from the official code:
        Nothing known.

    Example:
        >>> clip = np.arange(4.0).reshape(1, 4, 1, 1)
        >>> Resample(2)(clip, np.random.default_rng(0)).ravel().tolist()
        [0.5, 2.5]
    """

    frames: int

    def __post_init__(self) -> None:
        check_frames(self.frames)

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Resample one clip; nothing is drawn."""
        return resize(clip, self.frames)
