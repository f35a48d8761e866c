# SPDX-License-Identifier: Apache-2.0
"""Crop a share of the valid frames and resize it to a fixed length: the window of the CTR-GCN line."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass
from functools import reduce
from math import floor

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_frames, resize
from bonefide.types import Array

__all__ = ["CropResize"]


@dataclass(frozen=True)
class CropResize:
    """Keep part of the frames in which something moves, and blend them to `frames`.

    The number of valid frames is the count of those whose coordinates do not sum to 0; they are taken to be the first
    ones. One share: the middle is kept. Two: a share between them and where it starts are drawn, but clips of at most
    `shortest` valid frames are never cropped. Drawn (or computed): first frame and number of frames.

    Args:
        frames: length to resize to, at least 1.
        keep: share of the valid frames to keep, above 0 and at most 1: one value, or lowest and highest.
        shortest: fewest frames a random crop leaves, at least 1.

    Shape:
        clip: (C, T', V, M); padding frames at the end are zeros.
        returned: (C, T, V, M) with T = `frames`, type as given; absent persons stay zeros.

    Raises:
        ShapeError: if an option is out of its range.

    Warns:
        UserWarning: if no frame is valid; the result is zeros.

    Reference:
        NTU feeder of Chen et al., Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
        Recognition, ICCV 2021, arXiv:2107.12213.

    Differs from the official code:
        A clip without valid frames gives zeros and a warning, officially an error. Kept as it is: an empty frame inside
        costs a frame at the end, since valid frames are counted and not located; `shortest` is 64 whatever `frames` is.

    Example:
        >>> clip = np.arange(1.0, 9.0).reshape(1, 8, 1, 1)
        >>> CropResize(2, keep=(0.5,))(clip, np.random.default_rng(0)).ravel().tolist()
        [3.5, 5.5]
    """

    frames: int
    _: KW_ONLY
    keep: tuple[float, ...] = (0.95,)
    shortest: int = 64

    def __post_init__(self) -> None:
        check_frames(self.frames)
        if len(self.keep) not in (1, 2) or not 0 < self.keep[0] <= self.keep[-1] <= 1:
            raise ShapeError(f"keep must be one share or the lowest and the highest, in (0, 1], got {self.keep}")
        if self.shortest < 1:
            raise ShapeError(f"shortest must be at least 1, got {self.shortest}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Crop and resize one clip."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> tuple[int, int]:
        """First frame and number of frames to keep; (0, 0) if there is nothing."""
        valid = _count_valid(clip)
        if valid == 0:
            warnings.warn("a clip without a single valid frame: it stays zeros", stacklevel=3)
            return 0, 0
        if len(self.keep) == 1:
            # Not `round` and not another order: floating point decides which frame is cut, as officially.
            start = int((1 - self.keep[0]) * valid / 2)
            return start, valid - 2 * start
        share = generator.uniform(self.keep[0], self.keep[1])
        length = min(max(floor(valid * share), self.shortest), valid)
        return int(generator.integers(valid - length, endpoint=True)), length

    def apply(self, clip: Array, window: tuple[int, int]) -> Array:
        """Resize a given window of one clip: its first frame and number of frames."""
        start, length = window
        if length == 0:
            return np.zeros((len(clip), self.frames, *clip.shape[2:]), clip.dtype)
        return resize(clip[:, start : start + length], self.frames)


def _count_valid(clip: Array) -> int:
    # Coordinates, then persons, then joints: the official order, so that what cancels there cancels here.
    of_coordinates = reduce(np.add, clip)
    of_persons = reduce(np.add, np.moveaxis(of_coordinates, -1, 0))
    return int(np.count_nonzero(of_persons.sum(axis=-1)))
