# SPDX-License-Identifier: Apache-2.0
"""The 18 keypoints of OpenPose's COCO model, also of Kinetics-Skeleton: COCO's and a neck between the shoulders."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["OPENPOSE18"]

OPENPOSE18 = SkeletonLayout(
    "openpose18",
    (
        "nose", "neck",
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "right_eye", "left_eye", "right_ear", "left_ear",
    ),
    parents=(1, 1, 1, 2, 3, 1, 5, 6, 2, 8, 9, 5, 11, 12, 0, 0, 14, 15),
    mirror=(0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16),
    parts={
        "limbs5": ((0, 1, 14, 15, 16, 17), (5, 6, 7), (2, 3, 4), (11, 12, 13), (8, 9, 10)),
    },
    anatomy={"neck": "shoulder_center"},
)  # fmt: skip
