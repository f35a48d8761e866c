# SPDX-License-Identifier: Apache-2.0
"""Persons who are none, and persons who were taken for one another."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from typing import NamedTuple

import numpy as np

from bonefide.data.doctor._finding import Finding
from bonefide.data.doctor._look import Look, median
from bonefide.data.doctor._space import up_of
from bonefide.types import Array

__all__ = ["find_ghosts", "find_swaps", "ghosts", "swaps", "without"]

_SHORT, _SHORT_SHARE = 11, 0.25
_WIDE, _WIDE_FRAMES = 0.8, 0.69754
"""Width over height of a body that stands or sits, and the share of frames in which it must be exceeded: the rule by
which the official code of CTR-GCN denoises NTU RGB+D."""
_STILL = 0.02
_LIMBS = (
    ("hip", "knee", 0.8),
    ("knee", "ankle", 0.8),
    ("ankle", "toe", 0.3),
    ("shoulder", "elbow", 0.55),
    ("elbow", "wrist", 0.5),
    ("wrist", "hand", 0.2),
    ("hand", "hand_tip", 0.2),
)
"""From a joint to the next, and the usual length in trunks."""
_PROPORTION, _SYMMETRY, _ODD = 2.2, 1.6, 0.25
_LONG = 0.5
"""Limbs that cannot be too short, in trunks: sensors put the joints of hands and feet on one spot."""
_MOST = 8
_FAR, _NEARER = 0.12, 0.5


class _Person(NamedTuple):
    """What is measured of a person; `reasons` against its being one."""

    frames: int
    reasons: tuple[str, ...]
    ghost: bool


def find_ghosts(look: Look) -> Finding:
    """Bodies of impossible shape, of a few frames, or wide and without motion."""
    people = ghosts(look)
    found = [number for number, person in enumerate(people) if person.ghost]
    numbers = {"persons": len(people), "ghosts": found, "reasons": {str(each): people[each].reasons for each in found}}
    if not found:
        return Finding("ghosts", 0, f"none of {len(people)} bodies looks like furniture", "certain", False, numbers)
    said = "; ".join(f"person {each} is {' and '.join(people[each].reasons)}" for each in found)
    real = [person.frames for person in people if not person.ghost]
    # `plain` keeps those seen longest, so this only helps if ghosts are seen less.
    helps = bool(real) and min(real) > max(people[each].frames for each in found)
    return Finding("ghosts", len(found), said, "likely", True, numbers, {"persons": len(real)} if helps else {})


def ghosts(look: Look) -> tuple[_Person, ...]:
    """Every person with what speaks against it."""
    statures = look.statures()
    present = look.present
    lengths = present.sum(axis=1)
    shapes = _shapes(look)
    built = shapes <= _ODD
    widths = _wide(look, up_of(without(look, ~built) if built.any() else look)[0])
    motion = _motion(look, statures)
    typical = float(median(statures[lengths == lengths.max()], axis=0)) if len(lengths) else np.nan
    people = []
    for person in range(len(present)):
        seen = int(lengths[person])
        short = seen <= _SHORT and seen < _SHORT_SHARE * lengths.max()
        still = seen > 1 and motion[person] < _STILL
        size = statures[person] / typical
        reasons = {
            f"seen in {seen} frames": short,
            "wider than high": widths[person] >= _WIDE_FRAMES,
            "without motion": still and widths[person] >= _WIDE_FRAMES,
            "not built like a body": bool(shapes[person] > _ODD),
            f"{size:.2f} times as tall as others": bool(len(present) > 1 and not 0.4 < size < 2.5),
        }
        against = tuple(reason for reason, holds in reasons.items() if holds)
        weight = sum(1 for reason in against if reason != "wider than high") + 0.5 * ("wider than high" in against)
        people.append(_Person(seen, against, short or weight >= 1.5))
    return tuple(people)


def without(look: Look, persons: Array) -> Look:
    """The recording as if these persons, (M,) bool, were never seen; the others keep their numbers."""
    return dataclasses.replace(look, joints=np.where(persons[:, None, None, None], np.nan, look.joints))


def _wide(look: Look, up: str) -> Array:
    """Share of frames in which a body is wider than it may be, (M,)."""
    axis = "xyz".index(up[-1]) if up else 1
    across = 1 if axis == 0 else 0
    with np.errstate(invalid="ignore"):
        spread = _extent(look.joints[..., across]) > _WIDE * _extent(look.joints[..., axis])
    return np.asarray((spread & look.present).sum(axis=1) / np.maximum(look.present.sum(axis=1), 1))


def _extent(values: Array) -> Array:
    gone = np.isnan(values)
    high = np.where(gone, -np.inf, values).max(axis=-1)
    low = np.where(gone, np.inf, values).min(axis=-1)
    return np.asarray(np.where(np.isfinite(high), high - low, 0.0))


def _motion(look: Look, statures: Array) -> Array:
    """How far joints stray from where they are on average, in statures, (M,): the joint that strays most."""
    middle = median(look.joints, axis=1)[:, None]
    strays = median(np.linalg.norm(look.joints - middle, axis=-1), axis=1)
    most = np.where(np.isnan(strays), 0.0, strays).max(axis=-1)
    return np.asarray(most / np.where(statures > 0, statures, np.nan))


def _shapes(look: Look) -> Array:
    """Share of the limbs whose length does not fit the body, (M,): against the trunk, and against the other side."""
    if look.layout is None or look.flat:
        return np.zeros(len(look.joints))
    trunk = median(np.linalg.norm(look.at("shoulder_center") - look.at("pelvis"), axis=-1), axis=1)
    odd, told = np.zeros(len(trunk)), np.zeros(len(trunk))
    for first, second, usual in _LIMBS:
        sides = [look.at(f"{side}_{first}") - look.at(f"{side}_{second}") for side in ("left", "right")]
        left, right = (median(np.linalg.norm(way, axis=-1), axis=1) for way in sides)
        for ratio in (left / (usual * trunk), right / (usual * trunk)):
            odd += (ratio > _PROPORTION) | ((ratio < 1 / _PROPORTION) & (usual >= _LONG))
            told += ~np.isnan(ratio)
        if usual >= _LONG:
            odd += (left / right > _SYMMETRY) | (right / left > _SYMMETRY)
            told += ~np.isnan(left / right)
    return np.asarray(odd / np.maximum(told, 1))


def find_swaps(look: Look) -> Finding:
    """Frames from which two persons have each other's number."""
    found = swaps(look)
    listed = [{"frame": frame, "persons": [first, second]} for frame, first, second in found]
    if not found:
        return Finding("swaps", 0, "no two persons change places from one frame to the next", "certain")
    said = ", ".join(f"persons {first} and {second} at frame {frame}" for frame, first, second in found[:5])
    return Finding("swaps", len(found), said, "likely", True, {"swaps": listed})


def swaps(look: Look) -> list[tuple[int, int, int]]:
    """Frame and two persons for every swap: exchanging them from there on makes both go on where they were.

    Of a crowd those seen longest are compared.
    """
    stature = look.stature()
    present = look.present
    longest = np.sort(np.argsort(-present.sum(axis=1), kind="stable")[:_MOST])
    found = []
    for first, second in combinations(longest.tolist(), 2):
        frames = np.flatnonzero(present[first] & present[second])
        before, after = frames[:-1], frames[1:]
        straight = _way(look, first, first, before, after) + _way(look, second, second, before, after)
        crossed = _way(look, first, second, before, after) + _way(look, second, first, before, after)
        with np.errstate(invalid="ignore"):
            wrong = (crossed < _NEARER * straight) & (straight > 2 * _FAR * stature)
        found += [(int(frame), first, second) for frame in after[wrong]]
    return sorted(found)


def _way(look: Look, start: int, end: int, before: Array, after: Array) -> Array:
    """Mean way of a joint, if one person becomes the other, (F,)."""
    way = np.linalg.norm(look.joints[end, after] - look.joints[start, before], axis=-1)
    return median(way, axis=1)
