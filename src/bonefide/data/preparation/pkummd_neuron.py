# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD as Neuron reads it: the labelled pieces, centred, of one length, facing the camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bonefide.data.preparation._facing import central_frames, check_length, facing
from bonefide.data.preparation._pkummd import neuron_name, piece, place_blocks
from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["PKUMMDNeuron"]


@dataclass(frozen=True)
class PKUMMDNeuron:
    """Labelled pieces of PKU-MMD, each of 64 frames, every person seen from the chest and turned to the camera.

    An action lasts from its first to its last frame, numbered from 1 and both included. The central 300 frames are
    kept. From every joint the person's chest of the same frame is subtracted; the frames are blended to `frames`; and
    every person is turned about the vertical, frame by frame, so that the shoulders lie along x. Samples are called as
    in Neuron, `FfffVvvvCcccLlll` (phase I) or `A0aaN0nnVvvvCcccLlll`: video, view, class, line of the label file.

    Args:
        frames: length to blend to, at least 1; 64 in Neuron, 50 in the files of AimCLR.

    Shape:
        returned: joints (M, T, 25, 3) float32 in metres, M = 1 where nobody is in the second place and else 2,
        T = `frames`; an absent person is zeros.

    Raises:
        DataError: if `frames` is below 1.
        RawFileError: `zero` if the first person is absent throughout; `joints`, `nonfinite` if a body cannot be used;
            `name` from `cut`, if the video is not called as those of PKU-MMD.

    Reference:
        Chen, Guo, Guo, Tao. Neuron: Learning Context-Aware Evolving Representations for Zero-Shot Skeleton Action
        Recognition. CVPR 2025, arXiv:2411.11288. The turn is that of `ntu_50frames`.

    Differs from the official code:
        Actions that end after the video are cut there instead of breaking the next script; labels are never shifted; a
        piece without its first person is left out instead of crashing. Kept as it is: frames that count are counted,
        not located, so an empty one inside costs one at the end; the direction of the turn is decided once for all
        frames. Equal within 1e-5.

    Example:
        >>> from bonefide.data.raw._recording import RawBody, RawInterval
        >>> body = RawBody("1", np.arange(9), np.zeros(9, dtype=np.int64), np.ones((9, 25, 3)))
        >>> video = RawRecording("0002-M", -1, 9, 30.0, (body,), camera=2, intervals=(RawInterval(3, 1, 4, 0),))
        >>> [(piece.name, PKUMMDNeuron()(piece).joints.shape) for piece in PKUMMDNeuron().cut(video)]
        [('F002V002C004L001', (1, 64, 25, 3))]
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float32"

    frames: int = 64

    def __post_init__(self) -> None:
        check_length(self.frames, "pkummd_neuron.frames")

    def cut(self, recording: RawRecording) -> Iterator[RawRecording]:
        """The labelled pieces of a video, in the order of their labels; see `CutsVideos`."""
        for interval in recording.intervals:
            yield piece(recording, interval, neuron_name(recording, interval), skip=max(0, interval.first - 1))

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one piece.

        Raises:
            RawFileError: if it carries no usable sample; see the class for the codes.
        """
        joints = place_blocks(recording)
        if len(joints) == 2:
            # The scripts write the second body of a frame only if its numbers do not sum to zero.
            joints[1, joints[1].reshape(len(joints[1]), -1).sum(axis=1) == 0] = 0
        turned = facing(recording.name, central_frames(joints.astype(np.float32)), self.frames)
        return SkeletonSequence(recording.name, recording.label, turned)
