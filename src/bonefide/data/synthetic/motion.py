# SPDX-License-Identifier: Apache-2.0
"""What a person does, as a score: where hands and feet are when, how the trunk moves; and its interpolation in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.interpolate import PchipInterpolator

from bonefide.types import Array

__all__ = ["Anchor", "Curve", "Foot", "Hand", "Motion", "Point", "Reach", "Scene", "blend", "curve", "hand_keys"]

Anchor = Literal["rest", "shoulder", "chest", "head", "floor", "meet"]
"""What a hand's place is measured from, and in which unit.

`rest`: wherever this performer lets the hand rest; `shoulder`: own shoulder, axes of the chest, arm lengths; `chest`:
top of the spine, axes of the chest, body heights; `head`: middle of the head, its axes, body heights; `floor`: ground
where the performer stood at first, body heights; `meet`: ground half-way between two persons, metres.
"""

Curve = Sequence[tuple[float, float]]
"""Time in seconds, value; ascending in time."""

Point = tuple[float, float, float]
"""Outward from the body's middle on the hand's or foot's own side, upward, forward."""


@dataclass(frozen=True)
class Reach:
    """A place for a hand.

    Args:
        anchor: what it is measured from.
        offset: outward, upward, forward, in the anchor's unit.
        elbow: direction the elbow points in, in axes of the chest: outward, upward, forward; of any length.
    """

    anchor: Anchor
    offset: Point = (0.0, 0.0, 0.0)
    elbow: Point = (0.6, -1.0, -0.3)


@dataclass(frozen=True)
class Hand:
    """A hand is at a place at a time, in seconds."""

    time: float
    reach: Reach


@dataclass(frozen=True)
class Foot:
    """A foot is at a place at a time.

    Args:
        time: in seconds.
        place: outward, upward, forward of where it stood at first, in body heights.
        yaw: turn to the left, in radians.
        tilt: how far the toes point down, in radians.
        arc: how high the foot is lifted on its way here, in body heights.
    """

    time: float
    place: Point = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    tilt: float = 0.0
    arc: float = 0.0


@dataclass(frozen=True)
class Motion:
    """All that one person does. What is not mentioned rests.

    Args:
        right: the right hand, ascending in time; a left-hander's are exchanged after all.
        left: the left hand.
        right_foot: the right foot.
        left_foot: the left foot.
        trunk: curves of `forward`, `right` (place of the pelvis, body heights), `height` (of the pelvis, 1 when
            standing), and in radians `yaw` and `pitch` of the pelvis, `bend`, `side` and `twist` of the spine, `nod`
            and `turn` of the head. Forward, downward, to the right (`side`) or to the left (`yaw`, `twist`, `turn`)
            is positive.
    """

    right: Sequence[Hand] = ()
    left: Sequence[Hand] = ()
    right_foot: Sequence[Foot] = ()
    left_foot: Sequence[Foot] = ()
    trunk: Mapping[str, Curve] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Time of the last key, in seconds."""
        ends = [key.time for key in (*self.right, *self.left)]
        ends += [key.time for key in (*self.right_foot, *self.left_foot)]
        ends += [time for points in self.trunk.values() for time, _ in points]
        return max(ends, default=1.0)


@dataclass(frozen=True)
class Scene:
    """All that happens.

    Args:
        motions: what every person does, one clock for all.
        gap: distance between two persons at first, who face each other, in metres.
    """

    motions: tuple[Motion, ...]
    gap: float = 0.0

    @property
    def duration(self) -> float:
        """Time of the last key, in seconds."""
        return max(motion.duration for motion in self.motions)


def blend(keys: Array, times: Array) -> Array:
    """Shares of every key at every time: a smooth start and stop between neighbours, one key at a time outside.

    Args:
        keys: ascending times.
        times: when to evaluate.

    Shape:
        keys: (K,).
        times: (T,).
        returned: (T, K), rows add to 1.

    Example:
        >>> blend(np.array([0.0, 1.0]), np.array([-1.0, 0.5, 2.0])).tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    share = np.clip((times[:, None] - keys[:-1]) / np.maximum(np.diff(keys), 1e-6), 0.0, 1.0)
    passed = share * share * share * (10.0 + share * (6.0 * share - 15.0))
    edge = np.ones((len(times), 1))
    return np.concatenate([edge, passed], axis=1) - np.concatenate([passed, 0.0 * edge], axis=1)


def curve(points: Curve, times: Array) -> Array:
    """A smooth curve through points that never overshoots and rests outside.

    Shape:
        times: (T,).
        returned: (T,).
    """
    place, value = np.array(points, dtype=np.float64).T
    if len(place) == 1 or np.ptp(value) == 0.0:
        return np.full(len(times), value[0])
    place = np.concatenate([[place[0] - 1.0], place, [place[-1] + 1.0]])
    value = np.concatenate([value[:1], value, value[-1:]])
    through: Array = PchipInterpolator(place, value)(np.clip(times, place[0], place[-1]))
    return through


def hand_keys(*keys: tuple[float, Reach]) -> tuple[Hand, ...]:
    """Places of a hand, each with its time in seconds."""
    return tuple(Hand(time, reach) for time, reach in keys)
