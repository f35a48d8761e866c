# SPDX-License-Identifier: Apache-2.0
"""What a depth camera makes of a performance: its point of view, noise, hidden joints, gaps, ghosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from bonefide.data.raw._recording import RawBody
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["Camera", "camera", "observe"]

_LAYOUT = layout("ntu25")
_YAWS = (0.0, -0.785, 0.785)
_FIRST_ID = 72057594037927936
_LIMBS = ((4, 5, 6, 7, 21, 22), (8, 9, 10, 11, 23, 24), (12, 13, 14, 15), (16, 17, 18, 19))
# Metres at a distance of 3 m; the first word that occurs in a joint's name counts.
_NOISE = {"spine": 0.004, "neck": 0.004, "head": 0.005, "shoulder": 0.005, "elbow": 0.008, "wrist": 0.010}
_NOISE |= {"tip": 0.018, "thumb": 0.018, "hand": 0.013, "hip": 0.004, "knee": 0.007, "ankle": 0.010, "foot": 0.014}
_SIZE = np.array([next(size for part, size in _NOISE.items() if part in name.split("_")) for name in _LAYOUT.joints])


@dataclass(frozen=True)
class Camera:
    """Where a camera stands.

    Args:
        yaw: from which side it looks, in radians; 0 is from the front, positive from the performer's right.
        height: above the ground in metres.
        tilt: how far it looks down, in radians.
        distance: to the middle of the scene in metres.
    """

    yaw: float
    height: float
    tilt: float
    distance: float

    def __call__(self, points: Array) -> Array:
        """From the scene (ground at 0, y up) to the camera's axes: x right, y up, z away.

        Shape:
            points: (..., 3) in metres, as are those returned.
        """
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        around = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
        cosine, sine = np.cos(self.tilt), np.sin(self.tilt)
        down = np.array([[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]])
        seen: Array = (points @ around.T + (0.0, -self.height, self.distance)) @ down.T
        return seen


def camera(number: int, setup: int, *, seed: int = 0) -> Camera:
    """The camera of that number in a setup: 1 looks from the front, 2 and 3 from about 45 degrees aside.

    Args:
        number: 1 to 3.
        setup: 1-based; every setup puts its cameras a little differently.
        seed: of the whole data set.
    """
    generator = np.random.default_rng([seed, 104729, setup, number])
    shift = generator.uniform(-1.0, 1.0, 4)
    height = 1.45 + 0.35 * float(shift[1])
    distance = 3.3 + 0.6 * float(shift[3])
    tilt = float(np.arctan2(height - 0.95, distance)) + 0.03 * float(shift[2])
    return Camera(_YAWS[number - 1] + 0.12 * float(shift[0]), height, tilt, distance)


def observe(persons: Array, generator: Generator, *, alone: bool = False) -> tuple[RawBody, ...]:
    """What the tracker reports of persons in front of a camera.

    Joints shake, more so at hands and feet; limbs behind the trunk are guessed or stay where they were last seen
    (tracking state 1); now and then a frame has no body, a body is lost and comes back under a new number, or something
    that is no person is taken for one, for a moment or as a wide piece of furniture.

    Args:
        persons: true joints in the camera's axes.
        generator: decides everything that goes wrong.
        alone: report one whole body and nothing else, for formats that know neither absence nor ghosts.

    Shape:
        persons: (M, T, 25, 3) in metres.

    Returns:
        Bodies in the order of their slots, which differs between recordings.
    """
    frames = persons.shape[1]
    bodies: list[tuple[Array, Array, Array]] = []
    for points in persons:
        seen, state = _shake(points, generator)
        if alone:
            return _in_slots([(np.arange(frames), seen, state)], [_FIRST_ID], frames)
        bodies += [(part, seen[part], state[part]) for part in _presence(frames, generator)]
    if generator.random() < 0.08:
        bodies.append(_ghost(persons, generator))
    empty = _empty_frames(frames, generator)
    bodies = [_without(body, empty) for body in bodies]
    numbers = _FIRST_ID + generator.choice(90_000, len(bodies), replace=False)
    order = generator.permutation(len(bodies))
    return _in_slots([bodies[place] for place in order], [int(numbers[place]) for place in order], frames)


def _shake(points: Array, generator: Generator) -> tuple[Array, Array]:
    """Noise and guessed joints of one body: coordinates (T, 25, 3) and tracking states (T, 25)."""
    frames = len(points)
    far = (points[:, :, 2:] / 3.0) ** 2
    white, slow = generator.normal(0.0, 1.0, (2, *points.shape))
    wander = lfilter([np.sqrt(1.0 - 0.85**2)], [1.0, -0.85], slow, axis=0)
    seen = points + far * _SIZE[:, None] * (0.5 * white + 0.9 * wander)
    hidden = _hidden(points) & (generator.random((1, 25)) < 0.7)
    seen += hidden[:, :, None] * 0.02 * wander
    state = np.where(hidden, 1, 2).astype(np.int8)
    for _ in range(generator.poisson(1.0)):
        limb = list(_LIMBS[int(generator.integers(len(_LIMBS)))])[int(generator.integers(1, 3)) :]
        begin = int(generator.integers(frames - 5))
        span = slice(begin, begin + int(generator.integers(4, 14)))
        state[span, limb] = 1
        if generator.random() < 0.5:
            seen[span, limb] = seen[begin, limb]
        else:
            seen[span, limb] += generator.normal(0.0, 0.05, 3)
    return seen, state


def _hidden(points: Array) -> Array:
    """Whether a joint of a limb lies behind the own trunk, (T, 25)."""
    base, top = points[:, 0], points[:, 20]
    axis = top - base
    along = np.clip(np.einsum("tvc,tc->tv", points - base[:, None], axis) / np.sum(axis**2, axis=1)[:, None], 0.0, 1.0)
    offset = points - (base[:, None] + along[..., None] * axis[:, None])
    behind = (np.abs(offset[..., 0]) < 0.14) & (np.abs(offset[..., 1]) < 0.08) & (offset[..., 2] > 0.06)
    behind[:, [0, 1, 2, 3, 20]] = False
    return behind


def _presence(frames: int, generator: Generator) -> list[Array]:
    """Frames a person is tracked in: all, or two parts with a gap between, each a body of its own."""
    everything = np.arange(frames)
    if generator.random() >= 0.05:
        return [everything]
    lost = int(generator.integers(14, frames - 22))
    return [everything[:lost], everything[lost + int(generator.integers(2, 8)) :]]


def _empty_frames(frames: int, generator: Generator) -> Array:
    """Frames in which nobody is tracked: none, mostly."""
    if generator.random() >= 0.04:
        return np.zeros(0, dtype=np.int64)
    begin = int(generator.integers(frames - 3))
    return np.arange(begin, begin + int(generator.integers(1, 4)))


def _ghost(persons: Array, generator: Generator) -> tuple[Array, Array, Array]:
    """Something taken for a body: a flicker of a few frames, or furniture, wider than high."""
    frames = persons.shape[1]
    middle = persons[:, :, 0].mean(axis=(0, 1)) + generator.choice([-1.0, 1.0]) * generator.uniform(
        0.8, 1.4
    ) * np.array([1.0, 0.0, 0.4])
    if generator.random() < 0.6:
        count = int(generator.integers(2, 11))
        shape = persons[0, 0] - persons[0, 0, 0] + generator.normal(0.0, 0.08, (25, 3))
    else:
        count = int(generator.integers(20, frames + 1))
        shape = generator.uniform(-1.0, 1.0, (25, 3)) * (0.7, 0.22, 0.3)
    begin = int(generator.integers(frames - count + 1))
    part = np.arange(begin, begin + count)
    joints = middle + shape + generator.normal(0.0, 0.02, (count, 25, 3))
    state = generator.integers(0, 2, (count, 25)).astype(np.int8)
    return part, joints, state


def _without(body: tuple[Array, Array, Array], empty: Array) -> tuple[Array, Array, Array]:
    frames, seen, state = body
    keep = ~np.isin(frames, empty)
    return frames[keep], seen[keep], state[keep]


def _in_slots(bodies: Sequence[tuple[Array, Array, Array]], numbers: Sequence[int], frames: int) -> tuple[RawBody, ...]:
    """Number the bodies of every frame, in the given order."""
    taken = np.zeros(frames, dtype=np.int64)
    found = []
    for (part, seen, state), number in zip(bodies, numbers, strict=True):
        if len(part):
            found.append(RawBody(str(number), part, taken[part].copy(), np.round(seen, 6), state))
            taken[part] += 1
    return tuple(found)
