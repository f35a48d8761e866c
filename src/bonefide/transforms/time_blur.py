# SPDX-License-Identifier: Apache-2.0
"""Coordinates blurred along time."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["TimeBlur"]


@dataclass(frozen=True)
class TimeBlur:
    """Replace each frame by a Gaussian mean of its neighbours; beyond the ends the clip goes on mirrored.

    Drawn: the width of the Gaussian in frames, 0 for clips that are left alone.

    Args:
        probability: of blurring, 0 to 1.
        widths: smallest and largest standard deviation, in frames, above 0.
        window: frames that are averaged, an odd number, at least 1.

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if an option is out of its range.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        Nothing known, but what lies beyond the ends may differ.

    Example:
        >>> clip = np.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(1, 5, 1, 1)
        >>> TimeBlur(window=3).apply(clip, 1.0).ravel().round(3).tolist()
        [0.0, 0.274, 0.452, 0.274, 0.0]
    """

    probability: float = 0.5
    _: KW_ONLY
    widths: tuple[float, float] = (0.1, 2.0)
    window: int = 15

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ShapeError(f"the probability of blurring must be from 0 to 1, got {self.probability}")
        if not 0 < self.widths[0] <= self.widths[1]:
            raise ShapeError(f"widths must be the smallest and the largest, above 0, got {self.widths}")
        if self.window < 1 or self.window % 2 == 0:
            raise ShapeError(f"window must be an odd number of frames, got {self.window}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Blur one clip, or not."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> float:
        """The width, or 0."""
        chosen = generator.random() < self.probability
        width = float(generator.uniform(*self.widths))
        return width if chosen else 0.0

    def apply(self, clip: Array, width: float) -> Array:
        """Blur one clip by a given width; 0 leaves it alone."""
        if width == 0:
            return clip.copy()
        half = self.window // 2
        weights = np.exp(-0.5 * (np.arange(-half, half + 1) / width) ** 2)
        weights = (weights / weights.sum()).astype(clip.dtype)
        longer = np.pad(clip, ((0, 0), (half, half), (0, 0), (0, 0)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(longer, self.window, axis=1)
        return np.asarray(windows @ weights)
