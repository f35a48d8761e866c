# SPDX-License-Identifier: Apache-2.0
"""The preparation of NTU RGB+D for descriptors: the first two bodies listed, seen from the first one's spine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from bonefide.data.preparation._faults import check_bodies
from bonefide.data.preparation._slots import place_slots
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import DataError
from bonefide.types import SkeletonSequence

__all__ = ["NTUSlots"]

Empty = Literal["shifted", "zeros"]

_PERSONS = 2
_ORIGIN_JOINT = 1


@dataclass(frozen=True)
class NTUSlots:
    """The k-th body listed in a frame is person k, for the first two; the first frame's person 0 gives the origin.

    The middle of the spine of person 0 in frame 0 is subtracted from everything; if frame 0 is empty, nothing is moved.
    Officially, and by default, absent persons and empty frames are shifted as well: they lie at minus the origin, and
    the published descriptors count that.

    Args:
        empty: where absent persons and empty frames end up: "shifted" to minus the origin (official), or "zeros".

    Shape:
        returned: joints (M, T, 25, 3) float64 in metres, M = 2 if any frame lists two bodies and else 1, T all frames
            of the recording.

    Raises:
        DataError: if `empty` is neither.
        RawFileError: `nonfinite`, `zero` (all coordinates), `no_frames`, or `joints` if a body does not have 25.

    Reference:
        The IMDAR reader of NTU RGB+D, whose descriptors of whole sequences are `bonefide`'s too.

    Differs from the official code:
        Labels are 0-based. More than four bodies in a frame, or a last line without line end, are no errors.
        Recordings that are all zeros, or not finite, are left out.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> joints = np.ones((2, 25, 3)) * [[[1.0]], [[3.0]]]
        >>> recording = RawRecording("sample", 0, 3, 30.0, (RawBody("7", np.array([0, 2]), np.zeros(2, int), joints),))
        >>> [NTUSlots(empty=empty)(recording).joints[0, :, 0, 0].tolist() for empty in ("shifted", "zeros")]
        [[0.0, -1.0, 2.0], [0.0, 0.0, 2.0]]
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float64"

    empty: Empty = "shifted"

    def __post_init__(self) -> None:
        if self.empty not in get_args(Empty):
            raise DataError(f"ntu_slots.empty must be 'shifted' or 'zeros', got '{self.empty}'")

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see the class for the codes of `RawFileError`."""
        check_bodies(recording.name, recording.bodies)
        joints = place_slots(recording, _PERSONS, dtype=self.dtype)
        centered = joints - joints[0, 0, _ORIGIN_JOINT]
        if self.empty == "zeros":
            centered[~joints.any(axis=(2, 3))] = 0
        return SkeletonSequence(recording.name, recording.label, centered)
