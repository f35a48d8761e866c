# SPDX-License-Identifier: Apache-2.0
"""OpenPose: one JSON file a frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bonefide.data.raw._detections import Detections, Listed
from bonefide.data.raw._first_look import fitted_to_first
from bonefide.data.raw._json_text import parse_json, table
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError, ShapeError

if TYPE_CHECKING:
    from bonefide.data.raw._source import RawSource

__all__ = ["OpenPose"]

_NAME = re.compile(
    r"(?P<folder>(?:.*[/\\])?)(?P<clip>[^/\\]*?)_?(?P<number>\d{1,18})_keypoints\.json", re.ASCII | re.DOTALL
)
_LAYOUTS = {25: "openpose25", 18: "openpose18"}
_LOOKS = 500
_FLAT, _SOLID = "pose_keypoints_2d", "pose_keypoints_3d"


@dataclass(frozen=True)
class OpenPose:
    """Reader of what OpenPose writes with `--write_json`: `CLIP_000000000012_keypoints.json`, one file a frame.

    ```json
    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [312.5, 104.2, 0.91, ...]}]}
    ```

    Files of one clip lie in a folder of its own or beside those of others; a clip whose files have no name before the
    number is called as its folder. Keypoints are triples x, y, confidence (25 of BODY_25, or the 18 of COCO), in pixels
    with y down (the preparation `plain` turns it up), or with `pose_keypoints_3d` quadruples x, y, z, confidence; faces
    and hands are passed over. A joint of confidence 0 was not seen; frames without a file have no bodies. OpenPose
    knows nobody again (`person_id` is -1), so persons are followed by proximity unless all have an id. Labels come
    from a table.

    Args:
        joints: 25 or 18; 0 for as many as the first person has, as `informed` sets it.
        channels: 2 or 3; 0 likewise.
        folders: whether the folders are part of a clip's name; `informed` decides so if clips are called alike.

    Shape:
        bodies of a recording: `joints` (t, 25 or 18, 2 or 3) float64, `confidence` (t, 25 or 18).

    Raises:
        ShapeError: if OpenPose writes no such keypoints.
        RawFileError: from `read` and `read_files`, with one of the codes `name` (no official file name), `empty`,
            `encoding`, `json`, `truncated`, `depth`, `number`, `nonfinite`, `keys` (no list `people`, or a person
            without keypoints), `joints` (not as many as the layout has), `frames` (numbers that cannot be those of one
            clip, or one twice), `no_frames` (nobody in any frame), `count` (more than 64 persons in a frame).

    Reference:
        Cao, Hidalgo, Simon, Wei, Sheikh. OpenPose: Realtime Multi-Person 2D Pose Estimation using Part Affinity
        Fields. TPAMI 2021.

    Differs from the official code:
        There is none that reads its files.

    Example:
        >>> one = b'{"people": [{"person_id": [-1], "pose_keypoints_2d": [%s]}]}' % b", ".join([b"5, 7, 0.5"] * 25)
        >>> files = {"wave_000000000003_keypoints.json": one, "wave_000000000005_keypoints.json": one}
        >>> recording = OpenPose().read_files("wave", files)
        >>> recording.name, recording.frames, recording.bodies[0].frames.tolist()
        ('wave', 3, [0, 2])
    """

    joints: int = 0
    channels: int = 0
    folders: bool = False

    listed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.joints not in (0, *_LAYOUTS) or self.channels not in (0, 2, 3):
            raise ShapeError(f"OpenPose writes 25 or 18 joints in 2 or 3 coordinates, not {self}")

    @property
    def layout(self) -> str:
        """Layout of the keypoints; "" while it is not known."""
        return _LAYOUTS.get(self.joints, "")

    def matches(self, member: str) -> bool:
        """Whether a file is called as OpenPose calls them, in any folder."""
        return _NAME.fullmatch(member) is not None

    def recording_of(self, member: str) -> str:
        """The clip a file belongs to, with folders.

        Raises:
            RawFileError: `name`, if it is no file of OpenPose.
        """
        match = _match(member)
        return f"{match['folder']}{match['clip']}".rstrip("/\\") or "clip"

    def is_side(self, member: str) -> bool:
        """No file tells about others."""
        return False

    def informed(self, source: RawSource) -> OpenPose:
        """A reader for the joints and coordinates that the first person has.

        Raises:
            DataError: if nobody is in the first 500 frames.
        """
        found = fitted_to_first(
            source,
            self.matches,
            self.fitted,
            looks=_LOOKS,
            absent="no file of OpenPose is there",
            unusable="no frame with somebody can be read",
        )
        clips = {self.recording_of(name) for name, _ in source.members if self.matches(name)}
        return replace(found, folders=len({self._name(clip) for clip in clips}) < len(clips))

    def fitted(self, member: str, content: bytes) -> OpenPose:
        """A reader for files like this one.

        Args:
            member: its name.
            content: its bytes.

        Raises:
            RawFileError: if it is damaged, or `no_frames` if nobody is in it.
        """
        return self._fitted({member: _people(member, content)}, member)

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file as a clip of one frame.

        Args:
            member: its name, with or without folders.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        return self.read_files(self.recording_of(member), {member: content})

    def read_files(self, recording: str, files: Mapping[str, bytes]) -> RawRecording:
        """Read all files of a clip.

        Args:
            recording: its name, as `recording_of` gave it.
            files: name to content.

        Raises:
            RawFileError: if one is damaged; see the class for the codes.
        """
        numbers = {member: int(_match(member)["number"]) for member in files}
        if len(set(numbers.values())) < len(numbers):
            raise RawFileError("frames", "two files have the same frame number", path=recording)
        order = sorted(numbers, key=lambda member: numbers[member])
        frames = {member: _people(member, files[member]) for member in order}
        known = self._fitted(frames, recording)
        width = known.channels + 1
        key = _FLAT if known.channels == 2 else _SOLID
        listed, poses = Listed(), [np.zeros((0, known.joints * width))]
        for member, people in frames.items():
            before = len(listed.values)
            for slot, person in enumerate(people):
                keypoints = person.get(key, [])
                if keypoints:
                    listed.add(numbers[member], slot, _identity(person), keypoints)
            poses.append(table(listed.values[before:], known.joints * width, member, "a person"))
        array = np.concatenate(poses).reshape(-1, known.joints, width)
        found = Detections(recording, list(numbers.values()), listed, array[..., :-1], array[..., -1])
        return found.recording(name=self._name(recording))

    def _fitted(self, frames: Mapping[str, list[dict[str, Any]]], path: str) -> OpenPose:
        """This reader with what it does not know yet, from the first frame with a person."""
        for member, people in frames.items():
            count = next((len(person[_FLAT]) for person in people if person[_FLAT]), 0)
            if count and (count % 3 or count // 3 not in _LAYOUTS):
                raise RawFileError("joints", f"OpenPose writes 25 or 18 triples, got {count} numbers", path=member)
            if count:
                solid = any(person.get(_SOLID) for person in people)
                joints, channels = self.joints or count // 3, self.channels or (3 if solid else 2)
                return replace(self, joints=joints, channels=channels)
        raise RawFileError("no_frames", f"nobody in any of {len(frames)} frames", path=path)

    def _name(self, recording: str) -> str:
        parts = [part for part in re.split(r"[/\\]", recording) if part]
        return "_".join(parts) if self.folders else parts[-1]


def _match(member: str) -> re.Match[str]:
    match = _NAME.fullmatch(member)
    if match is None:
        raise RawFileError("name", "OpenPose files are called CLIP_000000000000_keypoints.json", path=member)
    return match


def _people(member: str, content: bytes) -> list[dict[str, Any]]:
    facts = parse_json(content, member)
    people = facts.get("people") if isinstance(facts, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise RawFileError("keys", "an object with a list `people` of objects should be here", path=member)
    if not all(isinstance(person.get(_FLAT), list) for person in people):
        raise RawFileError("keys", "somebody has no list pose_keypoints_2d", path=member)
    if not all(isinstance(person.get(_SOLID, []), list) for person in people):
        raise RawFileError("keys", "somebody's pose_keypoints_3d is no list", path=member)
    return people


def _identity(person: Mapping[str, Any]) -> str | None:
    """Who somebody is; None if OpenPose does not say."""
    given = person.get("person_id")
    given = given[0] if isinstance(given, list) and len(given) == 1 else given
    return str(given) if type(given) is int and 0 <= given < 2**63 else None
