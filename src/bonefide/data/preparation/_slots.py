# SPDX-License-Identifier: Apache-2.0
"""Bodies by their place in the list of each frame, as papers read Kinect files that do not look at the ids."""

from __future__ import annotations

import numpy as np

from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["place_slots"]


def place_slots(recording: RawRecording, slots: int, *, dtype: str = "float64") -> Array:
    """The k-th body listed in a frame goes to slot k of that frame; further bodies are passed over.

    Args:
        recording: one raw file; its frames keep their numbers.
        slots: number of slots at most.
        dtype: type of the coordinates.

    Shape:
        returned: (M, T, V, C), M the most bodies any frame lists, but at most `slots`; zeros where nobody is listed.

    Raises:
        RawFileError: `no_frames`, if there is no body in any frame; `zero`, if all coordinates are zero.
    """
    if not recording.bodies or not recording.frames:
        raise RawFileError("no_frames", "no body in any frame", path=recording.name)
    persons = min(slots, 1 + max(int(body.slots.max()) for body in recording.bodies))
    joints = np.zeros((persons, recording.frames, *recording.bodies[0].joints.shape[1:]), dtype)
    for body in recording.bodies:
        if (body.slots < persons).all():
            joints[body.slots, body.frames] = body.joints
        else:
            taken = body.slots < persons
            joints[body.slots[taken], body.frames[taken]] = body.joints[taken]
    if not joints.any():
        raise RawFileError("zero", "all coordinates are zero", path=recording.name)
    return joints
