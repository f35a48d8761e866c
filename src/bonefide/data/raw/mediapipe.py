# SPDX-License-Identifier: Apache-2.0
"""MediaPipe Pose: landmarks of a clip in one JSON file."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from bonefide.data.raw._detections import Detections, Listed
from bonefide.data.raw._json_text import parse_json, uncollected
from bonefide.data.raw._landmarks import Clip, Person, landmark_array, read_clip
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["MediaPipe"]

_NAME = re.compile(r"(?!.*\d_keypoints\.json$).*\.json", re.ASCII | re.DOTALL | re.IGNORECASE)


class MediaPipe:
    """Reader of MediaPipe's pose landmarks, one JSON file a clip.

    A file is a list of frames, or an object with one and what else is known; a frame is a `PoseLandmarkerResult` with
    its fields as keys, and frames follow each other without gaps:

    ```json
    {"fps": 30, "width": 1280, "height": 720, "frames": [
        {"pose_landmarks": [[{"x": 0.51, "y": 0.2, "z": -0.1, "visibility": 0.99}, ...]],
         "pose_world_landmarks": [[{"x": 0.02, "y": -0.6, "z": -0.2, "visibility": 0.99}, ...]]}]}
    ```

    Of each person there are 33 landmarks. Older and other interfaces are read too: one person without the list around
    it, `{"landmark": [...]}`, and the spellings of JavaScript (`poseLandmarks`, `worldLandmarks`, `landmarks`, ...). An
    empty list, an empty object or null is a frame without anybody.

    World landmarks are taken if every person has them (warning `hip_centred`: they are metres from the middle of each
    person's own hips, so nobody walks, and two persons stand in one place). Else image landmarks are: pixels if
    `width` and `height` are given, with z in the unit of x, otherwise shares of the picture (warning `normalized`). All
    have y down and z away from the camera; the preparation `plain` turns y up. The visibility is the confidence.
    Persons are followed by proximity, in the picture if image landmarks are there. Labels come from a table.

    Shape:
        bodies of a recording: `joints` (t, 33, 3) float64, `confidence` (t, 33) or None.

    Raises:
        RawFileError: from `read`, with one of the codes `empty`, `encoding`, `json`, `truncated`, `depth`, `number`,
            `nonfinite`, `keys` (no frames, or no landmarks in one), `joints` (not 33 landmarks), `world` (world
            landmarks of some persons and image landmarks of others), `no_frames` (nobody in any frame), `count` (more
            than 64 persons in a frame).

    Reference:
        Bazarevsky, Grishchenko, Raveendran, Zhu, Zhang, Grundmann. BlazePose: On-device Real-time Body Pose Tracking.
        CVPR Workshops 2020, arXiv 2006.10204.

    Differs from the official code:
        There is none that reads files; MediaPipe writes none, so everybody writes these objects on his own.

    Example:
        >>> import json
        >>> person = [{"x": 0.5, "y": 0.25, "z": 0.0, "visibility": 0.9}] * 33
        >>> content = json.dumps({"fps": 25, "frames": [{"pose_landmarks": [person]}, {"pose_landmarks": []}]}).encode()
        >>> recording = MediaPipe().read("wave.json", content)
        >>> recording.name, recording.frames, recording.fps, recording.warnings
        ('wave', 2, 25.0, ('normalized',))
    """

    layout: ClassVar[str] = "mediapipe33"
    channels: ClassVar[int] = 3
    listed: ClassVar[tuple[str, ...]] = ()

    def matches(self, member: str) -> bool:
        """Whether a file is JSON, but not one frame as OpenPose writes it."""
        return _NAME.fullmatch(member) is not None

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one clip.

        Args:
            member: its name, with or without folders.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        with uncollected():
            clip = read_clip(parse_json(content, member), member)
            world, image = _listed(clip.world), _listed(clip.image)
            if not world.values and not image.values:
                raise RawFileError("no_frames", f"nobody in any of {len(clip.image)} frames", path=member)
            paired = (world.frames, world.slots) == (image.frames, image.slots)
            if world.values and (paired or not image.values):
                joints, visible = landmark_array(world.values, member)
                places = _in_picture(image.values, clip, member)[0][..., :2] if paired else None
                warning = "hip_centred"
            elif image.values and _covers(image, world):
                joints, visible = _in_picture(image.values, clip, member)
                world, places, warning = image, None, "" if clip.size else "normalized"
            else:
                message = "some have world landmarks, others image landmarks; write either for all"
                raise RawFileError("world", message, path=member)
        numbers = range(len(clip.image))
        found = Detections(member, numbers, world, joints, visible, places)
        return found.recording(fps=clip.fps, warnings=(warning,) if warning else ())


def _listed(frames: list[list[Person]]) -> Listed:
    listed = Listed()
    for number, people in enumerate(frames):
        for slot, person in enumerate(people):
            listed.add(number, slot, None, person)
    return listed


def _covers(image: Listed, world: Listed) -> bool:
    """Whether everybody with world landmarks has image landmarks too."""
    return set(zip(world.frames, world.slots, strict=True)) <= set(zip(image.frames, image.slots, strict=True))


def _in_picture(people: list[Person], clip: Clip, path: str) -> tuple[Array, Array | None]:
    """Image landmarks, in pixels if the size of the picture is known."""
    joints, visible = landmark_array(people, path)
    if clip.size is not None:
        width, height = clip.size
        joints = joints * np.array([width, height, width])
    return joints, visible
