# SPDX-License-Identifier: Apache-2.0
"""Tracked bodies of a Kinect v2 recording: which are people, and which of them is the first, which the second actor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["Track", "TrackGaps", "actors", "denoise", "long_tracks", "motion_of_person", "tracks", "variance"]

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

    Raises:
        RawFileError: `no_frames`, if there is no body in any frame.
    """
    if not recording.bodies:
        raise RawFileError("no_frames", "no body in any frame", path=recording.name)
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
    # Reductions over a contiguous last axis are several times as fast; so is the leading one in `_tall`.
    points = np.ascontiguousarray(joints.reshape(-1, 3).T, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return float(points.var(axis=1).sum())


def long_tracks(found: list[Track]) -> list[Track]:
    """Tracks of more than 11 frames; all, if none is as long."""
    return [track for track in found if len(track.rows) > _SHORT_FRAMES] or list(found)


def motion_of_person(track: Track) -> float | None:
    """Variance of a track without the frames in which it is wider than tall; None if these are 70 % or more."""
    motion, tall = variance(track.joints), _tall(track.joints)
    wide = len(tall) - int(tall.sum())
    if wide / len(tall) >= _WIDE_SHARE:
        return None
    return min(motion, variance(track.joints[tall])) if wide else motion


def denoise(found: list[Track]) -> list[Track]:
    """What is left of several tracks without those of ghosts and furniture, most motion first.

    Tracks of 11 frames or fewer go, unless all are as short. Then tracks that are wide rather than tall in about 70 %
    of their frames go; from the others the wide frames are left out of the motion. The last track is never removed.
    """
    kept = long_tracks(found)
    if len(kept) == 1:
        return kept
    people: list[tuple[float, Track]] = []
    for position, track in enumerate(kept):
        last = not people and position == len(kept) - 1
        motion = variance(track.joints) if last else motion_of_person(track)
        if motion is not None:
            people.append((motion, track))
    return [track for _, track in sorted(people, key=lambda person: -person[0])]


def _tall(joints: Array) -> Array:
    """Frames whose width is at most 0.8 of their height."""
    plane = np.ascontiguousarray(joints[..., :2].transpose(1, 0, 2))
    with np.errstate(invalid="ignore"):
        extent = (plane.max(axis=0) - plane.min(axis=0)).astype(np.float64)
    return extent[:, 0] <= _WIDTH_TO_HEIGHT * extent[:, 1]


def actors(ranked: list[Track], rows: int, *, anchored: bool, shared: int = 1) -> Array:
    """Place tracks in the slots of two actors: each track goes where it overlaps nothing, the first actor's slot first.

    Where tracks share rows of a slot, the later one overwrites them. A slot counts as taken from the first to the last
    row of all its tracks. A track that fits neither slot is dropped.

    Args:
        ranked: tracks, the most important first.
        rows: number of rows.
        anchored: whether the second slot counts as taken from row 0 on, as in the official scripts, so that nothing
            is ever placed before its first track.
        shared: number of rows in which tracks of a slot may overlap; 1 in the scripts of CTR-GCN, 0 in PYSKL.

    Shape:
        returned: (2, rows, 25, 3) float32, absent actors are zeros.
    """
    placed = np.zeros((2, rows, *ranked[0].joints.shape[1:]), dtype=np.float32)
    taken: list[tuple[int, int] | None] = [None, (0, shared - 1) if anchored else None]
    for track in ranked:
        start, end = track.interval
        for slot, interval in enumerate(taken):
            if interval is None or min(interval[1], end) - max(interval[0], start) < shared:
                placed[slot, track.rows] = track.joints
                taken[slot] = (start, end) if interval is None else (min(start, interval[0]), max(end, interval[1]))
                break
    return placed
