# SPDX-License-Identifier: Apache-2.0
"""One performance: a person, an action, a manner, as clean joints of everyone who takes part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.bodies import Body, Subject, subject
from bonefide.data.synthetic.kinematics import joints
from bonefide.data.synthetic.manner import after_a_step, in_manner, rests
from bonefide.data.synthetic.motion import Motion, Scene
from bonefide.errors import UnknownNameError
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["FPS", "perform"]

FPS = 30.0
"""Frames per second of every performance."""

_LEAST_FRAMES, _MOST_FRAMES = 40, 110
_MIRROR = list(layout("ntu25").mirror)
_SWAY = {
    "forward": 0.005,
    "right": 0.006,
    "bend": 0.02,
    "twist": 0.03,
    "side": 0.015,
    "turn": 0.09,
    "nod": 0.05,
    "yaw": 0.02,
}


def perform(action: str, *, seed: int = 0, performer: int | Subject = 1, repeat: int = 1) -> Array:
    """A clean performance, as no sensor sees it.

    The ground is at 0, y points up. A single performer starts near the origin and looks roughly along -z, where the
    front camera stands; two performers face each other, one on either side of the origin.

    Args:
        action: name of a class of the data set `synthetic`.
        seed: of the whole data set.
        performer: number of the person, or a person of one's own. The partner is the person two further on, who
            belongs to the same part of the cross-subject split.
        repeat: number of the repetition.

    Returns:
        Joints in metres, 30 frames per second, 40 to 110 frames.

    Shape:
        returned: (M, T, 25, 3) float64, layout ntu25; M is 1 or 2.

    Raises:
        UnknownNameError: if there is no such action.

    Example:
        >>> from bonefide.data.synthetic.bodies import Subject
        >>> perform("shake hands").shape[0], perform("wave", performer=Subject(stature=1.6)).shape[2:]
        (2, (25, 3))
    """
    if action not in PROGRAMS:
        raise UnknownNameError("synthetic actions", action, PROGRAMS)
    number = performer if isinstance(performer, int) else 1
    generator = np.random.default_rng([seed, list(PROGRAMS).index(action), number, repeat])
    first = subject(number, seed=seed) if isinstance(performer, int) else performer
    people = (first, replace(subject(number + 2, seed=seed), left_handed=first.left_handed))
    scene = PROGRAMS[action](generator)
    if len(scene.motions) == 1 and generator.random() < 0.6:
        scene = Scene((after_a_step(scene.motions[0], generator),))
    times = _clock(scene, first, generator)
    alone = len(scene.motions) == 1
    persons = [
        _person(motion, person, times, scene.gap, generator)
        for motion, person in zip(scene.motions, people, strict=False)
    ]
    heading = generator.uniform(-0.9, 0.9) + (0.0 if alone else np.pi * generator.integers(2))
    placed = persons if alone else [_face(persons[0], -1.0, scene.gap), _face(persons[1], 1.0, scene.gap)]
    spot = generator.uniform(-0.25, 0.25, 3) * (1.0, 0.0, 1.0)
    return _rotate(np.stack(placed), float(heading)) + spot


def _clock(scene: Scene, person: Subject, generator: Generator) -> Array:
    """The motion's own time at every frame: rest, the person's pace with some hesitation, rest."""
    duration = scene.duration
    speed = person.speed * float(np.exp(generator.normal(0.0, 0.12)))
    longest = (_MOST_FRAMES - 1) / FPS
    speed = max(speed, duration / (longest - 0.1))
    pauses = generator.uniform(0.05, 1.3, 2)
    before, after = pauses * min(1.0, (longest - duration / speed) / pauses.sum())
    frames = int(np.clip(round((before + duration / speed + after) * FPS) + 1, _LEAST_FRAMES, _MOST_FRAMES))
    times = (np.arange(frames) / FPS - before) * speed
    hesitation = generator.uniform(-0.5, 0.5) / (2.0 * np.pi)
    share = np.clip(times / duration, 0.0, 1.0)
    warped: Array = times + duration * hesitation * np.sin(2.0 * np.pi * share)
    return warped


def _person(motion: Motion, person: Subject, times: Array, gap: float, generator: Generator) -> Array:
    """One person before being put into the scene, (T, 25, 3)."""
    sway = {name: _drift(len(times), size, generator) for name, size in _SWAY.items()}
    styled = in_manner(motion, person, generator)
    points = joints(styled, Body(person), rests(generator), times, sway=sway, gap=gap)
    return points[:, _MIRROR] * (-1.0, 1.0, 1.0) if person.left_handed else points


def _drift(frames: int, size: float, generator: Generator) -> Array:
    """Slow wandering: a few waves of one to four seconds."""
    rates = generator.uniform(0.25, 1.0, 3)
    phases = generator.uniform(0.0, 2.0 * np.pi, 3)
    waves: Array = np.sin(2.0 * np.pi * np.arange(frames)[:, None] / FPS * rates + phases)
    return size * waves.sum(axis=1) / np.sqrt(1.5)


def _face(points: Array, side: float, gap: float) -> Array:
    """Put a person on one side (-1 or 1 along x), facing the other."""
    turned = _rotate(points, side * 0.5 * np.pi)
    turned[..., 0] += 0.5 * side * gap
    return turned


def _rotate(points: Array, yaw: float) -> Array:
    """Turn to the left about the upright axis."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return points @ turn.T
