# SPDX-License-Identifier: Apache-2.0
"""The 26 body keypoints of Halpe (AlphaPose): COCO's 17, top of the head, neck, middle of the hips, and the feet."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["HALPE26"]

HALPE26 = SkeletonLayout(
    "halpe26",
    (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
        "head_top", "neck", "mid_hip",
        "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel",
    ),
    parents=(18, 0, 0, 1, 2, 18, 18, 5, 6, 7, 8, 19, 19, 11, 12, 13, 14, 18, 18, 18, 15, 16, 20, 21, 15, 16),
    mirror=(0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 17, 18, 19, 21, 20, 23, 22, 25, 24),
    parts={
        "limbs5": (
            (0, 1, 2, 3, 4, 17, 18, 19),
            (5, 7, 9),
            (6, 8, 10),
            (11, 13, 15, 20, 22, 24),
            (12, 14, 16, 21, 23, 25),
        ),
    },
    anatomy={"neck": "shoulder_center"},
)  # fmt: skip
