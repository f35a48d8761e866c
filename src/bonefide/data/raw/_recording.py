# SPDX-License-Identifier: Apache-2.0
"""What a reader returns: a recording as its file has it, bodies apart, nothing repaired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from bonefide.types import Array

__all__ = ["RawBody", "RawFormat", "RawRecording"]


@dataclass(frozen=True, eq=False)
class RawBody:
    """One tracked body.

    Args:
        id: the sensor's name for it, kept as text because NTU's exceed the integers a float can hold.
        frames: frames it occurs in, 0-based, counted over all frames of the recording, ascending.
        slots: its place in the list of bodies of each of these frames, 0-based.
        joints: its coordinates in these frames.
        tracked: 0 not tracked, 1 inferred, 2 tracked, per frame and joint; None if the format does not say.

    Shape:
        frames: (t,) int64.
        slots: (t,) int64.
        joints: (t, V, C) float64.
        tracked: (t, V) int8 or None.
    """

    id: str
    frames: Array
    slots: Array
    joints: Array
    tracked: Array | None = None


@dataclass(frozen=True, eq=False)
class RawRecording:
    """One raw file.

    Args:
        name: sample id, from the file's name.
        label: class, 0-based.
        frames: number of frames, those without bodies included.
        fps: frames per second; None if the format does not say.
        bodies: in order of first appearance.
        subject: number of the performer; -1 where unknown, as for the three below.
        camera: number of the camera or view.
        setup: number of the camera setup.
        repeat: number of the repetition.
        warnings: codes of faults that were tolerated ("trailing", "duplicate_id", ...).
    """

    name: str
    label: int
    frames: int
    fps: float | None
    bodies: tuple[RawBody, ...]
    subject: int = -1
    camera: int = -1
    setup: int = -1
    repeat: int = -1
    warnings: tuple[str, ...] = ()


class RawFormat(Protocol):
    """A reader: knows one format, nothing else. One class a file of this package, named as the file."""

    layout: ClassVar[str]
    """Layout of the joints as the files have them."""

    def matches(self, member: str) -> bool:
        """Whether a file of that name (with folders, inside an archive or not) is of this format."""

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file.

        Args:
            member: its name, which carries the label in most formats.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; the code says how.
        """
