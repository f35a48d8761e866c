# SPDX-License-Identifier: Apache-2.0
"""The 25 keypoints of OpenPose's BODY_25 model: neck and middle of the hips, feet by two toes and a heel."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["OPENPOSE25"]

OPENPOSE25 = SkeletonLayout(
    "openpose25",
    (
        "nose", "neck",
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "right_eye", "left_eye", "right_ear", "left_ear",
        "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    ),
    parents=(1, 1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 10, 8, 12, 13, 0, 0, 15, 16, 14, 19, 14, 11, 22, 11),
    mirror=(0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11, 16, 15, 18, 17, 22, 23, 24, 19, 20, 21),
    parts={
        "limbs5": (
            (0, 1, 8, 15, 16, 17, 18),
            (5, 6, 7),
            (2, 3, 4),
            (12, 13, 14, 19, 20, 21),
            (9, 10, 11, 22, 23, 24),
        ),
    },
    anatomy={"neck": "shoulder_center"},
)  # fmt: skip
