# SPDX-License-Identifier: Apache-2.0
"""What a pose estimator finds in the colour picture of a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bonefide.data.raw._recording import RawBody
from bonefide.data.synthetic.other_joints import Target, joints25_to, sources
from bonefide.data.synthetic.take import Take
from bonefide.types import Array

__all__ = ["FOCUS", "HEIGHT", "WIDTH", "Found", "find"]

WIDTH, HEIGHT = 1920, 1080
"""Of the picture, in pixels."""

FOCUS = 1063.0
"""Focal length, in pixels."""

_JITTER = 2.0
_MISSED_CLIPS = 0.15
_LONGEST_MISS = 5
_UNSURE, _SURE = (0.1, 0.5), (0.7, 0.98)


@dataclass(frozen=True, eq=False)
class Found:
    """One person as found in the picture.

    Args:
        pixels: x to the right, y down, from the upper left corner; the picture is no mirror: the right hand of somebody
            who looks into the camera is on the left.
        score: confidence, 0 to 1; low where the joint is guessed, 0 outside the picture.
        joints: in the camera's axes, in metres.
        there: in which frames the person was found.

    Shape:
        pixels: (T, V, 2).
        score: (T, V).
        joints: (T, V, 3).
        there: (T,) bool.
    """

    pixels: Array
    score: Array
    joints: Array
    there: Array


def find(take: Take, target: Target) -> list[Found]:
    """Everyone in the pictures of a recording, in the same order throughout.

    Args:
        take: the recording.
        target: joints the estimator reports.

    Example:
        >>> found = find(Take("hug", 1, 1, 1, 0), "coco17")
        >>> len(found), found[0].pixels.shape[1:]
        (2, (17, 2))
    """
    bodies, generator = take.people()
    return [_found(body, target, generator) for body in bodies]


def _found(body: RawBody, target: Target, generator: Generator) -> Found:
    joints = joints25_to(target, body.joints)
    pixels = _project(joints) + generator.normal(0.0, _JITTER, (*joints.shape[:2], 2))
    assert body.tracked is not None
    sure = body.tracked[:, sources(target)] == 2
    score = np.where(sure, generator.uniform(*_SURE, sure.shape), generator.uniform(*_UNSURE, sure.shape))
    inside = ((pixels >= 0.0) & (pixels < (WIDTH, HEIGHT))).all(axis=2)
    there = np.ones(len(joints), dtype=np.bool_)
    if generator.random() < _MISSED_CLIPS:
        begin = int(generator.integers(len(joints) - _LONGEST_MISS))
        there[begin : begin + int(generator.integers(1, _LONGEST_MISS + 1))] = False
    return Found(pixels, np.where(inside, score, 0.0), joints, there)


def _project(joints: Array) -> Array:
    """A pinhole camera; the sensor's x grows to the left of the picture."""
    away = np.maximum(joints[..., 2:], 0.3)
    return (0.5 * WIDTH, 0.5 * HEIGHT) - FOCUS * joints[..., :2] / away
