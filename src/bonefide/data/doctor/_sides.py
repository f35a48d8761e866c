# SPDX-License-Identifier: Apache-2.0
"""Whether left is left: what tells the front of a body, against the front that its left and right sides imply."""

from __future__ import annotations

import numpy as np

from bonefide.data.doctor._finding import Confidence, Finding
from bonefide.data.doctor._look import Look, unit_vectors
from bonefide.types import Array

__all__ = ["agreements", "find_mirrored"]

_SIDES = ("left", "right")
_TELLING = ("toes", "face")
"""Clues that may stand alone: straight knees bend both ways in the eyes of a sensor, and people also walk backwards."""
_CLEAR = 0.7
_ENOUGH = 0.25
"""Agreement, from -1 to 1, below which clues do not tell."""
_WEIGHTS = {"toes": 3.0, "face": 3.0, "knees": 0.5, "walking": 0.5}
_LEAST = {"toes": 0.02, "face": 0.01, "knees": 0.06, "walking": 0.2}
"""How far a clue must point on average, in statures, to be looked at: straight knees are noise."""


def find_mirrored(look: Look) -> Finding:
    """Whether left is on the right: by axes of a left hand, or by swapped names, which nothing tells apart.

    Somebody seen in a mirror whose joints are named as they are seen is as whole as anybody; that cannot be found out.
    """
    if look.flat:
        return Finding("mirrored", None, "two coordinates do not tell front from back", "unknown")
    found = agreements(look)
    numbers = {name: round(agreement, 3) for name, agreement in found.items()}
    if not found:
        return Finding("mirrored", None, "no joint tells front from back", "unknown")
    total = sum(_WEIGHTS[name] * each for name, each in found.items()) / sum(_WEIGHTS[name] for name in found)
    said = ", ".join(f"{name} {agreement:+.2f}" for name, agreement in found.items())
    said = f"the front by joints against the front by left and right, 1 if they agree: {said}"
    strong = [each for each in found.values() if abs(each) > _ENOUGH]
    agreed = all(each * total > 0 for each in strong)
    telling = any(name in found for name in _TELLING) or (len(strong) > 1 and agreed)
    if abs(total) < _ENOUGH or not telling:
        return Finding("mirrored", None, said, "unknown", False, numbers)
    wrong = total < 0
    sure: Confidence = "certain" if agreed and abs(total) > _CLEAR else "likely"
    return Finding("mirrored", wrong, said, sure, wrong, numbers, {"reflect": True} if wrong else {})


def agreements(look: Look) -> dict[str, float]:
    """Each clue to its agreement, -1 to 1, weighted by how far it points; clues that do not point are left out.

    In coordinates of the right hand a person's front is up x right.
    """
    up = unit_vectors(look.at("shoulder_center") - look.at("pelvis"))
    across = unit_vectors(look.at("right_shoulder") - look.at("left_shoulder"))
    front = unit_vectors(np.cross(up, across))
    size = look.stature()
    return {
        name: agreement
        for name, clue in _clues(look, up).items()
        if (agreement := _agreement(front, clue / size, _LEAST[name])) is not None
    }


def _clues(look: Look, up: Array) -> dict[str, Array]:
    """What points forward, (M, T, C) each."""
    toes = [look.at(f"{side}_toe") - look.at(f"{side}_ankle") for side in _SIDES]
    knees = [look.at(f"{side}_knee") - (look.at(f"{side}_hip") + look.at(f"{side}_ankle")) / 2 for side in _SIDES]
    ears = (look.at("left_ear") + look.at("right_ear")) / 2
    walk = np.full_like(up, np.nan)
    step = 10
    if up.shape[1] > step:
        pelvis = look.at("pelvis")
        walk[:, :-step] = pelvis[:, step:] - pelvis[:, :-step]
    face = look.at("nose") - ears
    return {"toes": toes[0] + toes[1], "face": face, "knees": knees[0] + knees[1], "walking": walk}


def _agreement(front: Array, clue: Array, least: float) -> float | None:
    along = np.einsum("mtc,mtc->mt", front, clue)
    along = along[~np.isnan(along)]
    if not len(along) or np.abs(along).mean() < least:
        return None
    return float(along.sum() / np.abs(along).sum())
