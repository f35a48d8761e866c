# SPDX-License-Identifier: Apache-2.0
"""Kinect v1, 20 joints, in the order of the NW-UCLA files."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["UCLA20"]

UCLA20 = SkeletonLayout(
    "ucla20",
    (
        "hip_center", "spine", "shoulder_center", "head",
        "left_shoulder", "left_elbow", "left_wrist", "left_hand",
        "right_shoulder", "right_elbow", "right_wrist", "right_hand",
        "left_hip", "left_knee", "left_ankle", "left_foot",
        "right_hip", "right_knee", "right_ankle", "right_foot",
    ),
    parents=(1, 2, 2, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18),
    mirror=(0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15),
    parts={
        "limbs5": ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11), (12, 13, 14, 15), (16, 17, 18, 19)),
        "hyperformer": ((0, 1, 2, 3), tuple(range(4, 12)), tuple(range(12, 20))),
        # The paper's for bones: those of shoulders and hips belong to the trunk.
        "hyperformer_bone": ((0, 1, 2, 3, 4, 8, 12, 16), (5, 6, 7, 9, 10, 11), (13, 14, 15, 17, 18, 19)),
    },
    anatomy={"hip_center": "sacrum", "spine": "lumbar"},
)  # fmt: skip
