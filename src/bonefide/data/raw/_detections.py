# SPDX-License-Identifier: Apache-2.0
"""Persons found in the frames of a clip, brought together to a recording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.data.raw._tracking import follow
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["Detections", "Listed", "clip_name"]

_ANY_SPAN = 10_000
_FRAMES_EACH = 100
_UNNAMED = {"alphapose-results"}


@dataclass(frozen=True, eq=False)
class Listed:
    """Persons while they are being listed, in the order of the files.

    Args:
        frames: number of the frame of each.
        slots: place of each in the list of its frame.
        ids: who it is; None where the files do not say.
        values: what the files have of each.
    """

    frames: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, frame: int, slot: int, who: str | None, values: Any) -> None:
        """List one more."""
        self.frames.append(frame)
        self.slots.append(slot)
        self.ids.append(who)
        self.values.append(values)


@dataclass(frozen=True, eq=False)
class Detections:
    """All persons of all frames, in the order of the files.

    Args:
        path: of the clip, for errors.
        numbers: of all frames there are, as the files have them, in any order.
        listed: who they are and where.
        joints: coordinates.
        confidence: of the joints, clipped to 0 to 1 here; None if the files do not say.
        places: other coordinates to follow persons by, where the joints have their own origin; None for the joints.
        tracked: see `RawBody`.

    Shape:
        joints: (K, V, C) float64.
        confidence: (K, V) or None.
        places: (K, V, C') or None.
        tracked: (K, V) int8 or None.
    """

    path: str
    numbers: Sequence[int]
    listed: Listed
    joints: Array
    confidence: Array | None = None
    places: Array | None = None
    tracked: Array | None = None

    def recording(self, *, name: str = "", fps: float | None = None, warnings: tuple[str, ...] = ()) -> RawRecording:
        """One body a person: by ids if all have one, else followed by proximity (warning `followed` if several are).

        The first frame there is becomes 0; numbers that are missing are frames without bodies.

        Args:
            name: of the clip; by default from its path.
            fps: frames per second, if the files say it.
            warnings: of whoever read them.

        Raises:
            RawFileError: `no_frames` (nobody in any frame), `frames` (numbers so far apart that they cannot count the
                frames of a clip), `count` (more persons in a frame than can be followed).
        """
        if not self.numbers:
            raise RawFileError("no_frames", "there is no frame in it", path=self.path)
        first, total = self._span()
        kept = np.arange(len(self.joints)) if self.confidence is None else np.flatnonzero((self.confidence > 0).any(1))
        if not len(kept):
            raise RawFileError("no_frames", f"nobody in any of {len(self.numbers)} frames", path=self.path)
        moments = np.array(self.listed.frames, dtype=np.int64)[kept] - first
        slots = np.array(self.listed.slots, dtype=np.int64)[kept]
        order = np.lexsort((slots, moments))
        kept, moments, slots = kept[order], moments[order], slots[order]
        given = [self.listed.ids[row] for row in kept]
        followed = any(each is None for each in given)
        names = self._follow(kept, moments) if followed else [str(each) for each in given]
        bodies, doubled = self._bodies(names, kept, moments, slots)
        codes = {"followed": followed and len(bodies) > 1, "duplicate_id": doubled}
        found = (*warnings, *(code for code, true in codes.items() if true))
        return RawRecording(name or clip_name(self.path), -1, total, fps, bodies, warnings=found)

    def _span(self) -> tuple[int, int]:
        """Number of the first frame, and of frames."""
        first, last = min(self.numbers), max(self.numbers)
        total, there = last - first + 1, len(set(self.numbers))
        if total > max(_ANY_SPAN, _FRAMES_EACH * there):
            message = f"{there} frames are numbered {first} to {last}; those are no numbers of the frames of one clip"
            raise RawFileError("frames", message, path=self.path)
        return first, total

    def _follow(self, kept: Array, moments: Array) -> list[str]:
        places = (self.joints if self.places is None else self.places)[kept]
        seen = np.ones(places.shape[:2]) if self.confidence is None else self.confidence[kept]
        starts = np.flatnonzero(np.diff(moments, prepend=-1))
        try:
            who = follow(
                np.split(places, starts[1:]),
                np.split(seen, starts[1:]),
                numbers=[int(each) for each in moments[starts]],
            )
        except RawFileError as fault:
            raise RawFileError(fault.code, "more persons in one frame than can be followed", path=self.path) from fault
        return [str(each) for each in np.concatenate(who)]

    def _bodies(self, names: list[str], kept: Array, moments: Array, slots: Array) -> tuple[tuple[RawBody, ...], bool]:
        """Bodies in order of first appearance, and whether somebody was twice in a frame: the first counts."""
        numbers: dict[str, int] = {}
        owner = np.array([numbers.setdefault(each, len(numbers)) for each in names])
        order = np.lexsort((moments, owner))  # stable: the first of a frame stays first
        again = (np.diff(owner[order], prepend=-1) == 0) & (np.diff(moments[order], prepend=-1) == 0)
        order = order[~again]
        starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
        return tuple(
            RawBody(name, moments[rows], slots[rows], self.joints[kept[rows]], *self._details(kept[rows]))
            for name, rows in zip(numbers, np.split(order, starts[1:]), strict=True)
        ), bool(again.any())

    def _details(self, rows: Array) -> tuple[Array | None, Array | None]:
        """Tracking states and confidence."""
        sure = None if self.confidence is None else np.clip(self.confidence[rows], 0, 1).astype(np.float32)
        return None if self.tracked is None else self.tracked[rows], sure


def clip_name(path: str) -> str:
    """Name of a clip from that of its file, without ending; from the folder if all files of a tool are called alike."""
    parts = [part for part in re.split(r"[/\\]", path) if part]
    name = parts[-1] if parts else path
    stem = name.rpartition(".")[0] or name
    return parts[-2] if stem in _UNNAMED and len(parts) > 1 else stem
