# SPDX-License-Identifier: Apache-2.0
"""NW-UCLA as the CTR-GCN feeder reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bonefide.data.preparation._placing import place_bodies
from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["NWUCLA"]


@dataclass(frozen=True)
class NWUCLA:
    """The recorded coordinates, untouched, in double precision.

    The published feeder centres, turns and scales each clip when it is drawn, because the turn is random in training.
    These steps are transforms here, so the store keeps what the sensor saw.

    Shape:
        returned joints: (1, T, 20, 3) float64, metres.

    Raises:
        RawFileError: `no_frames`, if a recording has no frame.

    Reference:
        Chen et al. Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action Recognition. ICCV 2021.

    Differs from the official code:
        Nothing known.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> body = RawBody("0", np.arange(2), np.zeros(2, np.int64), np.ones((2, 20, 3)))
        >>> NWUCLA()(RawRecording("a01_s01_e00_v01", 0, 2, None, (body,))).joints.shape
        (1, 2, 20, 3)
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ucla20"
    dtype: ClassVar[str] = "float64"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see `Preparation`."""
        return SkeletonSequence(recording.name, recording.label, place_bodies(recording))
