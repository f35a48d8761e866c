# SPDX-License-Identifier: Apache-2.0
"""The preparation of NTU RGB+D that PYSKL's annotations come from: tracked bodies, denoised, in half precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bonefide.data.preparation._bodies import Track, actors, long_tracks, motion_of_person, tracks, variance
from bonefide.data.preparation._faults import check_bodies
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array, SkeletonSequence

__all__ = ["NTUPYSKL"]

_MIDDLE_OF_SPINE = 1
_NOBODY = 1e-3
_NOWHERE = 1e-6


@dataclass(frozen=True)
class NTUPYSKL:
    """Tracked bodies of a `.skeleton` file to at most two persons, where the camera saw them, rounded to float16.

    Tracks of 11 frames or fewer go, then all that are wide rather than tall; the others are ranked by motion and placed
    in two slots, without any overlap. Frames before anybody appears and after everybody left go. A lone track is kept
    as it is, its own frames only.

    Half a millimetre to two millimetres are lost by the rounding, and the published models were trained on such data.
    So transforms for such stores begin with `PreNormalize`: it takes float16, computes as officially, and gives
    float32; all others would go on in half precision.

    Shape:
        returned: joints (M, T, 25, 3) float16 in metres of the camera's frame, M = 1 for a lone track and else 2; an
            absent person is zeros.

    Raises:
        RawFileError: `nonfinite` (in float16, so beyond 65 km too), `zero` (nobody is left), `no_frames`, or `joints`
            if a body does not have 25.

    Reference:
        Duan, Wang, Chen, Lin. PYSKL: Towards Good Practices for Skeleton Action Recognition. ACM Multimedia 2022,
        arXiv:2205.09443.

    Differs from the official code:
        If all tracks are wide, the one of most motion is kept instead of an error; if all are short, they are all kept.
        Recordings without bodies are left out, where the official list holds empty entries. A body twice in a frame
        counts once; variances are computed in float64. Otherwise equal to the bit.

    Example:
        >>> from bonefide.data.raw._recording import RawBody
        >>> body = RawBody("7", np.array([4, 6]), np.zeros(2, dtype=np.int64), np.full((2, 25, 3), 0.1))
        >>> joints = NTUPYSKL()(RawRecording("sample", 0, 9, 30.0, (body,))).joints
        >>> joints.shape, joints.dtype, joints[0, 0, 0, 0]
        ((1, 2, 25, 3), dtype('float16'), np.float16(0.1))
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25_pyskl"
    dtype: ClassVar[str] = "float16"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see the class for the codes of `RawFileError`."""
        found, _ = tracks(recording, "packed")
        check_bodies(recording.name, found, dtype=self.dtype)
        people = _people(found)
        joints = people[0].joints[None] if len(people) == 1 else _place(people)
        if not joints.any():
            raise RawFileError("zero", "all coordinates of its people are zero", path=recording.name)
        return SkeletonSequence(recording.name, recording.label, joints.astype(self.dtype))


def _people(found: list[Track]) -> list[Track]:
    """Tracks that are long and tall, most motion first; at least one."""
    kept = long_tracks(sorted(found, key=lambda track: -variance(track.joints)))
    if len(kept) == 1:
        return kept
    motions = [(motion_of_person(track), track) for track in kept]
    tall = [(motion, track) for motion, track in motions if motion is not None]
    return [track for _, track in sorted(tall, key=lambda person: -person[0])] or kept[:1]


def _place(people: list[Track]) -> Array:
    """Two persons, without the frames at both ends in which there is nobody."""
    rows = 1 + max(track.interval[1] for track in people)
    joints = actors(people, rows, anchored=True, shared=0)
    shown = np.flatnonzero(np.abs(joints).sum(axis=(0, 2, 3)) >= _NOBODY)
    if not len(shown):
        return joints
    joints = joints[:, shown[0] : shown[-1] + 1]
    absent = np.abs(joints[:, 0, _MIDDLE_OF_SPINE]).max(axis=1) < _NOWHERE
    return joints[::-1] if absent[0] and not absent[1] else joints
