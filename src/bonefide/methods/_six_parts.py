# SPDX-License-Identifier: Apache-2.0
"""Head, hands, arms, hips, legs and feet of any skeleton: the six parts STAR has texts about."""

from __future__ import annotations

from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.layouts.anatomy import points
from bonefide.layouts.body_parts import Parts, body_parts
from bonefide.text.descriptions import PARTS

__all__ = ["six_parts"]

_GROUPING = "star6"
_FACE = "nose head head_top neck shoulder_center eye eye_inner eye_outer ear mouth"
_PART = {
    **dict.fromkeys(_FACE.split(), "head"),
    **dict.fromkeys(("hand", "hand_tip", "thumb", "index", "pinky"), "hand"),
    **dict.fromkeys(("shoulder", "elbow", "wrist"), "arm"),
    **dict.fromkeys(("spine", "lumbar", "sacrum", "pelvis"), "hip"),
    **dict.fromkeys(("hip", "knee"), "leg"),
    **dict.fromkeys(("ankle", "heel", "toe", "small_toe"), "foot"),
}
_STAND_IN = {"hand": "wrist", "hip": "hip"}
"""Points that are a part of their own where nothing else is: wrists where no hands are seen, hips without a pelvis."""


def six_parts(layout: SkeletonLayout) -> Parts:
    """Joints of head, hands, arms, hips, legs and feet, left and right together.

    The grouping `star6` of the layout if it has one. Otherwise what the joints are, in the words of
    `bonefide.layouts.anatomy`: on Kinect v2 that is the paper's grouping. Skeletons without hands have wrists for them,
    those without a pelvis hips; a joint of no known name belongs to the part of the nearest known one, the first of
    equals.

    Args:
        layout: any.

    Returns:
        Six groups that hold every joint once.

    Raises:
        ShapeError: if a part has no joints, or `star6` does not hold six parts.

    Reference:
        Chen, Guo, He, Lu, Wang. Fine-Grained Side Information Guided Dual-Prompts for Zero-Shot Skeleton Action
        Recognition. ACM Multimedia 2024. arXiv:2404.07487, for Kinect v2. The others are ours.

    Example:
        >>> from bonefide.layouts import layout
        >>> six_parts(layout("ntu25"))[:2]
        ((2, 3, 20), (7, 11, 21, 22, 23, 24))
    """
    if _GROUPING in layout.parts:
        found = body_parts(layout, _GROUPING)
        if len(found) != len(PARTS):
            raise ShapeError(
                f"layout {layout.name}: '{_GROUPING}' must hold {', '.join(PARTS)}, got {len(found)} parts"
            )
        return found
    parts = _parts(layout)
    grouped = tuple(tuple(joint for joint, part in enumerate(parts) if part == name) for name in PARTS)
    if empty := [name for name, joints in zip(PARTS, grouped, strict=True) if not joints]:
        raise ShapeError(
            f"layout {layout.name} has no joints of {', '.join(empty)}; group its joints under the part '{_GROUPING}': "
            f"{', '.join(PARTS)}"
        )
    return grouped


def _parts(layout: SkeletonLayout) -> list[str | None]:
    """Part of every joint, None where nothing tells."""
    bare = [point.removeprefix("left_").removeprefix("right_") for point in points(layout)]
    known = [_PART.get(point) for point in bare]
    for part, point in _STAND_IN.items():
        if part not in known:
            known = [part if name == point else was for name, was in zip(bare, known, strict=True)]
    hops = layout.hops()
    told = [joint for joint, part in enumerate(known) if part]
    if not told:
        return known
    return [part or known[min(told, key=lambda other: hops[joint, other])] for joint, part in enumerate(known)]
