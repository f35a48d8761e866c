# SPDX-License-Identifier: Apache-2.0
"""One frame from each of equal parts of the clip, as in PYSKL."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_frames
from bonefide.types import Array

__all__ = ["UniformSample"]

_TEST_SEED = 255


@dataclass(frozen=True)
class UniformSample:
    """Pick frames that cover the clip evenly but not rigidly.

    A span of m frames, a share of the clip, is chosen at random. If it is at least twice as long as wanted, it is cut
    into equal parts and one frame is drawn from each; if only longer, frames to skip are drawn; if shorter, frames are
    taken in order from a start, and begin again at the end of the clip.

    One call gives one clip. At test time the papers average the scores of several: clip `number` of `clips` is what
    PYSKL gives there, so a test of ten clips is ten transforms, `number` 0 to 9. Test mode draws from a fixed seed of
    its own: the same clip gives the same frames always. Drawn: the frame numbers.

    Args:
        frames: how many to pick, at least 1.
        random: draw from the generator (training), or from the fixed seed (test).
        keep: lowest and highest share of the clip to span, in (0, 1].
        clips: how many clips the test has, at least 1; without meaning in training.
        number: which of them this is, from 0.

    Shape:
        clip: (C, F, V, M), without padding.
        returned: (C, T, V, M) with T = `frames`, type as given.

    Raises:
        ShapeError: if an option is out of its range.

    Reference:
        Duan et al., PYSKL: Towards Good Practices for Skeleton Action Recognition, ACM Multimedia 2022,
        arXiv:2205.09443.

    Differs from the official code:
        The fixed seed is private; officially it resets the global generator at every test sample. A span is at least
        one frame; officially a span of none is an error.

    Example:
        >>> clip = np.arange(100.0).reshape(1, 100, 1, 1)
        >>> UniformSample(4, random=False)(clip, np.random.default_rng(0)).ravel().tolist()
        [6.0, 30.0, 65.0, 99.0]
    """

    frames: int
    _: KW_ONLY
    random: bool
    keep: tuple[float, float] = (1.0, 1.0)
    clips: int = 1
    number: int = 0

    def __post_init__(self) -> None:
        check_frames(self.frames)
        if len(self.keep) != 2 or not 0 < self.keep[0] <= self.keep[1] <= 1:
            raise ShapeError(f"keep must be the lowest and the highest share, in (0, 1], got {self.keep}")
        if not 0 <= self.number < self.clips:
            raise ShapeError(f"number must be 0 to {self.clips - 1} for {self.clips} clips, got {self.number}")

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Pick frames of one clip."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> Array:
        """Frame numbers, (T,) int64; ascending but for where they begin again."""
        length = clip.shape[1]
        if self.random:
            # The old interface on the given bits: its calls are the official ones, so official draws can be repeated.
            return self._span(length, np.random.RandomState(generator.bit_generator), None)
        source = np.random.RandomState(_TEST_SEED)
        return [self._span(length, source, number) for number in range(self.number + 1)][-1]

    def apply(self, clip: Array, indices: Array) -> Array:
        """Take given frames of one clip."""
        return clip[:, indices]

    def _span(self, length: int, source: np.random.RandomState, number: int | None) -> Array:
        low, high = self.keep
        span = max(int((low + source.rand() * (high - low)) * length), 1)
        offset = source.randint(length - span + 1)
        if span < self.frames:
            indices = self._start(span, source, number) + np.arange(self.frames)
        elif span < 2 * self.frames:
            indices = _skipping(span, self.frames, source)
        else:
            bounds = np.arange(self.frames + 1) * span // self.frames
            indices = bounds[:-1] + source.randint(np.diff(bounds))
        return np.asarray((indices + offset) % length)

    def _start(self, span: int, source: np.random.RandomState, number: int | None) -> int:
        if number is None:
            return int(source.randint(span))
        return number if span < self.clips else number * span // self.clips


def _skipping(span: int, frames: int, source: np.random.RandomState) -> Array:
    skipped = np.zeros(frames + 1, np.int64)
    skipped[source.choice(frames + 1, span - frames, replace=False)] = 1
    indices: Array = np.arange(frames) + skipped.cumsum()[:-1]
    return indices
