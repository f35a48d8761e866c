# SPDX-License-Identifier: Apache-2.0
"""A fixed number of frames of people who face the camera: how AimCLR's NTU and Neuron's PKU-MMD both end."""

from __future__ import annotations

import numpy as np

from bonefide.errors import DataError, RawFileError
from bonefide.transforms.resample import Resample
from bonefide.types import Array

__all__ = ["central_frames", "check_length", "count_frames", "facing"]

_FRAMES = 300
_BASE, _LEFT_SHOULDER, _RIGHT_SHOULDER, _CHEST = 0, 4, 8, 20
_TINY = np.float32(1e-4)
_UNUSED = np.random.default_rng(0)  # resampling draws nothing


def check_length(frames: int, option: str) -> None:
    """Refuse an impossible number of frames.

    Args:
        frames: what was given.
        option: preparation and option, for the message.

    Raises:
        DataError: if it is below 1.
    """
    if frames < 1:
        raise DataError(f"{option} must be at least 1, got {frames}")


def central_frames(joints: Array) -> Array:
    """The central 300 frames, or all if there are no more.

    Shape:
        joints: (M, F, V, C).
        returned: (M, T, V, C), T at most 300.
    """
    start = max(0, (joints.shape[1] - _FRAMES) // 2)
    return joints[:, start : start + _FRAMES]


def facing(name: str, joints: Array, frames: int) -> Array:
    """Joints seen from the chest, blended to a number of frames, and turned about y so that the shoulders lie along x.

    Only the first `count_frames` frames are used. Whether a turn goes one way or the other is decided once a person, by
    the sum over all frames of the depth between the shoulders.

    Args:
        name: of the recording, for the message.
        joints: in camera coordinates; absent persons are zeros.
        frames: number of frames to blend to.

    Shape:
        joints: (M, F, 25, 3) float32.
        returned: (M, T, 25, 3) float32, T = `frames`.

    Raises:
        RawFileError: `zero`, if no frame counts; `nonfinite`, if coordinates are too far apart for float32.
    """
    length = count_frames(joints)
    if not length:
        raise RawFileError("zero", "the first person's base of the spine is zero in all frames", path=name)
    with np.errstate(over="ignore", invalid="ignore"):
        seen = joints[:, :length] - joints[:, :length, _CHEST, None]
        clip = Resample(frames)(np.ascontiguousarray(seen.transpose(3, 1, 2, 0)), _UNUSED)
        turned = np.ascontiguousarray(_turned(clip).transpose(3, 1, 2, 0))
    if not np.isfinite(turned).all():
        raise RawFileError("nonfinite", "distances between joints are not finite in float32", path=name)
    return turned


def count_frames(joints: Array) -> int:
    """Number of frames in which the first person's base of the spine is not zero.

    They are taken to be the first ones, as officially: an empty frame before or among them costs one at the end.

    Shape:
        joints: (M, F, 25, 3).
    """
    return int(joints[0, :, _BASE].any(axis=1).sum())


def _turned(clip: Array) -> Array:
    """Each person turned about y, frame by frame.

    Shape:
        clip: (3, T, 25, M).
        returned: as given.
    """
    x, y, z = clip
    across, _, depth = clip[:, :, _RIGHT_SHOULDER] - clip[:, :, _LEFT_SHOULDER]
    angle = np.arccos(across / (np.sqrt(across**2 + depth**2) + _TINY))
    angle = np.where(depth.sum(axis=0) >= 0, -angle, angle)[:, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([cosine * x - sine * z, y, sine * x + cosine * z])
