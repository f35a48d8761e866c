# SPDX-License-Identifier: Apache-2.0
"""A long performance: one person, now and then joined by a second, does one thing after another with pauses between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bonefide.data.synthetic.perform import perform
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["Span", "Video", "video"]

_LAYOUT = layout("ntu25_pyskl")
_ROOT, _PARENTS = _LAYOUT.root, _LAYOUT.parents
_OUTWARD = np.argsort(_LAYOUT.hops()[_ROOT], kind="stable").tolist()
_LEFT_HIP, _RIGHT_HIP = _LAYOUT.joints.index("left_hip"), _LAYOUT.joints.index("right_hip")
_FEET = [_LAYOUT.joints.index("left_foot"), _LAYOUT.joints.index("right_foot")]
_LEAST_PAUSE, _MOST_PAUSE = 20, 60
_LONGEST_STAY = 12
_FRAMES_A_METRE, _FRAMES_A_RADIAN = 40.0, 12.0


@dataclass(frozen=True)
class Span:
    """An action of a video.

    Args:
        action: name of the synthetic action.
        first: its first frame, 0-based.
        last: its last frame.
    """

    action: str
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Video:
    """A long performance.

    Args:
        performer: true joints of the person who is always there.
        partners: first frame and true joints of the second person, once for every visit.
        spans: the actions, ascending, none overlapping another.

    Shape:
        performer: (T, 25, 3) in metres, ground at 0, y up.
        partners: (t, 25, 3) each.
    """

    performer: Array
    partners: tuple[tuple[int, Array], ...]
    spans: tuple[Span, ...]


def video(actions: Sequence[str], count: int, *, seed: int, subject: int, repeat: int) -> Video:
    """One continuous performance.

    Who sits down stands up next, if both actions are there. In a pause the performer moves, with bones of constant
    length, to where the next action begins.

    Args:
        actions: to choose from, each about equally often.
        count: of actions, at least 1.
        seed: of the whole data set.
        subject: number of the performer; the second person is the one two further on.
        repeat: number of the video of this performer.

    Example:
        >>> made = video(["wave", "hug"], 2, seed=0, subject=1, repeat=1)
        >>> sorted(span.action for span in made.spans), len(made.partners)
        (['hug', 'wave'], 1)
    """
    generator = np.random.default_rng([seed, 49979687, subject, repeat])
    parts: list[Array] = []
    partners: list[tuple[int, Array]] = []
    spans: list[Span] = []
    frames = 0
    for number, action in enumerate(_playlist(actions, count, generator)):
        persons = perform(action, seed=seed, performer=subject, repeat=1000 * repeat + number)
        begin = parts[-1][-1] if parts else persons[0, 0]
        pause = max(int(generator.integers(_LEAST_PAUSE, _MOST_PAUSE)), _needed(begin, persons[0, 0]))
        parts += [_between(begin, persons[0, 0], pause), persons[0]]
        frames += pause + persons.shape[1]
        spans.append(Span(action, frames - persons.shape[1], frames - 1))
        if len(persons) > 1:
            before, after = generator.integers(0, _LONGEST_STAY, 2).tolist()
            partners.append((spans[-1].first - before, np.pad(persons[1], ((before, after), (0, 0), (0, 0)), "edge")))
    parts.append(np.repeat(parts[-1][-1:], _LEAST_PAUSE, axis=0))
    return Video(np.concatenate(parts), tuple(partners), tuple(spans))


def _playlist(actions: Sequence[str], count: int, generator: Generator) -> list[str]:
    """Rounds of all actions, shuffled anew, as many as wanted."""
    assert actions
    together = ("sit down", "stand up")
    paired = set(together) <= set(actions)
    turns = [(action,) for action in actions if not (paired and action in together)] + [together] * paired
    playlist: list[str] = []
    while len(playlist) < count:
        for place in generator.permutation(len(turns)):
            playlist += turns[int(place)]
    return playlist[:count]


def _needed(begin: Array, end: Array) -> int:
    """Frames in which one gets from one place to another without hurry."""
    way = end[_ROOT] - begin[_ROOT]
    return int(_FRAMES_A_METRE * float(np.hypot(way[0], way[2])) + _FRAMES_A_RADIAN * abs(_turn(begin, end)))


def _between(begin: Array, end: Array, frames: int) -> Array:
    """Move smoothly from one posture to another without changing the bones' lengths, (frames, 25, 3)."""
    share = np.arange(frames) / frames
    share = share**3 * (10.0 + share * (6.0 * share - 15.0))
    turn = _turn(begin, end)
    first, last = _bones(begin), _bones(_turned(end, -turn))
    bones = _blend(first, last, share[:, None, None])
    length = _blend(np.linalg.norm(first, axis=1), np.linalg.norm(last, axis=1), share[:, None])
    bones *= (length / np.maximum(np.linalg.norm(bones, axis=2), 1e-9))[..., None]
    moved = _turned(bones, share * turn)
    moved[:, _ROOT] = _blend(begin[_ROOT], end[_ROOT], share[:, None])
    for joint in _OUTWARD[1:]:
        moved[:, joint] += moved[:, _PARENTS[joint]]
    ground = _blend(begin[_FEET, 1].min(), end[_FEET, 1].min(), share)
    moved[..., 1] += (ground - moved[:, _FEET, 1].min(axis=1))[:, None]
    return moved


def _blend(first: Array, last: Array, share: Array) -> Array:
    mixed: Array = (1.0 - share) * first + share * last
    return mixed


def _bones(points: Array) -> Array:
    """From its parent to every joint, (25, 3)."""
    return points - points[list(_PARENTS)]


def _heading(points: Array) -> float:
    """Which way somebody looks, in radians to the left about the upright axis."""
    across = points[_RIGHT_HIP] - points[_LEFT_HIP]
    return float(np.arctan2(-across[2], across[0]))


def _turn(begin: Array, end: Array) -> float:
    """The shorter turn from one heading to another, to the left, in radians."""
    return (_heading(end) - _heading(begin) + np.pi) % (2.0 * np.pi) - np.pi


def _turned(points: Array, yaw: Array | float) -> Array:
    """Turn to the left about the upright axis, every frame by its own angle if there are several."""
    cosine, sine = np.cos(yaw)[..., None], np.sin(yaw)[..., None]
    ahead, across = points[..., 2], points[..., 0]
    return np.stack([cosine * across + sine * ahead, points[..., 1], cosine * ahead - sine * across], axis=-1)
