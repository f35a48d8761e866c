# SPDX-License-Identifier: Apache-2.0
"""How somebody does what they do: where the arms rest, how wide the movement is, what happens beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from bonefide.data.synthetic.bodies import Subject
from bonefide.data.synthetic.motion import Curve, Foot, Hand, Motion, Point, Reach
from bonefide.types import Array

__all__ = ["after_a_step", "in_manner", "rests"]

_ELBOW_BACK = (0.4, -0.1, -1.0)
_HANGING = np.array([0.11, -0.97, 0.05])
_SPREAD = {"shoulder": 0.05, "chest": 0.010, "head": 0.008, "floor": 0.012, "meet": 0.0, "rest": 0.0}
_STEP = 0.8
_LONGEST = 2.9


def after_a_step(motion: Motion, generator: Generator) -> Motion:
    """The same motion after a step to some side, if it begins standing and is short enough; both feet step once."""
    across, ahead = float(generator.uniform(-0.26, 0.26)), float(generator.uniform(-0.2, 0.2))
    starts_at_rest = all(keys[0].reach.anchor == "rest" for keys in (motion.right, motion.left) if keys)
    if not starts_at_rest or motion.trunk.get("height", [(0.0, 1.0)])[0][1] != 1.0 or motion.duration > _LONGEST:
        return motion
    trunk: dict[str, Curve] = {
        name: [(time + _STEP, value) for time, value in points] for name, points in motion.trunk.items()
    }
    for name, far in (("right", across), ("forward", ahead)):
        later = [(time, value + far) for time, value in trunk.get(name, ())]
        trunk[name] = [(0.05, 0.0), (0.4, 0.5 * far), (0.72, far), *later]
    # The foot on the side of the step goes first, so that the legs do not cross.
    first = 1.0 if across > 0.0 else -1.0
    return Motion(
        right=_later(motion.right, (across, 0.0, ahead)),
        left=_later(motion.left, (-across, 0.0, ahead)),
        right_foot=_stepping(motion.right_foot, (across, 0.0, ahead), leads=first > 0.0),
        left_foot=_stepping(motion.left_foot, (-across, 0.0, ahead), leads=first < 0.0),
        trunk=trunk,
    )


def _later(keys: Sequence[Hand], shift: Point) -> tuple[Hand, ...]:
    """A hand's keys after the step; places on the floor move along."""

    def moved(reach: Reach) -> Reach:
        return replace(reach, offset=_point(np.add(reach.offset, shift))) if reach.anchor == "floor" else reach

    return tuple(Hand(key.time + _STEP, moved(key.reach)) for key in keys)


def _stepping(keys: Sequence[Foot], shift: Point, *, leads: bool) -> tuple[Foot, ...]:
    begin = 0.05 if leads else 0.4
    later = [replace(key, time=key.time + _STEP, place=_point(np.add(key.place, shift))) for key in keys]
    return (Foot(begin), Foot(begin + 0.35, shift, arc=0.03), *later)


def rests(generator: Generator) -> dict[str, Reach]:
    """How this performer lets the arms rest this time: hanging, mostly."""
    kind = generator.random()
    if kind < 0.12:
        clasped = Reach("chest", (0.02, float(generator.uniform(-0.32, -0.24)), 0.12), (0.9, -0.5, -0.5))
        return {"right": clasped, "left": clasped}
    bent = generator.uniform(0.0, 0.3, 2) if kind < 0.35 else generator.uniform(0.0, 0.08, 2)
    noise = generator.normal(0.0, 0.04, (2, 3))
    found = {}
    for side, lift, shift in zip(("right", "left"), bent, noise, strict=True):
        place = _HANGING + shift * (1.0, 0.3, 1.0) + (0.0, 0.5 * lift, lift)
        found[side] = Reach("shoulder", _point(place), _ELBOW_BACK)
    if kind > 0.92:
        found["left"] = Reach("shoulder", (0.1, -0.6, 0.05), (1.0, -0.3, -0.7))
    return found


def _with_idle_hand(motion: Motion, generator: Generator) -> Motion:
    """Now and then the hand that has nothing to do wanders, which says nothing about the action."""
    start, length, hold = generator.uniform(0.0, 0.4), generator.uniform(0.15, 0.3), generator.uniform(0.05, 0.5)
    place = generator.uniform((-0.1, -0.85, -0.05), (0.3, -0.4, 0.5))
    if motion.left or generator.random() < 0.4:
        return motion
    reach = Reach("shoulder", _point(place), (0.6, -0.4, -1.0))
    shares = (start, start + length, start + length + hold, start + 2.0 * length + hold)
    reaches = (Reach("rest"), reach, reach, Reach("rest"))
    keys = tuple(Hand(motion.duration * share, aim) for share, aim in zip(shares, reaches, strict=True))
    return replace(motion, left=keys)


def in_manner(motion: Motion, person: Subject, generator: Generator) -> Motion:
    """The same motion, wider or narrower, and never reaching for exactly the same place twice."""
    motion = _with_idle_hand(motion, generator)
    changed: dict[Reach, Reach] = {}
    for key in (*motion.right, *motion.left):
        if key.reach not in changed:
            changed[key.reach] = _vary(key.reach, person.amplitude, generator)

    def hands(keys: Sequence[Hand]) -> tuple[Hand, ...]:
        return tuple(Hand(key.time, changed[key.reach]) for key in keys)

    scaled = {"bend", "side", "twist", "nod", "turn"}
    trunk: Mapping[str, Sequence[tuple[float, float]]] = {
        name: [(time, value * person.amplitude if name in scaled else value) for time, value in points]
        for name, points in motion.trunk.items()
    }
    return replace(motion, right=hands(motion.right), left=hands(motion.left), trunk=trunk)


def _vary(reach: Reach, amplitude: float, generator: Generator) -> Reach:
    shift = generator.normal(0.0, 1.0, 3) * _SPREAD[reach.anchor]
    elbow = np.array(reach.elbow) + generator.normal(0.0, 0.12, 3)
    offset = np.array(reach.offset)
    if reach.anchor == "shoulder":
        offset = _HANGING + (offset - _HANGING) * amplitude
    return Reach(reach.anchor, _point(offset + shift), _point(elbow))


def _point(values: Array) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
