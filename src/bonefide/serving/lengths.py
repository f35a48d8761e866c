# SPDX-License-Identifier: Apache-2.0
"""Which clip lengths an encoder takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bonefide.errors import ShapeError

if TYPE_CHECKING:
    from bonefide.encoders._encoder import Encoder

__all__ = ["LONGEST", "Lengths", "lengths"]

LONGEST = 4096
"""Frames, and samples of a batch, an exported program takes at most."""
_LARGEST_STEP = 64


@dataclass(frozen=True)
class Lengths:
    """Multiples of a step, from the least to `LONGEST`; or one length only.

    Args:
        least: shortest, in frames.
        step: frames between lengths; 0 if there is but one.

    Example:
        >>> Lengths(8, 4).described, 10 in Lengths(8, 4), 12 in Lengths(8, 4), Lengths(52, 0).some(52)
        ('multiples of 4 frames, at least 8', False, True, (52,))
    """

    least: int
    step: int

    def __contains__(self, frames: int) -> bool:
        if not self.step:
            return frames == self.least
        return self.least <= frames <= LONGEST and frames % self.step == 0

    @property
    def described(self) -> str:
        """In words."""
        if not self.step:
            return f"{self.least} frames only"
        what = "any number of frames" if self.step == 1 else f"multiples of {self.step} frames"
        return f"{what}, at least {self.least}"

    def some(self, frames: int) -> tuple[int, ...]:
        """A few that differ much, the given one first."""
        if not self.step:
            return (frames,)
        shorter = max(self.least, frames // 2 // self.step * self.step - self.step)
        return tuple(dict.fromkeys((frames, self.least, shorter, frames + self.step)))


def lengths(encoder: Encoder, frames: int) -> Lengths:
    """Ask an encoder: it refuses to say the size of its map for clips it does not take.

    The least length keeps more than one frame in the map, so that no axis of a program has a size of its own.

    Args:
        encoder: whom to ask.
        frames: a length it takes.
    """
    step = next((step for step in range(1, _LARGEST_STEP) if _takes(encoder, frames + step)), 0)
    if not step or frames % step:
        return Lengths(frames, 0)
    least = next(each for each in range(step, frames + step, step) if each >= frames or _is_long(encoder, each))
    return Lengths(least, step)


def _takes(encoder: Encoder, frames: int) -> bool:
    try:
        encoder.map_size(frames)
    except ShapeError:
        return False
    return True


def _is_long(encoder: Encoder, frames: int) -> bool:
    return _takes(encoder, frames) and encoder.map_size(frames)[1] > 1
