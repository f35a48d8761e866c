# SPDX-License-Identifier: Apache-2.0
"""Tracked bodies of a Kinect v2 recording: which are people, and which of them is the first, which the second actor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.types import Array

__all__ = ["Track", "TrackGaps", "actors", "denoise", "tracks", "variance"]

TrackGaps = Literal["packed", "true_frames"]

_SHORT_FRAMES = 11
_WIDTH_TO_HEIGHT = 0.8
_WIDE_SHARE = 0.69754


@dataclass(frozen=True, eq=False)
class Track:
    """One body through the frames that have any body.

    Args:
        id: the sensor's name for it.
        rows: where its frames go, counted over the frames that have any body.
        joints: coordinates in these frames.

    Shape:
        rows: (t,) int64, ascending.
        joints: (t, 25, 3) float32.
    """

    id: str
    rows: Array
    joints: Array

    @property
    def interval(self) -> tuple[int, int]:
        """First and last row."""
        return int(self.rows[0]), int(self.rows[-1])


def tracks(recording: RawRecording, gaps: TrackGaps) -> tuple[list[Track], int]:
    """Tracks of a recording, in order of first appearance, and the number of frames that have any body.

    Args:
        recording: what the reader returned.
        gaps: "packed" moves the frames of a body that vanished and returned together, as the official scripts do;
            "true_frames" leaves them where they were.
    """
    occupied = np.unique(np.concatenate([body.frames for body in recording.bodies]))
    return [_track(body, occupied, gaps) for body in recording.bodies], len(occupied)


def _track(body: RawBody, occupied: Array, gaps: TrackGaps) -> Track:
    # A body listed twice in a frame counts once, by its first entry.
    frames, first = np.unique(body.frames, return_index=True)
    rows = np.searchsorted(occupied, frames)
    if gaps == "packed":
        rows = rows[0] + np.arange(len(rows))
    with np.errstate(over="ignore"):
        joints = np.asarray(body.joints[first], dtype=np.float32)
    return Track(body.id, rows, joints)


def variance(joints: Array) -> float:
    """Population variance over frames and joints, summed over x, y and z: large for people who move or stretch.

    Shape:
        joints: (t, 25, 3).
    """
    with np.errstate(invalid="ignore"):
        return float(joints.reshape(-1, 3).var(axis=0, dtype=np.float64).sum())


def denoise(found: list[Track]) -> list[Track]:
    """What is left of several tracks without those of ghosts and furniture, most motion first.

    Tracks of 11 frames or fewer go, unless all are as short. Then tracks that are wide rather than tall in about 70 %
    of their frames go; from the others the wide frames are left out of the motion. The last track is never removed.
    """
    kept = [track for track in found if len(track.rows) > _SHORT_FRAMES] or list(found)
    if len(kept) == 1:
        return kept
    people: list[tuple[float, Track]] = []
    for position, track in enumerate(kept):
        motion = variance(track.joints)
        if people or position < len(kept) - 1:
            tall = _tall(track.joints)
            wide = len(tall) - int(tall.sum())
            if wide / len(tall) >= _WIDE_SHARE:
                continue
            motion = min(motion, variance(track.joints[tall])) if wide else motion
        people.append((motion, track))
    return [track for _, track in sorted(people, key=lambda person: -person[0])]


def _tall(joints: Array) -> Array:
    """Frames whose width is at most 0.8 of their height."""
    with np.errstate(invalid="ignore"):
        extent = (joints[..., :2].max(axis=1) - joints[..., :2].min(axis=1)).astype(np.float64)
    return extent[:, 0] <= _WIDTH_TO_HEIGHT * extent[:, 1]


def actors(ranked: list[Track], rows: int, *, anchored: bool) -> Array:
    """Place tracks in the slots of two actors: each track goes where it overlaps nothing, the first actor's slot first.

    An overlap of one frame counts as none, and the later track overwrites it. A slot counts as taken from the first to
    the last row of all its tracks. A track that fits neither slot is dropped.

    Args:
        ranked: tracks, the most important first.
        rows: number of frames that have any body.
        anchored: whether the second slot counts as taken from row 0 on, as in the official scripts, so that nothing
            is ever placed before its first track.

    Shape:
        returned: (2, rows, 25, 3) float32, absent actors are zeros.
    """
    placed = np.zeros((2, rows, *ranked[0].joints.shape[1:]), dtype=np.float32)
    taken: list[tuple[int, int] | None] = [None, (0, 0) if anchored else None]
    for track in ranked:
        start, end = track.interval
        for slot, interval in enumerate(taken):
            if interval is None or min(interval[1], end) - max(interval[0], start) <= 0:
                placed[slot, track.rows] = track.joints
                taken[slot] = (start, end) if interval is None else (min(start, interval[0]), max(end, interval[1]))
                break
    return placed
