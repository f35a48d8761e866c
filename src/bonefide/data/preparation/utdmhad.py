# SPDX-License-Identifier: Apache-2.0
"""UTD-MHAD with its trunk turned into the joint order of NW-UCLA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bonefide.data.preparation._placing import place_bodies
from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["UTDMHAD"]

# Place in the file of each joint of the layout: UTD-MHAD lists the trunk from the head down, NW-UCLA from the hip up.
_FILE_ORDER = (3, 2, 1, 0, *range(4, 20))


@dataclass(frozen=True)
class UTDMHAD:
    """The recorded coordinates in the joint order of `ucla20`, in double precision.

    Both data sets come from the first Kinect, so one layout serves both and weights can move between them.

    Shape:
        returned joints: (1, T, 20, 3) float64, metres.

    Raises:
        RawFileError: `no_frames`, if a recording has no frame.

    Reference:
        Chen, Jafari, Kehtarnavaz. UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth Camera
        and a Wearable Inertial Sensor. ICIP 2015.

    Differs from the official code:
        There is no official code for skeletons.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> body = RawBody("0", np.arange(2), np.zeros(2, np.int64), np.arange(120.0).reshape(2, 20, 3))
        >>> UTDMHAD()(RawRecording("a1_s1_t1", 0, 2, None, (body,))).joints[0, 0, :5, 0].tolist()
        [9.0, 6.0, 3.0, 0.0, 12.0]
    """

    version: ClassVar[int] = 1
    takes: ClassVar[str] = "utd20"
    layout: ClassVar[str] = "ucla20"
    dtype: ClassVar[str] = "float64"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see `Preparation`."""
        return SkeletonSequence(recording.name, recording.label, place_bodies(recording)[:, :, _FILE_ORDER])
