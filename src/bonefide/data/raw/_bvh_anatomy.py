# SPDX-License-Identifier: Apache-2.0
"""What the joints of motion capture are, whose names are those of the bones that begin there."""

from __future__ import annotations

from collections.abc import Sequence

from bonefide.layouts.sides import sideless

__all__ = ["bvh_anatomy"]

_BONES = {
    "hip": ("up_leg", "upper_leg", "thigh"),
    "knee": ("leg", "low_leg", "lower_leg", "shin", "calf"),
    "ankle": ("foot",),
    "toe": ("toe_base_end", "toe_end", "toe_0_end"),
    "clavicle": ("shoulder", "clavicle", "collar"),
    "shoulder": ("arm", "up_arm", "upper_arm", "upperarm"),
    "elbow": ("fore_arm", "forearm", "low_arm", "lower_arm"),
    "wrist": ("hand",),
}
_POINTS = {bone: point for point, bones in _BONES.items() for bone in bones}
_TELLING = {*_BONES["hip"], *_BONES["elbow"]}


def bvh_anatomy(names: Sequence[str]) -> dict[str, str]:
    """What joints are that are named by bones, as MotionBuilder, Mixamo, CMU, Biped and Rigify do.

    There `LeftFoot` is the ankle and `LeftShoulder` the inner end of the collar bone, which is no point of other
    layouts. Names of joints, such as `LeftKnee`, need no telling.

    Args:
        names: of all joints.

    Returns:
        For `SkeletonLayout.anatomy`; empty if the names are not those of bones.

    Example:
        >>> bvh_anatomy(("Hips", "mixamorig:LeftUpLeg", "LeftFoot"))
        {'mixamorig:LeftUpLeg': 'left_hip', 'LeftFoot': 'left_ankle'}
    """
    sided = {name: sideless(_bare(name)) for name in names}
    if not any(side and bone in _TELLING for side, bone in sided.values()):
        return {}
    return {name: f"{side}_{_POINTS[bone]}" for name, (side, bone) in sided.items() if side and bone in _POINTS}


def _bare(name: str) -> str:
    """The name without what tools put before it: `mixamorig:LeftArm`, `Bip01 L UpperArm`."""
    last = name.rpartition(":")[2]
    first, _, rest = last.partition(" ")
    return rest if rest and first.lower().startswith(("bip", "valve")) else last
