# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD as MAMP and STJD read it: the labelled pieces, untouched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bonefide.data.preparation._pkummd import piece, place_blocks
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError
from bonefide.types import SkeletonSequence

__all__ = ["PKUMMDMAMP"]

_FRAMES = 300


@dataclass(frozen=True)
class PKUMMDMAMP:
    """Labelled pieces of PKU-MMD in camera coordinates, at most their first 300 frames.

    A label file numbers the frames of an action from 1, as far as anyone can tell. The scripts take the rows from its
    first number on, counted from 0, so the first frame of each action is lost; `inclusive` keeps it. Neither people nor
    coordinates are changed; the feeder of CTR-GCN crops and resizes. Samples are called `<video>_<line of the label
    file, 0-based, three digits>`, so that the order of the names is the official one.

    Args:
        inclusive: whether an action begins with the frame its label names.

    Shape:
        returned: joints (M, T, 25, 3) float32 in metres, M = 1 where nobody is in the second place and else 2, T at
        most 300 without padding; an absent person is zeros.

    Raises:
        RawFileError: `zero` if the coordinates of a piece sum to 0, which includes pieces without anybody and, unless
            `inclusive`, those of a single frame; `joints`, `nonfinite` if a body cannot be used.

    Reference:
        Mao, Deng, Zhou, Fang, Ouyang, Li. Masked Motion Predictors are Strong 3D Action Representation Learners.
        ICCV 2023, arXiv:2308.07092.

    Differs from the official code:
        No padding to 300 frames. A label file of one line works. An action whose label cannot be used is passed over.
        Otherwise equal to the bit.

    Example:
        >>> from bonefide.data.raw._recording import RawBody, RawInterval
        >>> body = RawBody("1", np.arange(9), np.zeros(9, dtype=np.int64), np.ones((9, 25, 3)))
        >>> spans = (RawInterval(3, 1, 4, 0), RawInterval(12, 5, 9, 1))
        >>> video = RawRecording("0002-M", -1, 9, 30.0, (body,), intervals=spans)
        >>> [(piece.name, piece.label, PKUMMDMAMP()(piece).joints.shape) for piece in PKUMMDMAMP().cut(video)]
        [('0002-M_000', 3, (1, 3, 25, 3)), ('0002-M_001', 12, (1, 4, 25, 3))]
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float32"

    inclusive: bool = False

    def cut(self, recording: RawRecording) -> Iterator[RawRecording]:
        """The labelled pieces of a video, in the order of their labels; see `CutsVideos`."""
        for interval in recording.intervals:
            name = f"{recording.name}_{interval.line:03}"
            yield piece(recording, interval, name, skip=max(0, interval.first - self.inclusive))

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one piece.

        Raises:
            RawFileError: if it carries no usable sample; see the class for the codes.
        """
        joints = place_blocks(recording)
        if joints.sum() == 0:
            raise RawFileError("zero", "the coordinates sum to zero", path=recording.name)
        joints = joints[:, :_FRAMES].astype(np.float32)
        persons = 1 if len(joints) == 1 or not joints[1].any() else 2
        return SkeletonSequence(recording.name, recording.label, joints[:persons])
