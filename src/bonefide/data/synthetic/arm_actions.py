# SPDX-License-Identifier: Apache-2.0
"""Actions of one person who stands: mostly arms."""

from __future__ import annotations

from numpy.random import Generator

from bonefide.data.synthetic.motion import Foot, Hand, Motion, Reach, Scene, hand_keys

__all__ = [
    "cheer",
    "clap",
    "drink",
    "drop_trash",
    "phone",
    "punch",
    "put_on_hat",
    "put_on_jacket",
    "salute",
    "take_off_jacket",
    "throw",
    "wave",
]

_REST = Reach("rest")
_ELBOW_OUT = (1.0, -0.15, 0.1)
_BEHIND = (0.6, 0.1, -0.8)


def drink(generator: Generator) -> Scene:
    """Lift a cup to the mouth, tip it, lower it."""
    cup = Reach("shoulder", (-0.1, -0.5, 0.55))
    mouth = Reach("head", (0.005, -0.045, 0.085), (0.8, -1.0, 0.1))
    up = generator.uniform(0.8, 1.1)
    down = up + generator.uniform(0.7, 1.3)
    first = hand_keys((0.45, cup)) if generator.random() < 0.5 else ()
    right = (*hand_keys((0.0, _REST)), *first, *hand_keys((up, mouth), (down, mouth), (down + 0.8, _REST)))
    nod = [(up - 0.1, 0.0), (up + 0.35, -0.3), (down - 0.15, -0.3), (down + 0.2, 0.0)]
    return Scene((Motion(right=right, trunk={"nod": nod}),))


def phone(generator: Generator) -> Scene:
    """Lift a telephone to the ear and listen."""
    ear = Reach("head", (0.065, -0.015, 0.015), (0.7, -1.0, 0.25))
    pocket = Reach("shoulder", (0.12, -0.75, 0.2), (0.6, -0.1, -1.0))
    down = generator.uniform(1.9, 2.7)
    last = hand_keys((down + 0.7, _REST)) if generator.random() < 0.6 else ()
    right = (*hand_keys((0.0, _REST), (0.35, pocket), (1.0, ear), (down, ear)), *last)
    sway = generator.uniform(-0.2, 0.2)
    trunk = {"turn": [(0.8, 0.0), (1.5, sway), (down, -sway)], "side": [(0.6, 0.0), (1.1, 0.06)]}
    return Scene((Motion(right=right, trunk=trunk),))


def salute(generator: Generator) -> Scene:
    """Put the flat hand to the brow, hold, lower it."""
    brow = Reach("head", (0.06, 0.035, 0.055), _ELBOW_OUT)
    up = generator.uniform(0.5, 0.8)
    down = up + generator.uniform(0.6, 1.3)
    trunk = {"bend": [(0.0, 0.0), (up, -0.08), (down, -0.08), (down + 0.5, 0.0)]}
    return Scene((Motion(right=hand_keys((0.0, _REST), (up, brow), (down, brow), (down + 0.6, _REST)), trunk=trunk),))


def put_on_hat(generator: Generator) -> Scene:
    """Lift a hat with both hands from before the chest onto the head."""
    hold = Reach("chest", (0.08, -0.12, 0.2), (0.8, -1.0, -0.2))
    crown = Reach("head", (0.07, 0.085, 0.035), (1.0, -0.4, 0.2))
    press = Reach("head", (0.07, 0.055, 0.025), (1.0, -0.4, 0.2))
    up = generator.uniform(1.2, 1.5)
    keys = hand_keys((0.0, _REST), (0.6, hold), (up, crown), (up + 0.4, press), (up + 0.7, press), (up + 1.4, _REST))
    nod = [(up - 0.2, 0.0), (up + 0.4, 0.2), (up + 0.8, 0.0)]
    return Scene((Motion(right=keys, left=keys, trunk={"nod": nod}),))


def wave(generator: Generator) -> Scene:
    """Raise a hand beside the head and swing the forearm from side to side."""
    inward = Reach("shoulder", (0.25, 0.5, 0.25), (0.8, -1.0, 0.0))
    outward = Reach("shoulder", (0.68, 0.42, 0.2), (0.8, -1.0, 0.0))
    count = int(generator.integers(2, 5))
    half = generator.uniform(0.22, 0.32)
    swings = [(0.7 + half * k, (inward, outward)[k % 2]) for k in range(2 * count)]
    end = 0.7 + half * 2 * count
    return Scene((Motion(right=hand_keys((0.0, _REST), *swings, (end + 0.4, _REST))),))


