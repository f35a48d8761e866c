# SPDX-License-Identifier: Apache-2.0
"""A random shift in time, the ends filled by what mirrors them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.types import Array

__all__ = ["PaddedCrop"]


@dataclass(frozen=True)
class PaddedCrop:
    """Lengthen a clip at both ends by its own mirror image, and cut a clip of the former length out of it.

    Drawn: the first frame of the cut, of all that are possible.

    Args:
        ratio: a clip is lengthened by this part of its frames at either end: 6 is a sixth; 0 leaves it alone.

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if `ratio` is negative.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        Nothing known.

    Example:
        >>> clip = np.arange(1.0, 7.0).reshape(1, 6, 1, 1)
        >>> PaddedCrop(3).apply(clip, 0).ravel().tolist()
        [3.0, 2.0, 1.0, 2.0, 3.0, 4.0]
    """

    ratio: int = 6

    def __post_init__(self) -> None:
        if self.ratio < 0:
            raise ShapeError(f"ratio must be at least 0, got {self.ratio}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Shift one clip at random."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> int:
        """First frame of the cut; the padding's length leaves the clip as it is."""
        return int(generator.integers(2 * self._padding(clip), endpoint=True))

    def apply(self, clip: Array, first: int) -> Array:
        """Cut at a given frame of the lengthened clip."""
        padding, length = self._padding(clip), clip.shape[1]
        longer = np.pad(clip, ((0, 0), (padding, padding), (0, 0), (0, 0)), mode="reflect")
        return longer[:, first : first + length].copy()

    def _padding(self, clip: Array) -> int:
        return int(clip.shape[1] // self.ratio) if self.ratio else 0
