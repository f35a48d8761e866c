# SPDX-License-Identifier: Apache-2.0
"""A sequence in numbers: size, extent, bones, speed, gaps."""

from __future__ import annotations

from typing import Any

import numpy as np

from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["measure_sequence"]


def measure_sequence(joints: Array, layout: SkeletonLayout) -> dict[str, Any]:
    """What a person wants to know of a sequence at first sight; empty frames (all zeros) are counted and left out.

    Args:
        joints: one sequence.
        layout: of its joints.

    Shape:
        joints: (M, T, V, C), metres; an absent person or frame is zeros.

    Returns:
        "shape"; "lowest" and "highest" coordinate of each axis; "speed", the mean way of a joint in a frame, in metres;
        "empty_frames", their share over all persons; "bones", the name of the child joint to "mean" and "spread"
        (standard deviation) of its bone's length in metres.

    Example:
        >>> from bonefide.layouts import layout
        >>> still = np.zeros((1, 4, 20, 3))
        >>> still[:, 1:, :, 2] = 2.0
        >>> measures = measure_sequence(still, layout("ucla20"))
        >>> measures["empty_frames"], measures["highest"], measures["speed"]
        (0.25, [0.0, 0.0, 2.0], 0.0)
    """
    joints = np.asarray(joints, dtype=np.float64)
    seen: Array = np.any(joints, axis=(2, 3))
    frames = joints[seen]
    both = seen[:, 1:] & seen[:, :-1]
    ways = np.linalg.norm(np.diff(joints, axis=1)[both], axis=-1)
    return {
        "shape": list(joints.shape),
        "lowest": frames.min(axis=(0, 1)).tolist() if len(frames) else [],
        "highest": frames.max(axis=(0, 1)).tolist() if len(frames) else [],
        "speed": float(ways.mean()) if ways.size else 0.0,
        "empty_frames": float(1 - seen.mean()),
        "bones": {
            layout.joints[child]: _length(frames[:, child] - frames[:, parent]) for child, parent in layout.edges()
        },
    }


def _length(bones: Array) -> dict[str, float]:
    lengths = np.linalg.norm(bones, axis=-1)
    if not len(lengths):
        return {"mean": 0.0, "spread": 0.0}
    return {"mean": float(lengths.mean()), "spread": float(lengths.std())}
