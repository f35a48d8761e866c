# SPDX-License-Identifier: Apache-2.0
"""Bodies of a recording into one array."""

from __future__ import annotations

import numpy as np

from bonefide.data.raw._recording import RawRecording
from bonefide.data.store_info import MOST_PERSONS
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["place_bodies"]


def place_bodies(recording: RawRecording) -> Array:
    """All bodies on their true frames, zeros where a body is not seen.

    Args:
        recording: one raw file.

    Shape:
        returned: (M, T, V, C) float64, bodies in order of first appearance.

    Raises:
        RawFileError: `no_frames`, if there is no body in any frame; `count`, if there are more than a store holds.
    """
    if len(recording.bodies) > MOST_PERSONS:
        message = f"{len(recording.bodies)} bodies, and a store holds {MOST_PERSONS} persons of a recording at most"
        raise RawFileError("count", message, path=recording.name)
    if not recording.bodies or not recording.frames:
        raise RawFileError("no_frames", "no body in any frame", path=recording.name)
    joints = np.zeros((len(recording.bodies), recording.frames, *recording.bodies[0].joints.shape[1:]))
    for person, body in enumerate(recording.bodies):
        joints[person, body.frames] = body.joints
    return joints
