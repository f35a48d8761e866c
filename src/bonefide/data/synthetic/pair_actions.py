# SPDX-License-Identifier: Apache-2.0
"""Actions of two persons who face each other."""

from __future__ import annotations

from numpy.random import Generator

from bonefide.data.synthetic.motion import Curve, Foot, Motion, Reach, Scene, hand_keys

__all__ = ["high_five", "hug", "push", "shake_hands"]

_REST = Reach("rest")


def _step(begin: float, far: float) -> tuple[tuple[Foot, ...], tuple[Foot, ...], Curve]:
    """One step with the right foot, the left one follows; the pelvis between them."""
    place = (0.0, 0.0, far)
    right = (Foot(begin), Foot(begin + 0.35, place, arc=0.03))
    left = (Foot(begin + 0.3), Foot(begin + 0.65, place, arc=0.03))
    return right, left, [(begin + 0.1, 0.0), (begin + 0.35, 0.5 * far), (begin + 0.65, far)]


def shake_hands(generator: Generator) -> Scene:
    """Both give the right hand and move it up and down."""
    height = generator.uniform(0.9, 1.05)
    count = int(generator.integers(2, 5))
    half = generator.uniform(0.14, 0.2)
    elbow = (0.5, -1.0, -0.4)
    swings = [(0.8 + half * k, Reach("meet", (0.0, height + 0.05 * (-1) ** k, 0.0), elbow)) for k in range(2 * count)]
    end = 0.8 + half * 2 * count
    keys = hand_keys((0.0, _REST), *swings, (end + 0.7, _REST))
    trunk = {"bend": [(0.2, 0.0), (0.8, 0.12), (end, 0.12), (end + 0.6, 0.0)]}
    motion = Motion(right=keys, trunk=trunk)
    return Scene((motion, motion), gap=generator.uniform(0.75, 0.9))


def high_five(generator: Generator) -> Scene:
    """Both raise the right hand and strike palms high between them."""
    height = generator.uniform(1.55, 1.75)
    ready = Reach("shoulder", (0.3, 0.45, 0.1), (0.8, -1.0, 0.0))
    clash = Reach("meet", (0.0, height, 0.0), (0.8, -1.0, 0.0))
    swing = generator.uniform(0.6, 0.9)
    keys = hand_keys((0.0, _REST), (swing, ready), (swing + 0.3, clash), (swing + 0.45, clash), (swing + 1.1, _REST))
    trunk = {"bend": [(swing - 0.2, 0.0), (swing + 0.3, 0.08), (swing + 0.9, 0.0)]}
    motion = Motion(right=keys, trunk=trunk)
    return Scene((motion, motion), gap=generator.uniform(0.7, 0.9))


def push(generator: Generator) -> Scene:
    """One shoves the other's chest with both hands, who staggers back."""
    gap = generator.uniform(0.75, 0.9)
    hit = generator.uniform(0.8, 1.0)
    draw = Reach("chest", (0.09, -0.1, 0.15), (0.8, -1.0, -0.5))
    touch = Reach("meet", (0.11, 1.22, 0.5 * gap - 0.12), (0.9, -0.8, 0.0))
    shove = Reach("meet", (0.11, 1.24, 0.5 * gap + 0.08), (0.9, -0.8, 0.0))
    right_foot, left_foot, _ = _step(hit - 0.35, 0.0)
    step = (Foot(hit - 0.35), Foot(hit, (0.0, 0.0, 0.14), arc=0.03))
    arms = hand_keys(
        (0.0, _REST), (hit - 0.35, draw), (hit, touch), (hit + 0.2, shove), (hit + 0.45, shove), (hit + 1.1, _REST)
    )
    lean: dict[str, Curve] = {
        "pitch": [(hit - 0.3, 0.0), (hit + 0.2, 0.2), (hit + 0.9, 0.0)],
        "bend": [(hit - 0.3, -0.05), (hit + 0.2, 0.15), (hit + 0.9, 0.0)],
        "forward": [(hit - 0.4, 0.0), (hit + 0.15, 0.09), (hit + 0.9, 0.06)],
    }
    right_foot, left_foot, away = _step(hit + 0.05, -generator.uniform(0.16, 0.26))
    flung = Reach("shoulder", (0.4, -0.5, 0.55), (0.7, -0.6, -0.5))
    fall: dict[str, Curve] = {
        "forward": away,
        "pitch": [(hit, 0.0), (hit + 0.25, -0.22), (hit + 0.9, 0.0)],
        "bend": [(hit, 0.0), (hit + 0.25, 0.22), (hit + 0.9, 0.0)],
    }
    throw_up = hand_keys((0.0, _REST), (hit, _REST), (hit + 0.3, flung), (hit + 0.6, flung), (hit + 1.2, _REST))
    pushed = Motion(throw_up, throw_up, right_foot, left_foot, fall)
    return Scene((Motion(right=arms, left=arms, right_foot=step, trunk=lean), pushed), gap=gap)


def hug(generator: Generator) -> Scene:
    """Both step forward and close their arms around each other."""
    gap = generator.uniform(0.95, 1.1)
    near = generator.uniform(0.26, 0.32)
    far = 0.5 * (gap - near) / 1.72
    close = generator.uniform(1.0, 1.2)
    loose = close + generator.uniform(0.6, 1.0)
    right_foot, left_foot, forward = _step(0.25, far)
    elbow = (1.0, -0.6, 0.0)
    opened = Reach("shoulder", (0.65, -0.15, 0.65), elbow)
    over = Reach("meet", (0.02, generator.uniform(1.35, 1.42), 0.5 * near + 0.1), elbow)
    under = Reach("meet", (0.06, generator.uniform(1.1, 1.2), 0.5 * near + 0.1), elbow)
    motions = tuple(
        Motion(
            right=hand_keys(
                (0.0, _REST), (close - 0.35, opened), (close + 0.1, over), (loose, over), (loose + 0.8, _REST)
            ),
            left=hand_keys(
                (0.0, _REST), (close - 0.35, opened), (close + 0.1, under), (loose, under), (loose + 0.8, _REST)
            ),
            right_foot=right_foot,
            left_foot=left_foot,
            trunk={
                "forward": forward,
                "bend": [(close - 0.4, 0.0), (close, 0.1), (loose + 0.5, 0.0)],
                "turn": [(0.6, 0.0), (close, 0.3), (loose + 0.4, 0.0)],
            },
        )
        for _ in range(2)
    )
    return Scene(motions, gap=gap)
