# SPDX-License-Identifier: Apache-2.0
"""Kinect v2, 25 joints: NTU RGB+D 60 and 120, PKU-MMD; and the variant whose hand joints hang on the wrist side."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["NTU25", "NTU25_PYSKL"]

_JOINTS = (
    "spine_base", "spine_middle", "neck", "head",
    "left_shoulder", "left_elbow", "left_wrist", "left_hand",
    "right_shoulder", "right_elbow", "right_wrist", "right_hand",
    "left_hip", "left_knee", "left_ankle", "left_foot",
    "right_hip", "right_knee", "right_ankle", "right_foot",
    "spine_shoulder", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb",
)  # fmt: skip
_MIRROR = (0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 20, 23, 24, 21, 22)
_TRUNK_AND_LIMBS = (1, 20, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 20)
_PARTS = {
    "limbs5": (
        (0, 1, 2, 3, 20),
        (4, 5, 6, 7, 21, 22),
        (8, 9, 10, 11, 23, 24),
        (12, 13, 14, 15),
        (16, 17, 18, 19),
    ),
    # As in the paper's code, tips of hands with the lower end of the spine included.
    "hyperformer": (
        (0, 21, 23),
        (6, 7, 10, 11, 20, 22, 24),
        (2, 3, 4, 5, 8, 9, 12, 16),
        (13, 14, 15, 17, 18, 19),
        (1,),
    ),
}

# The tip of a hand hangs on its thumb: an oddity of the files every system of the CTR-GCN line shares.
NTU25 = SkeletonLayout("ntu25", _JOINTS, (*_TRUNK_AND_LIMBS, 22, 7, 24, 11), _MIRROR, _PARTS)
NTU25_PYSKL = SkeletonLayout("ntu25_pyskl", _JOINTS, (*_TRUNK_AND_LIMBS, 7, 7, 11, 11), _MIRROR, _PARTS)
