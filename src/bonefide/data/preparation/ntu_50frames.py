# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D in 50 frames, as AimCLR prepares it; SMIE and PGFA read the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bonefide.data.preparation._facing import central_frames, check_length, facing
from bonefide.data.preparation._faults import check_bodies
from bonefide.data.preparation._slots import place_slots
from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["NTU50Frames"]


@dataclass(frozen=True)
class NTU50Frames:
    """The first two bodies listed in each frame, blended to 50 frames, seen from the chest and turned to the camera.

    Ids are not looked at and nothing is denoised: the k-th body a frame lists is person k of that frame. From every
    joint the person's chest of the same frame is subtracted; the frames are blended to `frames`; and every person is
    turned about the vertical, frame by frame, so that the shoulders lie along x.

    The official files come with a motion stream, differences between frames before the chest is subtracted. It is not
    stored and cannot be made from the result; `Modality("joint_motion")` gives the motion of the centred joints.

    Args:
        frames: length to blend to, at least 1.

    Shape:
        returned: joints (M, T, 25, 3) float32 in metres, M = 1 where no frame lists two bodies and else 2, T =
        `frames`; an absent person is zeros.

    Raises:
        DataError: if `frames` is below 1.
        RawFileError: `no_frames` if there is no body; `zero` if the first person's base of the spine is zero
            throughout; `nonfinite`; `joints` if a body does not have 25.

    Reference:
        Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton Sequences for
        Self-supervised Action Recognition. AAAI 2022, arXiv:2112.03590.

    Differs from the official code:
        Recordings of more than 300 frames keep the central 300, as PKU-MMD's there; officially they are an error. A
        recording without its first person is left out instead of crashing. Labels are never shifted. Kept as it is:
        frames that count are counted, not located, so an empty one costs one at the end; the direction of the turn is
        decided once for all frames. Equal within 1e-5.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> body = RawBody("7", np.arange(9), np.zeros(9, dtype=np.int64), np.ones((9, 25, 3)))
        >>> NTU50Frames()(RawRecording("S001C001P001R001A001", 0, 9, 30.0, (body,))).joints.shape
        (1, 50, 25, 3)
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float32"

    frames: int = 50

    def __post_init__(self) -> None:
        check_length(self.frames, "ntu_50frames.frames")

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording.

        Raises:
            RawFileError: if it carries no usable sample; see the class for the codes.
        """
        check_bodies(recording.name, recording.bodies)
        joints = central_frames(place_slots(recording, 2, dtype="float32"))
        return SkeletonSequence(recording.name, recording.label, facing(recording.name, joints, self.frames))
