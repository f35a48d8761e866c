# SPDX-License-Identifier: Apache-2.0
"""What a reader returns: a recording as its file has it, bodies apart, nothing repaired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

if TYPE_CHECKING:
    from bonefide.data.raw._source import RawSource

__all__ = ["FramesApart", "Informed", "RawBody", "RawFormat", "RawInterval", "RawRecording"]


@dataclass(frozen=True, eq=False)
class RawBody:
    """One tracked body.

    Args:
        id: the sensor's name for it, kept as text because NTU's exceed the integers a float can hold.
        frames: frames it occurs in, 0-based, counted over all frames of the recording, ascending.
        slots: its place in the list of bodies of each of these frames, 0-based.
        joints: its coordinates in these frames.
        tracked: 0 not tracked, 1 inferred, 2 tracked, per frame and joint; None if the format does not say.
        confidence: how sure the estimator is of each joint, 0 to 1; None if the format does not say.

    Shape:
        frames: (t,) int64.
        slots: (t,) int64.
        joints: (t, V, C) float64.
        tracked: (t, V) int8 or None.
        confidence: (t, V) float32 or None.
    """

    id: str
    frames: Array
    slots: Array
    joints: Array
    tracked: Array | None = None
    confidence: Array | None = None


@dataclass(frozen=True)
class RawInterval:
    """A labelled span of a long recording, its frame numbers as the file has them.

    Args:
        label: class, 0-based.
        first: number of its first frame.
        last: number of its last frame.
        line: place in the list of the recording's spans, 0-based, those counted that were passed over as damaged.
    """

    label: int
    first: int
    last: int
    line: int


@dataclass(frozen=True, eq=False)
class RawRecording:
    """One recording: a raw file, or several that belong together.

    Args:
        name: sample id, from the file's name.
        label: class, 0-based; -1 where the format does not say.
        frames: number of frames, those without bodies included.
        fps: frames per second; None if the format does not say.
        bodies: in order of first appearance.
        subject: number of the performer; -1 where unknown, as for the three below.
        camera: number of the camera or view.
        setup: number of the camera setup.
        repeat: number of the repetition.
        warnings: codes of faults that were tolerated ("trailing", "duplicate_id", ...).
        intervals: labelled spans, for formats whose recordings hold several actions.
        trains: protocols whose list of training recordings, given with the raw data, names this one.
        layout: of the joints, set by whoever reads for a preparation that changes layouts; None elsewhere.
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
    intervals: tuple[RawInterval, ...] = ()
    trains: frozenset[str] = frozenset()
    layout: SkeletonLayout | None = None


class RawFormat(Protocol):
    """A reader: knows one format, nothing else. One class a file of this package, named as the file."""

    @property
    def layout(self) -> str | SkeletonLayout:
        """Layout of the joints as the files have them: a name, or the layout itself if the package has none such."""

    @property
    def channels(self) -> int:
        """Coordinates of a joint."""

    @property
    def listed(self) -> tuple[str, ...]:
        """Protocols whose parts are lists given with the raw data."""

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


@runtime_checkable
class Informed(Protocol):
    """A reader that must look at the whole of the raw data before it can read one recording."""

    def is_side(self, member: str) -> bool:
        """Whether a file is no recording but tells about others: labels, lists of parts."""

    def informed(self, source: RawSource) -> RawFormat:
        """A reader that knows what the side files, or a first recording, say; it can be pickled.

        Raises:
            DataError: if they are missing or contradict each other.
        """


@runtime_checkable
class FramesApart(Protocol):
    """A reader of a format that spreads a recording over several files."""

    def recording_of(self, member: str) -> str:
        """Name of the recording a file belongs to, with folders."""

    def read_files(self, recording: str, files: Mapping[str, bytes]) -> RawRecording:
        """Read all files of one recording.

        Args:
            recording: as `recording_of` gave it.
            files: name to content.

        Raises:
            RawFileError: if it is damaged; the code says how.
        """
