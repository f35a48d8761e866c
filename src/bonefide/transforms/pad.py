# SPDX-License-Identifier: Apache-2.0
"""As many frames in every clip: zeros behind the short ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.transforms._clip import check_frames
from bonefide.types import Array

__all__ = ["Pad"]


@dataclass(frozen=True)
class Pad:
    """Put zero frames behind a clip, so that all are equally long; of a longer one only the beginning stays.

    Args:
        frames: length of every clip, at least 1; the longest recording of NTU RGB+D has 300.

    Shape:
        clip: (C, F, V, M).
        returned: (C, T, V, M) with T = `frames`, type as given.

    Raises:
        ShapeError: if `frames` is below 1.

    Reference:
        Data of Yan et al., Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition, AAAI
        2018, arXiv:1801.07455.

    Differs from the official code:
        Clips that are too long are cut, which it cannot store.

    Example:
        >>> clip = np.arange(1.0, 4.0).reshape(1, 3, 1, 1)
        >>> generator = np.random.default_rng(0)
        >>> Pad(5)(clip, generator).ravel().tolist(), Pad(2)(clip, generator).ravel().tolist()
        ([1.0, 2.0, 3.0, 0.0, 0.0], [1.0, 2.0])
    """

    frames: int = 300

    def __post_init__(self) -> None:
        check_frames(self.frames)

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Pad or cut one clip; nothing is drawn."""
        padded = np.zeros((len(clip), self.frames, *clip.shape[2:]), clip.dtype)
        length = min(clip.shape[1], self.frames)
        padded[:, :length] = clip[:, :length]
        return padded