def clap(generator: Generator) -> Scene:
    """Strike the hands together before the chest, several times."""
    height = generator.uniform(-0.14, -0.02)
    shut = Reach("chest", (0.008, height, 0.21), (0.9, -1.0, -0.2))
    wide = Reach("chest", (0.13, height - 0.01, 0.19), (0.9, -1.0, -0.2))
    count = int(generator.integers(3, 7))
    half = generator.uniform(0.15, 0.24)
    beats = [(0.55 + half * k, (wide, shut)[k % 2]) for k in range(2 * count)]
    keys = hand_keys((0.0, _REST), *beats, (1.1 + half * 2 * count, _REST))
    return Scene((Motion(right=keys, left=keys),))


def cheer(generator: Generator) -> Scene:
    """Throw both arms up, shake the fists overhead."""
    high = Reach("shoulder", (0.3, 0.9, 0.1), (1.0, -0.1, 0.1))
    low = Reach("shoulder", (0.42, 0.5, 0.2), (1.0, -0.5, 0.0))
    count = int(generator.integers(1, 4))
    pumps = [(0.6 + 0.28 * k, (high, low)[k % 2]) for k in range(2 * count + 1)]
    end = 0.6 + 0.28 * (2 * count + 1)
    keys = hand_keys((0.0, _REST), *pumps, (end + 0.6, _REST))
    trunk = {
        "nod": [(0.2, 0.0), (0.6, -0.25), (end, -0.2), (end + 0.4, 0.0)],
        "bend": [(0.2, 0.0), (0.6, -0.1), (end, 0.0)],
    }
    return Scene((Motion(right=keys, left=keys, trunk=trunk),))


def throw(generator: Generator) -> Scene:
    """Draw the arm back behind the head, step forward and hurl."""
    back = Reach("shoulder", (0.42, 0.42, -0.3), (1.0, -0.3, -0.3))
    release = Reach("shoulder", (0.05, 0.45, 0.8), (1.0, -0.5, 0.0))
    through = Reach("shoulder", (-0.4, -0.6, 0.55), (1.0, 0.0, -0.3))
    aim = Reach("shoulder", (0.1, -0.1, 0.75), (0.6, -1.0, 0.0))
    ready = generator.uniform(0.6, 1.0)
    go = ready + generator.uniform(0.15, 0.4)
    step = generator.uniform(0.1, 0.2)
    right = hand_keys(
        (0.0, _REST), (ready, back), (go, back), (go + 0.2, release), (go + 0.42, through), (go + 1.1, _REST)
    )
    left = hand_keys(
        (0.0, _REST),
        (ready, aim),
        (go, aim),
        (go + 0.35, Reach("shoulder", (0.3, -0.85, -0.15), _BEHIND)),
        (go + 1.0, _REST),
    )
    foot = (Foot(go - 0.25), Foot(go + 0.05, (0.0, 0.0, step), arc=0.04))
    trunk = {
        "twist": [(0.1, 0.0), (ready, -0.55), (go, -0.6), (go + 0.35, 0.5), (go + 1.0, 0.0)],
        "bend": [(ready, -0.08), (go, -0.12), (go + 0.4, 0.35), (go + 1.0, 0.0)],
        "forward": [(ready, 0.0), (go, -0.01), (go + 0.35, 0.62 * step), (go + 1.0, 0.5 * step)],
    }
    return Scene((Motion(right=right, left=left, left_foot=foot, trunk=trunk),))


def punch(generator: Generator) -> Scene:
    """Raise the fists and strike forward with one after the other."""
    guard = Reach("chest", (0.05, 0.0, 0.15), (0.6, -1.0, -0.1))
    strike = Reach("shoulder", (-0.18, 0.03, 0.97), (0.7, -0.8, 0.0))
    count = int(generator.integers(2, 5))
    pace = generator.uniform(0.4, 0.55)
    first = int(generator.integers(2))
    keys = {0: [(0.0, _REST), (0.5, guard)], 1: [(0.0, _REST), (0.5, guard)]}
    twist = [(0.0, 0.0), (0.5, 0.0)]
    for k in range(count):
        begin, arm = 0.6 + k * pace, (first + k) % 2
        keys[arm] += [(begin, guard), (begin + 0.18, strike), (begin + 0.4, guard)]
        twist += [(begin + 0.18, 0.4 if arm == 0 else -0.4)]
    end = 0.75 + count * pace
    for arm in keys:
        keys[arm] += [(end, guard), (end + 0.6, _REST)]
    twist += [(end, 0.0)]
    height = [(0.1, 1.0), (0.5, 0.96), (end, 0.96), (end + 0.5, 1.0)]
    return Scene(
        (Motion(right=hand_keys(*keys[0]), left=hand_keys(*keys[1]), trunk={"twist": twist, "height": height}),)
    )


