# SPDX-License-Identifier: Apache-2.0
"""The 33 landmarks of MediaPipe Pose (BlazePose): face, hands by three knuckles, feet by heel and toe."""

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["MEDIAPIPE33"]

MEDIAPIPE33 = SkeletonLayout(
    "mediapipe33",
    (
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        "left_ear", "right_ear", "left_mouth", "right_mouth",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
        "left_heel", "right_heel", "left_foot_index", "right_foot_index",
    ),
    parents=(
        0, 0, 1, 2, 0, 4, 5, 3, 6, 0, 0, 0, 0, 11, 12, 13, 14, 15, 16, 15, 16, 15, 16,
        11, 12, 23, 24, 25, 26, 27, 28, 27, 28,
    ),
    mirror=(
        0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21,
        24, 23, 26, 25, 28, 27, 30, 29, 32, 31,
    ),
    parts={
        "limbs5": (
            (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
            (11, 13, 15, 17, 19, 21),
            (12, 14, 16, 18, 20, 22),
            (23, 25, 27, 29, 31),
            (24, 26, 28, 30, 32),
        ),
    },
)  # fmt: skip
