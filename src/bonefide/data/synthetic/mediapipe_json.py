# SPDX-License-Identifier: Apache-2.0
"""The form `mediapipe`: a zip of one JSON file a clip, results of MediaPipe's pose landmarker frame by frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data.synthetic.clips import write_clips
from bonefide.data.synthetic.form import LABELS, Form, Order
from bonefide.data.synthetic.other_joints import names
from bonefide.data.synthetic.perform import FPS
from bonefide.data.synthetic.picture import FOCUS, HEIGHT, WIDTH, Found, find
from bonefide.data.synthetic.take import Take
from bonefide.types import Array

__all__ = ["MEDIAPIPE"]

_HIPS = [names("mediapipe33").index("left_hip"), names("mediapipe33").index("right_hip")]
_FIELDS = ("x", "y", "z", "visibility", "presence")
# From the sensor: x to the left of the picture, y up.
_TO_PICTURE = np.array([-1.0, -1.0, 1.0])


def _write(order: Order, out: Path) -> None:
    write_clips(order, out, _files)


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    found = find(take, "mediapipe33")
    pictured = [_landmarks(_pictured(person), person.score) for person in found]
    world = [_landmarks(_world(person), person.score) for person in found]
    frames = []
    for frame, here in enumerate(np.stack([person.there for person in found], axis=1).tolist()):
        frames.append(
            {
                "pose_landmarks": [each[frame] for each, there in zip(pictured, here, strict=True) if there],
                "pose_world_landmarks": [each[frame] for each, there in zip(world, here, strict=True) if there],
            }
        )
    content = json.dumps({"fps": int(FPS), "width": WIDTH, "height": HEIGHT, "frames": frames}, separators=(",", ":"))
    yield f"{take.clip_name}.json", content.encode("ascii")


def _middle(joints: Array) -> Array:
    middle: Array = joints[:, _HIPS].mean(axis=1, keepdims=True)
    return middle


def _pictured(person: Found) -> Array:
    """Shares of the picture's width and height, and the distance behind the hips in about the unit of x, (T, 33, 3)."""
    away = _middle(person.joints)[..., 2]
    behind = (person.joints[..., 2] - away) * FOCUS / away / WIDTH
    return np.concatenate([person.pixels / (WIDTH, HEIGHT), behind[..., None]], axis=2)


def _world(person: Found) -> Array:
    """Metres from the middle of the hips: to the right in the picture, down, away, (T, 33, 3)."""
    joints: Array = (person.joints - _middle(person.joints)) * _TO_PICTURE
    return joints


def _landmarks(places: Array, score: Array) -> list[list[dict[str, Any]]]:
    """A list of landmarks for every frame."""
    # A landmark is guessed, never left out; outside the picture it is not present.
    present = np.where(score > 0.0, 0.99, 0.1)
    fields = np.round(np.concatenate([places, score[..., None], present[..., None]], axis=2), 6) + 0.0
    return [[dict(zip(_FIELDS, joint, strict=True)) for joint in frame] for frame in fields.tolist()]


MEDIAPIPE = Form(_write, LABELS, 106, 999)
"""Every action; 33 landmarks in the picture and in metres around the hips."""
