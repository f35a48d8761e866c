# SPDX-License-Identifier: Apache-2.0
"""One vocabulary of points of the human body, in which the joints of all layouts are told."""

from __future__ import annotations

from functools import lru_cache

from bonefide.layouts.layout import SkeletonLayout
from bonefide.layouts.sides import sideless

__all__ = ["POINTS", "points"]

_MIDDLE = {
    "nose": ("nose",),
    "head": ("head", "head_center"),
    "head_top": ("head_top", "top_head"),
    "neck": ("neck",),
    "shoulder_center": ("shoulder_center", "spine_shoulder", "mid_shoulder", "thorax"),
    "spine": ("spine", "spine_middle", "spine_mid", "mid_spine", "torso"),
    "lumbar": ("lumbar",),
    "sacrum": ("sacrum",),
    "pelvis": ("pelvis", "hip_center", "spine_base", "mid_hip", "hip", "hips"),
}
_SIDED = {
    "eye": ("eye",),
    "eye_inner": ("eye_inner",),
    "eye_outer": ("eye_outer",),
    "ear": ("ear",),
    "mouth": ("mouth",),
    "shoulder": ("shoulder",),
    "elbow": ("elbow",),
    "wrist": ("wrist",),
    "hand": ("hand",),
    "hand_tip": ("hand_tip",),
    "thumb": ("thumb",),
    "index": ("index",),
    "pinky": ("pinky",),
    "hip": ("hip",),
    "knee": ("knee",),
    "ankle": ("ankle",),
    "heel": ("heel",),
    "toe": ("toe", "foot", "big_toe", "foot_index"),
    "small_toe": ("small_toe",),
}
_MIDDLE_POINT = {name: point for point, names in _MIDDLE.items() for name in names}
_SIDED_POINT = {name: point for point, names in _SIDED.items() for name in names}

POINTS = (*_MIDDLE, *(f"{side}_{point}" for point in _SIDED for side in ("left", "right")))
"""All points. `head` is its middle; `neck` its joint with the spine; `shoulder_center` lies between the shoulders;
`spine` is half-way down from there to the `pelvis`, the middle of the hips; `lumbar` and `sacrum` are where Kinect v1
puts its spine and hip centre, two and one seventh of that way up from the pelvis; a `hand` is the middle of the palm,
`index` and `pinky` are the knuckles of these fingers; a `toe` is the tip of the foot on the side of the big toe."""


def points(layout: SkeletonLayout) -> tuple[str, ...]:
    """The point that every joint of a layout is, or its own name where that is none of the vocabulary.

    What `layout.anatomy` says comes first, then the joint's name: `spine_base`, `mid_hip` and `hip_center` are all the
    pelvis, `LKnee` and `knee_left` are `left_knee`.

    Example:
        >>> from bonefide.layouts import layout
        >>> points(layout("ntu25"))[0], points(layout("openpose25"))[8]
        ('pelvis', 'pelvis')
        >>> points(layout("openpose25"))[1]
        'shoulder_center'
    """
    return tuple(layout.anatomy.get(name) or _point(name) for name in layout.joints)


@lru_cache(maxsize=4096)
def _point(name: str) -> str:
    side, rest = sideless(name)
    found = _SIDED_POINT.get(rest) if side else _MIDDLE_POINT.get(rest)
    if found is None:
        return name
    return f"{side}_{found}" if side else found
