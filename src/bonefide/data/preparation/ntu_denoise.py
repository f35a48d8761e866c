# SPDX-License-Identifier: Apache-2.0
"""The preparation of NTU RGB+D that CTR-GCN and its successors share: denoise, choose two actors, translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from bonefide.data.preparation._bodies import Track, TrackGaps, actors, denoise, tracks
from bonefide.data.preparation._faults import check_bodies
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array, SkeletonSequence

__all__ = ["NTUDenoise"]

_ORIGIN_JOINT = 1


@dataclass(frozen=True)
class NTUDenoise:
    """Tracked bodies of a `.skeleton` file to at most two actors, seen from the first one's spine.

    Frames without bodies go. If the file has several bodies, short and wide tracks go, the others are ranked by motion
    and placed in two slots, and rows without anybody go. The middle of the spine of the first actor, in the first row
    where there is one, becomes the origin for all; the camera's orientation stays.

    Args:
        track_gaps: where the frames of a body go that vanished and returned under the same id: "packed" right after
            those before (official), "true_frames" where they were, with zeros in the gap.
        actor2_anchor: whether the second slot counts as taken from frame 0 on (official), so that no track is ever
            placed before its first one.
        second_slot: what a recording of one actor has as the second: "zeros" (NTU RGB+D 60), left out of the result, or
            "copy" of the first (NTU RGB+D 120).
        nonfinite: what happens to coordinates that are not finite in float32: "error", or "keep" them (official).

    Shape:
        returned: joints (M, T, 25, 3) float32 in metres, M = 1 for one actor without a copy and else 2, T without
        padding; an absent actor is zeros.

    Raises:
        DataError: if an option is none of the above.
        RawFileError: `nonfinite` or `zero` (the first actor is zeros throughout), naming the recording;
            `joints` if a body does not have 25.

    Reference:
        Chen, Zhang, Yuan, Li, Deng, Hu. Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
        Recognition. ICCV 2021. The steps are those of its three NTU scripts.

    Differs from the official code:
        No padding to a common length; no third motion filter (its thresholds are there but never applied); recordings
        with only short tracks keep them instead of crashing; a body twice in a frame counts once; variances are
        computed in float64. Otherwise equal to the bit.

    Example:
        >>> from bonefide.data.raw._recording import RawBody
        >>> joints = np.ones((2, 25, 3)) * [[[1.0]], [[3.0]]]
        >>> body = RawBody("7", np.array([4, 6]), np.zeros(2, dtype=np.int64), joints)
        >>> sequence = NTUDenoise()(RawRecording("sample", 0, 9, 30.0, (body,)))
        >>> sequence.joints.shape, sequence.joints[0, :, 0, 0].tolist()
        ((1, 2, 25, 3), [0.0, 2.0])
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float32"

    track_gaps: TrackGaps = "packed"
    actor2_anchor: bool = True
    second_slot: Literal["zeros", "copy"] = "zeros"
    nonfinite: Literal["error", "keep"] = "error"

    def __post_init__(self) -> None:
        accepted = {"track_gaps": get_args(TrackGaps), "second_slot": ("zeros", "copy"), "nonfinite": ("error", "keep")}
        for option, values in accepted.items():
            if getattr(self, option) not in values:
                raise DataError(
                    f"ntu_denoise.{option} must be '{values[0]}' or '{values[1]}', got '{getattr(self, option)}'"
                )

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording.

        Raises:
            RawFileError: if it carries no usable sample; see the class for the codes.
        """
        found, rows = tracks(recording, self.track_gaps)
        advice = "; nonfinite='keep' would accept them"
        check_bodies(recording.name, found, finite=self.nonfinite == "error", advice=advice)
        joints = self.choose(found, rows)
        shown = joints[0].any(axis=(1, 2))
        if not shown.any():
            raise RawFileError("zero", "the first actor's coordinates are all zero", path=recording.name)
        joints = _translate(joints, joints[0, shown.argmax(), _ORIGIN_JOINT])
        if len(joints) == 1 and self.second_slot == "copy":
            joints = np.repeat(joints, 2, axis=0)
        return SkeletonSequence(recording.name, recording.label, joints)

    def choose(self, found: list[Track], rows: int) -> Array:
        """The actors before translation.

        Args:
            found: tracks of the recording, in order of first appearance.
            rows: number of frames that have any body.

        Shape:
            returned: (M, T, 25, 3) float32, M = 1 or 2.
        """
        if len(found) == 1:
            return actors(found, rows, anchored=True)[:1]
        kept = denoise(found)
        joints = actors(kept, rows, anchored=self.actor2_anchor)[: min(len(kept), 2)]
        # The scripts test the sum of a row of all actors; its rounding decides rows that cancel out.
        return joints[:, joints.transpose(1, 0, 2, 3).reshape(rows, -1).sum(axis=1) != 0]


def _translate(joints: Array, origin: Array) -> Array:
    """All joints relative to a point; of two actors, one who is absent in a row stays zeros."""
    if len(joints) == 1:
        return joints - origin
    absent = joints.reshape(*joints.shape[:2], -1).sum(axis=2) == 0
    return np.where(absent[..., None, None], np.float32(0), joints - origin)
