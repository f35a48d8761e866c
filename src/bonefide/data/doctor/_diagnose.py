# SPDX-License-Identifier: Apache-2.0
"""`diagnose`: everything that is asked about one recording."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from bonefide import layouts
from bonefide.data.doctor._finding import Diagnosis, Finding
from bonefide.data.doctor._layouts import find_layout
from bonefide.data.doctor._look import Look, look_at
from bonefide.data.doctor._persons import find_ghosts, find_swaps, ghosts, without
from bonefide.data.doctor._quality import (
    find_bones,
    find_coincidences,
    find_gaps,
    find_jumps,
    find_nonfinite,
    find_size,
)
from bonefide.data.doctor._sides import find_mirrored
from bonefide.data.doctor._space import find_unit, find_up
from bonefide.data.doctor._time import find_frozen, find_rate, find_repeats
from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["diagnose"]

_QUESTIONS: tuple[Callable[[Look], Finding], ...] = (find_size, find_nonfinite, find_ghosts)
_OF_BODIES: tuple[Callable[[Look], Finding], ...] = (
    find_unit,
    find_up,
    find_mirrored,
    find_rate,
    find_repeats,
    find_frozen,
    find_swaps,
    find_gaps,
    find_bones,
    find_jumps,
    find_coincidences,
)
"""Questions that furniture taken for a body would answer wrongly; it is left out."""


def diagnose(
    joints: Array,
    *,
    layout: SkeletonLayout | None = None,
    fps: float | None = None,
    confidence: Array | None = None,
) -> Diagnosis:
    """Say what a recording is, and what is wrong with it.

    Left and right, the axes, the unit and the bones are judged by the layout: the declared one if its number of joints
    fits, otherwise the likeliest. A joint is unknown where its confidence is 0, all its coordinates are 0, or one is
    not finite.

    Args:
        joints: coordinates of all persons.
        layout: of the joints, as far as it is known.
        fps: frames per second, as far as they are known.
        confidence: how sure an estimator was of each joint, 0 to 1; None if nothing tells.

    Shape:
        joints: (M, T, V, C), two or three coordinates; zeros where a person is absent.
        confidence: (M, T, V).

    Raises:
        ShapeError: if the arrays are of another shape, or empty.

    Example:
        >>> from bonefide.data.synthetic.perform import perform
        >>> told = diagnose(1000 * perform("wave"), fps=30.0)
        >>> told["layout"].value, told["unit"].value, told["up"].value, told["mirrored"].value
        ('ntu25', 'mm', 'y', False)
        >>> told.proposal().scale
        0.001
    """
    if joints.ndim != 4 or joints.shape[-1] not in (2, 3) or 0 in joints.shape:
        raise ShapeError(f"a recording is (M, T, V, C) with two or three coordinates, got {joints.shape}")
    if confidence is not None and confidence.shape != joints.shape[:3]:
        raise ShapeError(f"joints {joints.shape} need a confidence of shape {joints.shape[:3]}, got {confidence.shape}")
    look = look_at(joints, layout, fps, confidence)
    told = find_layout(look)
    judged = dataclasses.replace(look, layout=_judged_by(look, told))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = [question(judged) for question in _QUESTIONS]
        bodies = _without_ghosts(judged)
        return Diagnosis((told, *found, *(question(bodies) for question in _OF_BODIES)))


def _without_ghosts(look: Look) -> Look:
    found = np.array([person.ghost for person in ghosts(look)])
    return look if found.all() else without(look, found)


def _judged_by(look: Look, told: Finding) -> SkeletonLayout | None:
    if look.layout is not None and len(look.layout.joints) == look.joints.shape[2] and not told.fault:
        return look.layout
    return layouts.layout(str(told.value)) if told.value is not None else None
