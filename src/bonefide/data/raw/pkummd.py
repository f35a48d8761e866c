# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD phases I and II: long videos as text, their labels, and the lists of who trains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from bonefide.data.raw._pkummd_lists import Labels, parse_labels, parse_parts, protocol_of
from bonefide.data.raw._pkummd_text import parse_carefully, parse_quickly
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array

__all__ = ["PKUMMD"]

_NAME = re.compile(
    r"(?:.*[/\\])?(?P<name>(?:(?P<video>\d{4})|A(?P<series>\d{2})N(?P<number>\d{2}))-(?P<view>[LMR]))\.txt",
    re.ASCII | re.DOTALL,
)
_CAMERAS = {"L": 1, "M": 2, "R": 3}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, eq=False)
class PKUMMD:
    """Reader of PKU-MMD's skeleton texts, called `XXXX-V.txt` (phase I) or `AaaNnn-V.txt` (phase II), V in L, M, R.

    A video of minutes holds some twenty actions. Which, and when, stands in a label file of the same name in another
    folder; which videos train stands in the lists `cross-subject.txt` and `cross-view.txt` (or with `_`, with `_v2`).
    A file is a label file if the innermost folder (or archive) on its path that speaks of labels or skeletons speaks of
    labels; where no path does, the smaller of two files of one name. `informed` reads all of these once.

    A recording has the bodies "1" and "2" on the frames where they are not all zeros; `slots` are 0 and 1, whoever is
    there. `intervals` are the labelled actions; lines that cannot be used are passed over (warning `label_line`), an
    action that ends after the video ends with it (`clamped`). `camera` is 1, 2, 3 for L, M, R. `setup` is the number
    of the video whatever the view: XXXX, or 10000 + 100 aa + nn, so the phases cannot be confused. `trains` names the
    protocols whose list of training videos has this one; a video that neither part of a list names has the warning
    `unlisted`, and tests as in the official scripts.

    Args:
        labels: actions of each video; None if nobody looked, then recordings have none.
        training: protocol to the names of its training videos.
        validation: protocol to the names of its validation videos.
        label_files: files with labels that do not say so in their path.

    Shape:
        bodies of a recording: `joints` (t, 25, 3) float64 in metres.

    Raises:
        DataError: from `informed`, without any label file, if two label files of one video differ, if a list names no
            training video, or names a video in both parts.
        RawFileError: from `read`, with one of the codes `empty`, `encoding` (bytes that are not ASCII text), `line`
            (not 150 numbers), `truncated` (fewer in the last line), `number`, `nonfinite` (in float32), `labels` (no
            label file), `name` (no official file name).

    Reference:
        Liu, Hu, Li, Song, Liu. PKU-MMD: A Large Scale Benchmark for Continuous Multi-Modal Human Action Understanding.
        arXiv:1703.07475, 2017.

    Example:
        >>> content = (b"0.5 1 3 " * 25 + b"0 " * 75 + bytes([10])) * 4
        >>> reader = PKUMMD(labels={"0002-M": parse_labels(b"12,2,3,2")}, training={"xsub": frozenset({"0002-M"})})
        >>> recording = reader.read("skeleton/0002-M.txt", content)
        >>> recording.frames, len(recording.bodies), recording.camera, sorted(recording.trains)
        (4, 1, 2, ['xsub'])
        >>> recording.intervals
        (RawInterval(label=11, first=2, last=3, line=0),)
    """

    layout: ClassVar[str] = "ntu25"
    channels: ClassVar[int] = 3

    labels: Mapping[str, Labels] | None = None
    training: Mapping[str, frozenset[str]] = field(default_factory=dict)
    validation: Mapping[str, frozenset[str]] = field(default_factory=dict)
    label_files: frozenset[str] = frozenset()

    @property
    def listed(self) -> tuple[str, ...]:
        """Protocols a list was found for."""
        return tuple(sorted(self.training))

    def matches(self, member: str) -> bool:
        """Whether a file has the name of a video and is not its label file."""
        return _video(member) is not None and not self.is_side(member)

    def is_side(self, member: str) -> bool:
        """Whether a file is a label file or a list of parts."""
        if protocol_of(member) is not None:
            return True
        return _video(member) is not None and (member in self.label_files or _speaks_of_labels(member))

    def informed(self, source: RawSource) -> PKUMMD:
        """A reader that knows the labels and lists of these raw data.

        Args:
            source: videos, label files and lists.

        Raises:
            DataError: see the class.
            RawFileError: if one of them cannot be read.
        """
        label_files, lists = _sides(source.members)
        where = ", ".join(map(str, source.paths))
        if not label_files:
            raise DataError(
                f"no label file of PKU-MMD in {where}; give the official archives of labels and lists too: "
                "--raw SKELETON.7z --raw LABEL.7z --raw cross-subject.txt"
            )
        contents = source.read_many([*sorted(label_files), *lists])
        labels: dict[str, bytes] = {}
        for member in sorted(label_files):
            video = str(_video(member))
            if labels.setdefault(video, contents[member]) != contents[member]:
                raise DataError(f"two label files of {video} in {where} differ; give one version of the labels only")
        training, validation = _parts(lists, contents)
        return PKUMMD(
            labels={video: parse_labels(content) for video, content in labels.items()},
            training=training,
            validation=validation,
            label_files=frozenset(member for member in label_files if not _speaks_of_labels(member)),
        )

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one video.

        Args:
            member: its name, with or without folders.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged or, once labels are known, has none; see the class for the codes.
        """
        match = _NAME.fullmatch(member)
        if match is None:
            raise RawFileError("name", "videos are called XXXX-V.txt or AaaNnn-V.txt, V in L, M, R", path=member)
        name = match["name"]
        if self.labels is not None and name not in self.labels:
            raise RawFileError("labels", f"there is no label file {name}.txt for this video", path=member)
        content = content.removeprefix(_BYTE_ORDER_MARK)
        if not content.isascii() or b"\0" in content:
            raise RawFileError("encoding", "the file is not ASCII text", path=member)
        joints = parse_quickly(content)
        joints = parse_carefully(member, content) if joints is None else joints
        intervals, warnings = self.labels[name].within(len(joints)) if self.labels is not None else ((), ())
        return RawRecording(
            name=name,
            label=-1,
            frames=len(joints),
            fps=30.0,
            bodies=_bodies(joints),
            camera=_CAMERAS[match["view"]],
            setup=int(match["video"] or f"1{match['series']}{match['number']}"),
            warnings=(*warnings, *(("unlisted",) if self._unlisted(name) else ())),
            intervals=intervals,
            trains=frozenset(protocol for protocol, names in self.training.items() if name in names),
        )

    def _unlisted(self, name: str) -> bool:
        validation = {protocol: self.validation.get(protocol, frozenset()) for protocol in self.training}
        return any(name not in names and name not in validation[each] for each, names in self.training.items())


def _bodies(joints: Array) -> tuple[RawBody, ...]:
    bodies = []
    for slot in range(joints.shape[1]):
        frames = np.flatnonzero(joints[:, slot].any(axis=(1, 2)))
        if len(frames):
            bodies.append(RawBody(str(slot + 1), frames, np.full(len(frames), slot), joints[frames, slot]))
    return tuple(bodies)


def _speaks_of_labels(member: str) -> bool:
    folders = member.lower().replace("\\", "/").split("/")[:-1]
    telling = [folder for folder in folders if "label" in folder or "skeleton" in folder]
    return bool(telling) and "label" in telling[-1]


def _video(member: str) -> str | None:
    match = _NAME.fullmatch(member)
    return None if match is None else match["name"]


def _sides(members: Iterable[tuple[str, int]]) -> tuple[set[str], list[str]]:
    """Label files and lists of parts among all members, given with their sizes."""
    named: dict[str, list[tuple[int, str]]] = {}
    lists = []
    for member, size in members:
        video = _video(member)
        if video is not None:
            named.setdefault(video, []).append((size, member))
        elif protocol_of(member) is not None:
            lists.append(member)
    labels = {member for files in named.values() for _, member in files if _speaks_of_labels(member)}
    if not labels:
        # A line of labels takes twenty bytes, a frame several hundred.
        labels = {min(files)[1] for files in named.values() if len(files) > 1}
    return labels, lists


def _parts(lists: Iterable[str], contents: Mapping[str, bytes]) -> tuple[dict[str, frozenset[str]], ...]:
    """Protocol to training videos, and to validation videos."""
    parts: tuple[dict[str, frozenset[str]], ...] = ({}, {})
    for member in lists:
        protocol = str(protocol_of(member))
        for part, names in zip(parts, parse_parts(member, contents[member]), strict=True):
            part[protocol] = part.get(protocol, frozenset()) | names
        both = parts[0][protocol] & parts[1][protocol]
        if both:
            raise DataError(
                f"{member} ({protocol}): '{min(both)}' trains and validates"
                + (f", as {len(both) - 1} other videos do" if len(both) > 1 else "")
                + "; give the lists of one phase and version only"
            )
    return parts
