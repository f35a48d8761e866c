# SPDX-License-Identifier: Apache-2.0
"""The joints pose estimators report, from the 25 of a Kinect v2 body: simple rules for face, heels, toes, fingers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["Target", "joints25_to", "names", "sources"]

Target = Literal["coco17", "openpose25", "mediapipe33"]
"""Name of the layout."""

_JOINTS = layout("ntu25").joints
_JOINT = {name: index for index, name in enumerate(_JOINTS)}
_SAME = {
    **{f"{side}_{part}": f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist")},
    **{f"{side}_{part}": f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle")},
    **{f"{side}_thumb": f"{side}_thumb" for side in ("left", "right")},
    "neck": "spine_shoulder",
}
# From the middle of the head: towards the own side, upward, forward; in lengths of the spine, hips to shoulders.
_FACE: Mapping[str, tuple[float, float, float]] = {
    "nose": (0.0, -0.04, 0.21),
    "eye_inner": (0.035, 0.04, 0.175),
    "eye": (0.065, 0.04, 0.17),
    "eye_outer": (0.095, 0.04, 0.155),
    "ear": (0.155, 0.0, 0.0),
    "mouth": (0.05, -0.13, 0.175),
}
# From the ankle: towards the body's middle, downward along the shank, along the foot; in lengths ankle to foot.
_FOOT: Mapping[str, tuple[float, float, float]] = {
    "heel": (0.0, 0.5, -0.4),
    "foot_index": (0.0, -0.05, 1.45),
    "big_toe": (0.25, -0.05, 1.4),
    "small_toe": (-0.35, -0.05, 1.15),
}
# From the middle of the hand: along the fingers, towards the thumb; in lengths hand to tip.
_FINGER: Mapping[str, tuple[float, float]] = {"index": (0.75, 0.35), "pinky": (0.55, -0.5)}


def names(target: Target) -> tuple[str, ...]:
    """Joints of a target, in its order; left and right are the person's own."""
    return layout(target).joints


def sources(target: Target) -> Array:
    """The Kinect joint that each joint of a target is measured from, (V,) int64."""
    return np.array([_JOINT[_source(name)] for name in names(target)])


def joints25_to(target: Target, joints: Array) -> Array:
    """Joints of another layout.

    Args:
        target: which.
        joints: of a Kinect v2 body, x, y, z of a right-handed system.

    Shape:
        joints: (..., 25, 3).
        returned: (..., V, 3).

    Example:
        >>> from bonefide.data.synthetic.perform import perform
        >>> person = perform("bow")[0]
        >>> moved = joints25_to("openpose25", person)
        >>> moved.shape[1:], bool((moved[:, 4] == person[:, 10]).all())
        ((25, 3), True)
    """
    face = _face_axes(joints)
    return np.stack([_place(name, joints, face) for name in names(target)], axis=-2)


def _source(name: str) -> str:
    side, _, part = name.partition("_")
    if name in _SAME:
        return _SAME[name]
    if name == "mid_hip":
        return "spine_base"
    if name in _FACE or part in _FACE:
        return "head"
    return f"{side}_foot" if part in _FOOT else f"{side}_hand"


def _place(name: str, joints: Array, face: Array) -> Array:
    side, _, part = name.partition("_")
    if name in _SAME:
        return joints[..., _JOINT[_SAME[name]], :]
    if name == "mid_hip":
        middle: Array = 0.5 * (joints[..., _JOINT["left_hip"], :] + joints[..., _JOINT["right_hip"], :])
        return middle
    if name in _FACE:
        return joints[..., _JOINT["head"], :] + _FACE[name] @ face
    if part in _FACE:
        across, up, forward = _FACE[part]
        return joints[..., _JOINT["head"], :] + (across if side == "right" else -across, up, forward) @ face
    return _toe(side, _FOOT[part], joints) if part in _FOOT else _finger(side, _FINGER[part], joints)


def _face_axes(joints: Array) -> Array:
    """Rightward, upward and forward of the head, spine-long, (..., 3, 3); the head does not turn by itself."""
    spine = np.linalg.norm(joints[..., _JOINT["spine_shoulder"], :] - joints[..., _JOINT["spine_base"], :], axis=-1)
    up = _unit(joints[..., _JOINT["head"], :] - joints[..., _JOINT["neck"], :])
    across = joints[..., _JOINT["right_shoulder"], :] - joints[..., _JOINT["left_shoulder"], :]
    right = _unit(across - _along(across, up))
    return spine[..., None, None] * np.stack([right, up, np.cross(up, right)], axis=-2)


def _toe(side: str, place: tuple[float, float, float], joints: Array) -> Array:
    knee, ankle, foot = (joints[..., _JOINT[f"{side}_{part}"], :] for part in ("knee", "ankle", "foot"))
    along = foot - ankle
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    down = _unit(ankle - knee)
    right = _unit(np.cross(down, along))
    inward = -right if side == "right" else right
    moved: Array = ankle + place[0] * length * inward + place[1] * length * down + place[2] * along
    return moved


def _finger(side: str, place: tuple[float, float], joints: Array) -> Array:
    hand, tip, thumb = (joints[..., _JOINT[f"{side}_{part}"], :] for part in ("hand", "hand_tip", "thumb"))
    along, across = tip - hand, thumb - hand
    moved: Array = hand + place[0] * along + place[1] * (across - _along(across, _unit(along)))
    return moved


def _along(vector: Array, unit: Array) -> Array:
    part: Array = np.sum(vector * unit, axis=-1, keepdims=True) * unit
    return part


def _unit(vector: Array) -> Array:
    length: Array = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.maximum(length, 1e-9)
