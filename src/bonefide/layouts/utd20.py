# SPDX-License-Identifier: Apache-2.0
"""Kinect v1, 20 joints, in the order of the UTD-MHAD files: the trunk from the head down."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["UTD20"]

UTD20 = SkeletonLayout(
    "utd20",
    (
        "head", "shoulder_center", "spine", "hip_center",
        "left_shoulder", "left_elbow", "left_wrist", "left_hand",
        "right_shoulder", "right_elbow", "right_wrist", "right_hand",
        "left_hip", "left_knee", "left_ankle", "left_foot",
        "right_hip", "right_knee", "right_ankle", "right_foot",
    ),
    parents=(1, 1, 1, 2, 1, 4, 5, 6, 1, 8, 9, 10, 3, 12, 13, 14, 3, 16, 17, 18),
    mirror=(0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15),
    parts={
        "limbs5": ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11), (12, 13, 14, 15), (16, 17, 18, 19)),
    },
    anatomy={"hip_center": "sacrum", "spine": "lumbar"},
)  # fmt: skip
