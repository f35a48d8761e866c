# SPDX-License-Identifier: Apache-2.0
"""Walking along an arc: feet that stay where they stand until their next step, a pelvis between them, swinging arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonefide.data.synthetic.motion import Curve, Foot, Hand, Reach

__all__ = ["Walk", "walk"]

_HALF_STANCE = 0.06
_LIFT = 0.045


@dataclass(frozen=True)
class Walk:
    """Parts of a `Motion` that walk; hands may be left out to carry something.

    Args:
        right: swinging right hand.
        left: swinging left hand.
        right_foot: steps.
        left_foot: steps.
        trunk: place and turn of the pelvis.
    """

    right: tuple[Hand, ...]
    left: tuple[Hand, ...]
    right_foot: tuple[Foot, ...]
    left_foot: tuple[Foot, ...]
    trunk: dict[str, Curve]


def walk(*, start: float, steps: int, pace: float, turn: float, radius: float, swing: float = 0.3) -> Walk:
    """Walk along an arc.

    Args:
        start: when the first foot leaves the ground, in seconds.
        steps: number of steps, at least 2; the last one closes the feet.
        pace: seconds a step.
        turn: angle of the whole arc in radians, positive to the left, not 0.
        radius: of the arc, in body heights.
        swing: how far the hands swing, in arm lengths.
    """
    side = np.sign(turn)

    def spot(step: float) -> tuple[float, float, float]:
        angle = turn * min(max(step / (steps - 1), 0.0), 1.0)
        return side * radius * (np.cos(angle) - 1.0), side * radius * np.sin(angle), angle

    times = [start + pace * (step + 0.5) for step in range(steps)]
    places = [spot(step) for step in range(steps)]
    names = ("right", "forward", "yaw")
    trunk: dict[str, Curve] = {
        name: [(start, 0.0)] + [(time, place[axis]) for time, place in zip(times, places, strict=True)]
        for axis, name in enumerate(names)
    }
    feet: dict[float, list[Foot]] = {1.0: [Foot(0.0)], -1.0: [Foot(0.0)]}
    hands: dict[float, list[Hand]] = {1.0: [Hand(0.0, Reach("rest"))], -1.0: [Hand(0.0, Reach("rest"))]}
    for step in range(steps):
        foot = 1.0 if step % 2 == 0 else -1.0
        begin = start + pace * step
        landing = _foothold(spot(step + 1.0), foot)
        before = feet[foot][-1]
        feet[foot].append(Foot(begin, before.place, before.yaw))
        feet[foot].append(Foot(begin + pace, landing, spot(step + 1.0)[2], arc=_LIFT))
        for hand in (1.0, -1.0):
            reach = Reach("shoulder", (0.16, -0.93, -foot * hand * swing), (0.4, -0.1, -1.0))
            hands[hand].append(Hand(begin + 0.8 * pace, reach))
    end = start + pace * (steps + 0.6)
    for hand in (1.0, -1.0):
        hands[hand].append(Hand(end, Reach("rest")))
    return Walk(tuple(hands[1.0]), tuple(hands[-1.0]), tuple(feet[1.0]), tuple(feet[-1.0]), trunk)


def _foothold(spot: tuple[float, float, float], foot: float) -> tuple[float, float, float]:
    """Outward, upward, forward of a foot beside a spot, counted from where it stood at first."""
    right, forward, yaw = spot
    across = right + foot * _HALF_STANCE * np.cos(yaw)
    return float(foot * across - _HALF_STANCE), 0.0, float(forward + foot * _HALF_STANCE * np.sin(yaw))
