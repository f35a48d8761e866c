# SPDX-License-Identifier: Apache-2.0
"""Unit and axes: how tall the persons are in the recording's numbers, and which way their heads point."""

from __future__ import annotations

import math

import numpy as np

from bonefide.data.doctor._finding import Confidence, Finding
from bonefide.data.doctor._look import Look, unit_vectors
from bonefide.types import Array

__all__ = ["find_unit", "find_up", "up_of"]

_FACTORS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
_SURE, _POSSIBLE = (1.3, 2.15), (0.9, 2.4)
"""Statures in metres: of adults, and of people at all as far as sensors tell."""
_PIXELS = 16.0
"""A body of fewer pixels has no joints to be seen."""
_AXES = "xyz"
_CLEAR, _CLOSE = 0.85, 0.6


def find_unit(look: Look) -> Finding:
    """Metres, centimetres, millimetres, inches, pixels, or shares of the picture, by the height of the persons."""
    height = look.stature()
    numbers = {"stature": None if math.isnan(height) else round(height, 4)}
    if math.isnan(height) or height == 0:
        return Finding("unit", None, "no body is whole enough to be measured", "unknown", False, numbers)
    said = f"the persons are about {height:.4g} tall"
    values = look.joints[look.known]
    if look.flat:
        return _flat_unit(height, values[:, :2], said, numbers)
    if _in_unit_square(values[:, :2]) and height < _POSSIBLE[0]:
        return Finding("unit", "normalised", f"{said}, all x and y lie in 0 to 1", "likely", True, numbers)
    for unit, factor in _FACTORS.items():
        metres = height * factor
        if _POSSIBLE[0] <= metres <= _POSSIBLE[1]:
            sure: Confidence = "certain" if _SURE[0] <= metres <= _SURE[1] and look.layout is not None else "likely"
            options = {} if unit == "m" else {"scale": factor}
            return Finding("unit", unit, said, sure, unit != "m", numbers, options)
    return Finding("unit", None, f"{said}, which no usual unit makes a body", "unknown", True, numbers)


def _flat_unit(height: float, values: Array, said: str, numbers: dict[str, float | None]) -> Finding:
    if _in_unit_square(values):
        return Finding("unit", "normalised", f"{said}, all x and y lie in 0 to 1", "likely", True, numbers)
    if height > _PIXELS:
        whole = float(np.mean(values == np.round(values)))
        said += f" in a plane, {whole:.0%} of the coordinates are whole numbers"
        return Finding("unit", "pixel", said, "certain" if whole > 0.99 else "likely", True, numbers)
    return Finding("unit", None, f"{said} in a plane, which may be anything", "unknown", False, numbers)


def _in_unit_square(values: Array) -> bool:
    # Estimators place joints a little outside the picture.
    inside = (values > -0.25) & (values < 1.25)
    return bool(inside.mean() > 0.98 and values.min() > -1.0 and values.max() < 2.0 and np.median(values) > 0.05)


def find_up(look: Look) -> Finding:
    """Which axis points up, by the way from the feet to the head, or along the trunk if the feet are not known."""
    up, share, steadiness = up_of(look)
    numbers = {"share": round(share, 3), "steadiness": round(steadiness, 3)}
    if not up:
        why = "nothing tells feet from heads without a layout" if look.layout is None else "no body is whole enough"
        return Finding("up", None, why, "unknown", False, numbers)
    said = f"from the feet to the head bodies extend {share:.2f} of their length along {up}"
    if share < _CLOSE or steadiness < _CLOSE:
        return Finding("up", None, f"{said}, too little to tell", "unknown", False, numbers)
    sure: Confidence = "certain" if share >= _CLEAR and steadiness >= _CLEAR else "likely"
    return Finding("up", up, said, sure, up != "y", numbers, {} if up == "y" else {"up": up})


def up_of(look: Look) -> tuple[str, float, float]:
    """The axis nearest to upright, its share of the mean direction, and the length of that mean: 1 if all agree."""
    ankles = (look.at("left_ankle") + look.at("right_ankle")) / 2
    whole = look.at("head") - ankles
    if np.isnan(whole).all():
        whole = look.at("shoulder_center") - look.at("pelvis")
    if look.flat:
        whole = whole[..., :2]
    directions = unit_vectors(whole).reshape(-1, whole.shape[-1])
    directions = directions[~np.isnan(directions).any(axis=1)]
    if not len(directions):
        return "", 0.0, 0.0
    mean = directions.mean(axis=0)
    length = float(np.linalg.norm(mean))
    axis = int(np.abs(mean).argmax())
    sign = "-" if mean[axis] < 0 else ""
    return f"{sign}{_AXES[axis]}", float(abs(mean[axis]) / max(length, 1e-12)), length
