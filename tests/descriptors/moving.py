# SPDX-License-Identifier: Apache-2.0
"""Made-up sequences of bodies that move, and how to move them as a whole."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from bonefide.layouts import layout
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["NTU", "OTHER", "UCLA", "moving", "rotated", "with_gaps"]

NTU, UCLA = layout("ntu25"), layout("ucla20")
# The same joints, but no layout that has published tables.
OTHER = SkeletonLayout("other25", NTU.joints, NTU.parents, NTU.mirror)


def moving(bodies: int = 1, frames: int = 12, joints: int = 25, *, seed: int = 0) -> Array:
    """Joints (M, T, V, 3) in metres that walk at random."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(scale=0.05, size=(bodies, frames, joints, 3)).cumsum(axis=1)
    return steps + generator.normal(size=(bodies, 1, joints, 3)) + [0.2, 0.1, 3.0]


def with_gaps(seed: int = 0) -> Array:
    """Two bodies of 12 frames; the first is absent in frame 0, the second in frames 0, 1 and 10, 11."""
    joints = moving(2, seed=seed)
    joints[0, 0] = joints[1, [0, 1, 10, 11]] = 0
    return joints


def rotated(joints: Array, angles: tuple[float, float, float]) -> Array:
    """Turned about the origin, in radians."""
    return joints @ Rotation.from_euler("xyz", angles).as_matrix().T
