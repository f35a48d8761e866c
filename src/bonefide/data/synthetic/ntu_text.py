# SPDX-License-Identifier: Apache-2.0
"""The `.skeleton` text of NTU RGB+D: 10 numbers a body, 12 a joint, every line ended by CR LF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonefide.data.raw._recording import RawBody
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["skeleton_text"]

_PARENTS = list(layout("ntu25_pyskl").parents)
_JOINT = " ".join(["%.7g"] * 11 + ["%d"])
_BODY = "\r\n".join(["%s %d %d %d %d %d %d %.7g %.7g %d", "25", *[_JOINT] * 25])
# Focal lengths and middles of the sensor's two pictures, in pixels, and how far apart its two lenses are, in metres.
_DEPTH_FOCUS, _DEPTH_MIDDLE = 366.0, (256.5, 208.0)
_COLOR_FOCUS, _COLOR_MIDDLE, _LENSES = 1063.0, (960.0, 540.0), 0.052


def skeleton_text(bodies: Sequence[RawBody], frames: int) -> str:
    r"""The text of one file.

    Args:
        bodies: in the order of their slots; joints in the camera's axes, in metres, with tracking states.
        frames: number of frames, those without bodies included.

    Example:
        >>> skeleton_text([], 2)
        '2\r\n0\r\n0\r\n'
    """
    lines: list[list[str]] = [[] for _ in range(frames)]
    for body in bodies:
        for frame, text in zip(body.frames.tolist(), _body_texts(body), strict=True):
            lines[frame].append(text)
    rows = [str(frames)]
    for texts in lines:
        rows += [str(len(texts)), *texts]
    return "\r\n".join(rows) + "\r\n"


def _body_texts(body: RawBody) -> list[str]:
    """One text for every frame of a body."""
    assert body.tracked is not None
    # Adding zero turns -0 into 0.
    fields = np.concatenate([body.joints, _pictures(body.joints), _orientations(body.joints)], axis=2) + 0.0
    lean = np.clip((body.joints[:, 20] - body.joints[:, 0])[:, (0, 2)] * 1.2, -1.0, 1.0)
    rows = np.concatenate([fields, body.tracked[..., None]], axis=2).reshape(len(fields), -1).tolist()
    clipped = (np.abs(fields[:, :, 3] - _DEPTH_MIDDLE[0]) > 256).any(axis=1).astype(int).tolist()
    return [
        _BODY % (body.id, clip, 0, 1, 0, 1, 0, *tilt, 2, *row)
        for clip, tilt, row in zip(clipped, lean.tolist(), rows, strict=True)
    ]


def _pictures(joints: Array) -> Array:
    """Where a joint appears in the depth and in the colour picture, by a pinhole camera, (t, 25, 4) in pixels."""
    away = np.maximum(joints[..., 2], 0.3)
    right, down = joints[..., 0] / away, -joints[..., 1] / away
    return np.stack(
        [
            _DEPTH_MIDDLE[0] + _DEPTH_FOCUS * right,
            _DEPTH_MIDDLE[1] + _DEPTH_FOCUS * down,
            _COLOR_MIDDLE[0] + _COLOR_FOCUS * (right + _LENSES / away),
            _COLOR_MIDDLE[1] + _COLOR_FOCUS * down,
        ],
        axis=-1,
    )


def _orientations(joints: Array) -> Array:
    """The shortest turn from upright to the bone that ends at a joint, as quaternions w x y z, (t, 25, 4)."""
    bone = joints - joints[:, _PARENTS]
    length = np.linalg.norm(bone, axis=-1, keepdims=True)
    unit = bone / np.maximum(length, 1e-9)
    turn = np.stack([1.0 + unit[..., 1], unit[..., 2], 0.0 * unit[..., 0], -unit[..., 0]], axis=-1)
    size = np.linalg.norm(turn, axis=-1, keepdims=True)
    return np.where((length > 1e-9) & (size > 1e-6), turn / np.maximum(size, 1e-9), 0.0)
