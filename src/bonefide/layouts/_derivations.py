# SPDX-License-Identifier: Apache-2.0
"""How a point of the body follows from others: the one table behind all conversions between layouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bonefide.layouts.anatomy import POINTS

__all__ = ["Derived", "derive"]


class Derived(NamedTuple):
    """A point as a weighted sum of given points, and how many steps of inference led there; weights sum to 1."""

    weights: dict[str, float]
    steps: int


class _Rule(NamedTuple):
    """`near` marks the point's own side, `far` the other one."""

    point: str
    weights: Mapping[str, float]
    inferred: bool


def _between(point: str, weights: Mapping[str, float]) -> _Rule:
    """The point lies among others, so where these are seen it is as good as seen."""
    return _Rule(point, weights, inferred=False)


def _beyond(point: str, weights: Mapping[str, float]) -> _Rule:
    """The point lies off the others, so it is placed where it is on an average body that stands at ease."""
    return _Rule(point, weights, inferred=True)


# Weights of points beyond others are ratios of average lengths of adults: half the eyes' distance is 0.085 of the
# shoulders', the palm reaches as far beyond the wrist as 0.3 of the forearm, the ground lies 0.15 of the shank below
# the ankle. Sacrum and lumbar spine are where NW-UCLA and UTD-MHAD have them in the median. What needs the fewest
# steps of inference is preferred, then what stands first.
_RULES = (
    _between("pelvis", {"left_hip": 0.5, "right_hip": 0.5}),
    _between("shoulder_center", {"left_shoulder": 0.5, "right_shoulder": 0.5}),
    _beyond("shoulder_center", {"neck": 1}),
    _between("spine", {"pelvis": 0.5, "shoulder_center": 0.5}),
    _between("sacrum", {"pelvis": 0.72, "spine": 0.28}),
    _between("lumbar", {"pelvis": 0.42, "spine": 0.58}),
    _beyond("neck", {"shoulder_center": 0.67, "head": 0.33}),
    _beyond("neck", {"shoulder_center": 1}),
    _between("head", {"left_ear": 0.5, "right_ear": 0.5}),
    _beyond("head", {"left_eye": 0.5, "right_eye": 0.5}),
    _beyond("head", {"nose": 1}),
    _beyond("head", {"head_top": 0.5, "shoulder_center": 0.5}),
    _beyond("head_top", {"head": 1.5, "shoulder_center": -0.5}),
    _beyond("nose", {"left_eye": 0.5, "right_eye": 0.5}),
    _beyond("nose", {"head": 1}),
    _between("near_eye", {"near_eye_inner": 0.5, "near_eye_outer": 0.5}),
    _beyond("near_eye", {"head": 1, "near_shoulder": 0.085, "far_shoulder": -0.085}),
    _between("near_eye_inner", {"near_eye": 0.75, "far_eye": 0.25}),
    _between("near_eye_outer", {"near_eye": 0.8, "near_ear": 0.2}),
    _beyond("near_eye_outer", {"near_eye": 1.25, "far_eye": -0.25}),
    _beyond("near_ear", {"head": 1, "near_shoulder": 0.2, "far_shoulder": -0.2}),
    _beyond("near_mouth", {"nose": 1.8, "near_eye": -0.1, "far_eye": -0.7}),
    _beyond("near_shoulder", {"shoulder_center": 1, "near_hip": 1, "pelvis": -1}),
    _beyond("near_hip", {"pelvis": 1, "near_shoulder": 0.2, "far_shoulder": -0.2}),
    _beyond("near_elbow", {"near_shoulder": 0.5, "near_wrist": 0.5}),
    _beyond("near_wrist", {"near_hand": 1}),
    _between("near_hand", {"near_wrist": 0.2, "near_index": 0.4, "near_pinky": 0.4}),
    _beyond("near_hand", {"near_wrist": 1.3, "near_elbow": -0.3}),
    _beyond("near_hand_tip", {"near_index": 0.9, "near_pinky": 0.9, "near_wrist": -0.8}),
    _beyond("near_hand_tip", {"near_hand": 2, "near_wrist": -1}),
    _beyond("near_thumb", {"near_hand": 1.4, "near_wrist": -0.4}),
    _beyond("near_index", {"near_hand": 1.2, "near_wrist": -0.2}),
    _beyond("near_pinky", {"near_hand": 1.2, "near_wrist": -0.2}),
    _beyond("near_knee", {"near_hip": 0.5, "near_ankle": 0.5}),
    _beyond("near_ankle", {"near_heel": 1}),
    _beyond("near_toe", {"near_small_toe": 1}),
    _beyond("near_toe", {"near_ankle": 1.15, "near_knee": -0.15}),
    _beyond("near_small_toe", {"near_toe": 1}),
    _beyond("near_heel", {"near_ankle": 1.15, "near_knee": -0.15}),
)


def _on_side(rule: _Rule, near: str, far: str) -> _Rule:
    def placed(point: str) -> str:
        return point.replace("near_", f"{near}_").replace("far_", f"{far}_")

    return _Rule(placed(rule.point), {placed(each): weight for each, weight in rule.weights.items()}, rule.inferred)


def _by_point() -> dict[str, tuple[_Rule, ...]]:
    found: dict[str, tuple[_Rule, ...]] = dict.fromkeys(POINTS, ())
    for rule in _RULES:
        sided = rule.point.startswith("near_")
        for sides in (("left", "right"), ("right", "left"))[: 2 if sided else 1]:
            placed = _on_side(rule, *sides)
            found[placed.point] += (placed,)
    return found


_BY_POINT = _by_point()


def derive(point: str, given: frozenset[str]) -> Derived | None:
    """A point from given ones, by the rules that need the fewest steps of inference.

    Args:
        point: what is wanted.
        given: points there are.

    Returns:
        None if no rule leads there.
    """
    return _derive(point, given, frozenset())


def _derive(point: str, given: frozenset[str], wanted: frozenset[str]) -> Derived | None:
    """`wanted` are points whose rules led here: what follows from them cannot lead to them."""
    if point in given:
        return Derived({point: 1.0}, 0)
    if point in wanted:
        return None
    found = (_follow(rule, given, wanted | {point}) for rule in _BY_POINT.get(point, ()))
    return min((each for each in found if each is not None), key=lambda each: each.steps, default=None)


def _follow(rule: _Rule, given: frozenset[str], wanted: frozenset[str]) -> Derived | None:
    weights: dict[str, float] = {}
    steps = 0
    for each, weight in rule.weights.items():
        found = _derive(each, given, wanted)
        if found is None:
            return None
        steps = max(steps, found.steps)
        for source, share in found.weights.items():
            weights[source] = weights.get(source, 0.0) + weight * share
    return Derived(weights, steps + rule.inferred)