def drop_trash(generator: Generator) -> Scene:
    """Hold something out over a bin and let it go."""
    hold = Reach("shoulder", (-0.05, -0.55, 0.45))
    aside = generator.uniform(-0.1, 0.45)
    over = Reach("shoulder", (aside, -0.5, 0.78), (0.5, -1.0, -0.2))
    up = generator.uniform(0.8, 1.1)
    gone = up + generator.uniform(0.3, 0.6)
    lean = generator.uniform(0.15, 0.4)
    right = hand_keys((0.0, hold if generator.random() < 0.5 else _REST), (up, over), (gone, over), (gone + 0.8, _REST))
    trunk = {
        "pitch": [(0.2, 0.0), (up, 0.5 * lean), (gone, 0.5 * lean), (gone + 0.7, 0.0)],
        "bend": [(0.2, 0.0), (up, lean), (gone, lean), (gone + 0.7, 0.0)],
        "twist": [(0.2, 0.0), (up, -0.3 * aside), (gone + 0.5, 0.0)],
        "nod": [(0.2, 0.0), (up, 0.25), (gone + 0.5, 0.0)],
    }
    return Scene((Motion(right=right, trunk=trunk),))


def put_on_jacket(generator: Generator) -> Scene:
    """Slip one arm after the other backwards into the sleeves, pull the front together."""
    collar = Reach("chest", (-0.09, 0.0, 0.09), (1.0, -0.6, 0.2))
    front = Reach("chest", (0.11, -0.1, 0.16))
    into = Reach("shoulder", (0.5, -0.5, -0.45), _BEHIND)
    out = Reach("shoulder", (0.7, -0.2, 0.45), (0.6, -1.0, -0.3))
    lapel = Reach("chest", (0.05, -0.1, 0.1), (1.0, -0.8, -0.1))
    pulled = Reach("chest", (0.04, -0.2, 0.13), (1.0, -0.8, -0.3))
    pace = generator.uniform(0.85, 1.1)
    right = hand_keys(
        (0.0, _REST), (0.4, front), (0.9, into), (1.4, out), (2.0, lapel), (2.6, lapel), (2.9, pulled), (3.3, _REST)
    )
    left = hand_keys(
        (0.0, _REST), (0.4, collar), (1.0, collar), (1.55, into), (2.1, out), (2.6, lapel), (2.9, pulled), (3.3, _REST)
    )
    trunk = {
        "twist": [(0.3, 0.0), (0.9, -0.35), (1.6, 0.35), (2.4, 0.0)],
        "side": [(0.3, 0.0), (0.9, 0.12), (1.6, -0.12), (2.3, 0.0)],
        "nod": [(0.3, 0.0), (0.8, 0.15), (2.8, 0.2), (3.1, 0.0)],
    }
    return _at_pace(Motion(right=right, left=left, trunk=trunk), pace)


def take_off_jacket(generator: Generator) -> Scene:
    """Grasp the front, push it off the shoulders, draw both arms out behind the back, hold it before the body."""
    lapel = Reach("chest", (0.05, -0.1, 0.11), (1.0, -0.8, -0.1))
    open_ = Reach("shoulder", (0.55, -0.3, 0.1), (0.8, -0.3, -0.8))
    down = Reach("shoulder", (0.45, -0.7, -0.35), _BEHIND)
    back = Reach("shoulder", (-0.1, -0.72, -0.42), _BEHIND)
    tug = Reach("shoulder", (-0.35, -0.68, -0.4), _BEHIND)
    hold = Reach("shoulder", (-0.05, -0.5, 0.55))
    pace = generator.uniform(0.85, 1.1)
    right = hand_keys(
        (0.0, _REST), (0.45, lapel), (0.95, open_), (1.35, down), (1.7, back), (2.1, down), (2.7, hold), (3.2, _REST)
    )
    left = hand_keys(
        (0.0, _REST), (0.45, lapel), (0.95, open_), (1.35, down), (1.7, back), (2.0, tug), (2.7, hold), (3.2, _REST)
    )
    trunk = {
        "bend": [(0.4, 0.0), (1.0, -0.12), (1.7, 0.1), (2.2, 0.1), (2.8, 0.0)],
        "twist": [(1.0, 0.0), (1.4, 0.2), (1.9, -0.25), (2.6, 0.0)],
        "turn": [(1.2, 0.0), (1.9, -0.4), (2.4, 0.0)],
    }
    return _at_pace(Motion(right=right, left=left, trunk=trunk), pace)


def _at_pace(motion: Motion, pace: float) -> Scene:
    """The same motion of one person in `pace` times the time."""
    return Scene(
        (
            Motion(
                right=tuple(Hand(pace * key.time, key.reach) for key in motion.right),
                left=tuple(Hand(pace * key.time, key.reach) for key in motion.left),
                trunk={name: [(pace * time, value) for time, value in points] for name, points in motion.trunk.items()},
            ),
        )
    )
