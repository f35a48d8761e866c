# SPDX-License-Identifier: Apache-2.0
"""The preparation of NTU RGB+D that ST-GCN brought: the first two bodies listed in each frame, as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bonefide.data.preparation._faults import check_bodies
from bonefide.data.preparation._slots import place_slots
from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["NTUSTGCN"]

_PERSONS = 2


@dataclass(frozen=True)
class NTUSTGCN:
    """The k-th body listed in a frame is person k, for the first two; nothing is tracked, filtered or centred.

    The sensor lists bodies in arbitrary order, so two people may change places from frame to frame, and a ghost listed
    first hides a person. Frames without bodies stay, as zeros.

    Shape:
        returned: joints (M, T, 25, 3) float32 in metres of the camera's frame, M = 2 if any frame lists two bodies and
            else 1, T all frames of the recording; an absent person is zeros.

    Raises:
        RawFileError: `nonfinite`, `zero` (all coordinates), `no_frames`, or `joints` if a body does not have 25.

    Reference:
        Yan, Xiong, Lin. Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition. AAAI 2018,
        arXiv:1801.07455.

    Differs from the official code:
        No padding to 300 frames, which the feeder does, and no second person where there never is one; the order is
        that of the names, not that of the folder. Recordings that are all zeros, or not finite, are left out.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> first = RawBody("7", np.array([0, 2]), np.array([0, 1]), np.ones((2, 25, 3)))
        >>> other = RawBody("8", np.array([2]), np.array([0]), np.full((1, 25, 3), 2.0))
        >>> NTUSTGCN()(RawRecording("sample", 0, 3, 30.0, (first, other))).joints[:, :, 0, 0].tolist()
        [[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]]
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float32"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see the class for the codes of `RawFileError`."""
        check_bodies(recording.name, recording.bodies)
        joints = place_slots(recording, _PERSONS, dtype=self.dtype)
        return SkeletonSequence(recording.name, recording.label, joints)
