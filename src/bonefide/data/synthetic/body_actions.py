# SPDX-License-Identifier: Apache-2.0
"""Actions of one person with legs and trunk."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from bonefide.data.synthetic.gait import Walk, walk
from bonefide.data.synthetic.motion import Curve, Foot, Motion, Reach, Scene, hand_keys

__all__ = [
    "bow",
    "carry",
    "jump",
    "kick",
    "pick_up_with_one_hand",
    "pick_up_with_two_hands",
    "sit_down",
    "squat",
    "stand_up",
    "walk_around",
]

_REST = Reach("rest")
_THIGH = Reach("shoulder", (0.0, -0.72, 0.42), (0.7, -0.3, -1.0))
_HANGING = Reach("shoulder", (0.14, -0.94, 0.1), (0.4, -0.1, -1.0))


def _there_and_back(value: float, times: Sequence[float], rest: float = 0.0) -> Curve:
    """At rest, at a value from the second to the third time, at rest again at the fourth."""
    leave, reach, stay, back = times
    return [(leave, rest), (reach, value), (stay, value), (back, rest)]


def kick(generator: Generator) -> Scene:
    """Swing one leg back, then forward and up."""
    height, far = generator.uniform(0.2, 0.36), 0.55
    back = generator.uniform(0.45, 0.65)
    hit = back + generator.uniform(0.25, 0.35)
    foot = (
        Foot(0.15),
        Foot(back, (-0.01, 0.08, -0.18), tilt=0.7),
        Foot(hit, (-0.04, height, far), tilt=0.3),
        Foot(hit + 0.3, (-0.02, 0.1, 0.1), tilt=0.3),
        Foot(hit + 0.65),
    )
    wide = Reach("shoulder", (0.6, -0.7, 0.1), (0.5, -0.3, -1.0))
    arms = hand_keys((0.0, _REST), (back, wide), (hit, wide), (hit + 0.8, _REST))
    over = (0.0, back - 0.1, hit + 0.3, hit + 0.8)
    trunk = {
        "right": _there_and_back(-0.05, over),
        "pitch": [(back - 0.3, 0.0), (back, 0.1), (hit, -0.22), (hit + 0.6, 0.0)],
        "bend": [(back, 0.0), (hit, 0.2), (hit + 0.6, 0.0)],
        "forward": [(0.0, 0.0), (hit, 0.02), (hit + 0.8, 0.0)],
    }
    return Scene((Motion(right=arms, left=arms, right_foot=foot, trunk=trunk),))


def jump(generator: Generator) -> Scene:
    """Crouch, swing the arms up, leap, land softly."""
    high = generator.uniform(0.1, 0.18)
    depth = generator.uniform(0.7, 0.8)
    foot: list[Foot] = []
    height: list[tuple[float, float]] = []
    arms: list[tuple[float, Reach]] = [(0.0, _REST)]
    bend: list[tuple[float, float]] = []
    pitch: list[tuple[float, float]] = []
    behind = Reach("shoulder", (0.25, -0.8, -0.4), (0.4, 0.0, -1.0))
    up = Reach("shoulder", (0.2, 0.5, 0.7), (0.8, -0.6, 0.0))
    for begin in [0.0, 1.25][: int(generator.integers(1, 3))]:
        foot += [Foot(begin + 0.6), Foot(begin + 0.82, (0.0, high, 0.0), tilt=0.6), Foot(begin + 1.04)]
        height += [
            (begin, 1.0),
            (begin + 0.4, depth),
            (begin + 0.6, 1.0),
            (begin + 0.82, 1.0 + 1.85 * high),
            (begin + 1.04, 1.0),
        ]
        height += [(begin + 1.2, 0.8)]
        arms += [(begin + 0.4, behind), (begin + 0.8, up), (begin + 1.2, _HANGING)]
        bend += [(begin, 0.0), (begin + 0.4, 0.3), (begin + 0.75, -0.05), (begin + 1.2, 0.2)]
        pitch += [(begin, 0.0), (begin + 0.4, 0.35), (begin + 0.7, 0.0), (begin + 1.2, 0.25)]
    end = height[-1][0] + 0.5
    trunk = {
        "height": [*height, (end, 1.0)],
        "bend": [*bend, (end, 0.0)],
        "pitch": [*pitch, (end, 0.0)],
    }
    keys = hand_keys(*arms, (end, _REST))
    return Scene((Motion(right=keys, left=keys, right_foot=foot, left_foot=foot, trunk=trunk),))


def squat(generator: Generator) -> Scene:
    """Bend the knees deeply with the arms stretched forward, rise again."""
    depth = generator.uniform(0.48, 0.62)
    forward = Reach("shoulder", (0.0, 0.0, 0.95), (0.6, -1.0, 0.0))
    arms: list[tuple[float, Reach]] = [(0.0, _REST)]
    down: dict[str, list[tuple[float, float]]] = {"height": [], "forward": [], "pitch": [], "bend": []}
    deep = {"height": depth, "forward": -0.07, "pitch": 0.45, "bend": 0.2}
    up = {"height": 1.0, "forward": 0.0, "pitch": 0.0, "bend": 0.0}
    begin = 0.1
    for _ in range(int(generator.integers(1, 3))):
        stay = begin + generator.uniform(0.9, 1.1)
        for name, keys in down.items():
            keys += [(begin, up[name]), (begin + 0.75, deep[name]), (stay, deep[name])]
        arms += [(begin + 0.65, forward), (stay + 0.1, forward)]
        begin = stay + 0.7
    for name, keys in down.items():
        keys += [(begin, up[name])]
    hands = hand_keys(*arms, (begin + 0.1, _REST))
    return Scene((Motion(right=hands, left=hands, trunk=down),))


def bow(generator: Generator) -> Scene:
    """Bend the trunk forward with straight legs, rise again."""
    deep = generator.uniform(0.55, 0.95)
    down = generator.uniform(0.8, 1.1)
    stay = down + generator.uniform(0.3, 0.7)
    times = (0.1, down, stay, stay + 0.9)
    hold = Reach("shoulder", (0.1, -0.95, 0.12), (0.4, -0.1, -1.0))
    keys = hand_keys((0.0, _REST), (down, hold), (stay, hold), (stay + 0.9, _REST))
    trunk = {
        "pitch": _there_and_back(deep, times),
        "bend": _there_and_back(0.4 * deep, times),
        "nod": _there_and_back(0.25, times),
        "forward": _there_and_back(-0.07, times),
    }
    return Scene((Motion(right=keys, left=keys, trunk=trunk),))


def sit_down(generator: Generator) -> Scene:
    """Lower the hips backwards onto a seat and sit upright, hands on the thighs."""
    return _seat(generator, down=True)


def stand_up(generator: Generator) -> Scene:
    """Rise from a seat: lean forward, push up with the legs, stand."""
    return _seat(generator, down=False)


def _seat(generator: Generator, *, down: bool) -> Scene:
    low, back = generator.uniform(0.52, 0.62), generator.uniform(-0.24, -0.2)
    lean = generator.uniform(0.4, 0.7)
    end = generator.uniform(1.3, 1.7)
    slump = generator.uniform(0.05, 0.25)

    def times(points: Curve) -> Curve:
        return points if down else [(end - time, value) for time, value in reversed(points)]

    trunk = {
        "height": times([(0.0, 1.0), (0.25 * end, 0.95), (0.85 * end, low), (end, low)]),
        "forward": times([(0.0, 0.0), (0.3 * end, -0.05), (0.85 * end, back), (end, back)]),
        "pitch": times([(0.0, 0.0), (0.5 * end, lean), (0.7 * end, 0.9 * lean), (end + 0.2, -0.08)]),
        "bend": times([(0.0, 0.0), (0.5 * end, 0.3), (end + 0.2, slump)]),
    }
    hands = [(0.0, _REST), (0.5 * end, Reach("shoulder", (0.1, -0.8, 0.4))), (end, _THIGH)]
    if not down:
        hands = [(end - time, reach) for time, reach in reversed(hands)]
    return Scene((Motion(right=hand_keys(*hands), left=hand_keys(*hands), trunk=trunk),))


def _stoop(generator: Generator, times: Sequence[float]) -> dict[str, Curve]:
    """Down to the ground and up again: some bend the knees, some the back."""
    knees = generator.uniform(0.0, 1.0)
    return {
        "height": _there_and_back(0.9 - 0.38 * knees, times, 1.0),
        "pitch": _there_and_back(1.05 - 0.45 * knees, times),
        "bend": _there_and_back(0.75, times),
        "nod": _there_and_back(-0.15, times),
        "forward": _there_and_back(-0.11 + 0.03 * knees, times),
    }


def pick_up_with_one_hand(generator: Generator) -> Scene:
    """Stoop, take something from the ground with one hand, rise."""
    down = generator.uniform(0.9, 1.2)
    up = down + generator.uniform(0.1, 0.3)
    times = (0.0, down, up, up + 0.9)
    ground = Reach("floor", (0.06, 0.06, generator.uniform(0.14, 0.24)), (0.6, 0.2, -0.6))
    hold = Reach("shoulder", (-0.05, -0.55, 0.5))
    knee = Reach("shoulder", (0.0, -0.6, 0.55), (1.0, 0.0, -0.5))
    after = hold if generator.random() < 0.5 else _REST
    right = hand_keys((0.0, _REST), (down, ground), (up, ground), (up + 0.9, after))
    left = hand_keys((0.0, _REST), (down, knee), (up, knee), (up + 0.8, _REST))
    side = _there_and_back(0.12, times)
    return Scene((Motion(right=right, left=left, trunk={**_stoop(generator, times), "side": side}),))


def pick_up_with_two_hands(generator: Generator) -> Scene:
    """Stoop, grasp something on the ground with both hands, rise and hold it before the body."""
    down = generator.uniform(0.9, 1.2)
    up = down + generator.uniform(0.2, 0.4)
    wide = generator.uniform(0.05, 0.1)
    ground = Reach("floor", (wide, 0.06, generator.uniform(0.15, 0.22)), (0.8, 0.2, -0.6))
    hold = Reach("chest", (wide, -0.22, 0.19), (0.9, -0.8, -0.5))
    keys = hand_keys((0.0, _REST), (down, ground), (up, ground), (up + 0.95, hold), (up + 1.2, hold))
    return Scene((Motion(right=keys, left=keys, trunk=_stoop(generator, (0.0, down, up, up + 1.0))),))


def _stroll(generator: Generator, least: float, most: float) -> Walk:
    turn = generator.uniform(least, most) * generator.choice([-1.0, 1.0])
    radius = generator.uniform(0.3, 0.42)
    steps = max(4, round(abs(turn) * radius / 0.28) + 1)
    return walk(start=0.1, steps=steps, pace=generator.uniform(0.38, 0.46), turn=turn, radius=radius)


def walk_around(generator: Generator) -> Scene:
    """Walk along an arc with swinging arms."""
    way = _stroll(generator, 2.4, 4.6)
    return Scene((Motion(way.right, way.left, way.right_foot, way.left_foot, way.trunk),))


def carry(generator: Generator) -> Scene:
    """Walk along an arc with a load held before the body in both hands."""
    way = _stroll(generator, 2.2, 4.2)
    wide, height = generator.uniform(0.06, 0.11), generator.uniform(-0.26, -0.16)
    load = Reach("chest", (wide, height, 0.2), (0.9, -0.8, -0.5))
    trunk = {**way.trunk, "bend": [(0.0, -0.1)]}
    return Scene((Motion(hand_keys((0.0, load)), hand_keys((0.0, load)), way.right_foot, way.left_foot, trunk),))
