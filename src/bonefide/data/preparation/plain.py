# SPDX-License-Identifier: Apache-2.0
"""Recordings as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bonefide.data.preparation._placing import place_bodies
from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["Plain"]


@dataclass(frozen=True)
class Plain:
    """Every body on its true frames, nothing moved, nothing dropped.

    For one's own data, and to see what a sensor really gave. The layout is that of the raw format.

    Shape:
        returned joints: (M, T, V, C), zeros where a body is not seen; stored as float32.

    Raises:
        RawFileError: `no_frames`, if there is no body in any frame.

    Reference:
        None; it changes nothing.

    Differs from the official code:
        There is none.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> late = RawBody("7", np.array([1]), np.array([0]), np.ones((1, 2, 3)))
        >>> Plain()(RawRecording("mine", 0, 2, None, (late,))).joints[0, :, 0, 0].tolist()
        [0.0, 1.0]
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = ""
    dtype: ClassVar[str] = "float32"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see `Preparation`."""
        return SkeletonSequence(recording.name, recording.label, place_bodies(recording))
