# SPDX-License-Identifier: Apache-2.0
"""MediaPipe's landmarks as JSON, in the spellings of its interfaces, brought to one list of persons a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from bonefide.data.raw._json_text import numbers
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["JOINTS", "Clip", "landmark_array", "read_clip"]

JOINTS = 33
_WORLD = ("pose_world_landmarks", "poseWorldLandmarks", "world_landmarks", "worldLandmarks")
_IMAGE = ("pose_landmarks", "poseLandmarks", "landmarks", "landmark")
_LARGEST = 1e6

Person = list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Clip:
    """Landmarks of a clip.

    Args:
        image: per frame and person, in shares of the picture; empty where they were not written.
        world: per frame and person, in metres from the middle of the hips; likewise.
        fps: frames per second, if said.
        size: width and height of the picture in pixels, if said.
    """

    image: list[list[Person]]
    world: list[list[Person]]
    fps: float | None
    size: tuple[float, float] | None


def read_clip(facts: Any, path: str) -> Clip:
    """Landmarks of all frames.

    Args:
        facts: what stands in the file.
        path: its name, for errors.

    Raises:
        RawFileError: `keys` (no frames, or a frame without landmarks), `joints` (a person without 33 of them),
            `no_frames`, `number` (fps, width or height that can be none).
    """
    said = facts if isinstance(facts, dict) else {}
    frames = said.get("frames") if isinstance(facts, dict) else facts
    if not isinstance(frames, list):
        _refuse(path, "a list of frames, or an object with a list `frames`, should be here")
    if not frames:
        raise RawFileError("no_frames", "there is no frame in it", path=path)
    image, world = [], []
    for frame in frames:
        parts = _parts(frame, path)
        image.append(_people(parts[0], path))
        world.append(_people(parts[1], path))
    fps, width, height = (_positive(said, key, path) for key in ("fps", "width", "height"))
    return Clip(image, world, fps, (width, height) if width and height else None)


def landmark_array(people: Sequence[Person], path: str) -> tuple[Array, Array | None]:
    """Coordinates, and how visible the joints are.

    Args:
        people: 33 landmarks each.
        path: name of the file, for errors.

    Returns:
        None for the visibility if no landmark has one; a landmark without is not visible if others have one.

    Shape:
        returned: (K, 33, 3) float64 and (K, 33) float64.

    Raises:
        RawFileError: `keys` (a landmark without x, y or z), `number`, `nonfinite`.
    """
    listed = [landmark for person in people for landmark in person]
    if set(map(type, listed)) - {dict}:
        _refuse(path, "a landmark should be an object with x, y and z")
    try:
        values = [landmark[axis] for landmark in listed for axis in "xyz"]
    except KeyError as fault:
        _refuse(path, f"a landmark has no {fault}")
    joints = numbers(values, path).reshape(len(people), JOINTS, 3)
    visible = [landmark.get("visibility") for landmark in listed]
    if visible.count(None) == len(visible):
        return joints, None
    known = [0.0 if value is None else value for value in visible]
    return joints, numbers(known, path).reshape(len(people), JOINTS)


def _refuse(path: str, message: str, code: str = "keys") -> NoReturn:
    raise RawFileError(code, message, path=path)


def _positive(said: Mapping[str, Any], key: str, path: str) -> float | None:
    value = said.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 < value <= _LARGEST:
        _refuse(path, f"{key} should be a number above 0, got {value!r:.40}", "number")
    return float(value)


def _parts(frame: Any, path: str) -> tuple[Any, Any]:
    """Image and world landmarks of a frame."""
    if frame is None or isinstance(frame, list):
        return frame, None
    if not isinstance(frame, dict):
        _refuse(path, f"a {type(frame).__name__} where a frame should be")
    found = [[key for key in keys if key in frame] for keys in (_IMAGE, _WORLD)]
    if frame and not found[0] and not found[1]:
        _refuse(path, f"a frame has none of {', '.join(_IMAGE)}, but {', '.join(map(repr, list(frame)[:5]))}")
    image, world = (frame[keys[0]] if keys else None for keys in found)
    return image, world


def _people(value: Any, path: str) -> list[Person]:
    """Persons in a frame: nobody, one as a list of landmarks or an object around it, or a list of these."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("landmark", "landmarks") if key in value), value)
    if not value:
        return []
    if not isinstance(value, list):
        _refuse(path, "landmarks should be a list")
    alone = isinstance(value[0], dict) and "x" in value[0]
    people = [value] if alone else [_landmarks(person) for person in value]
    for person in people:
        if not isinstance(person, list) or len(person) != JOINTS:
            count = len(person) if isinstance(person, list) else "no list"
            _refuse(path, f"a person has {JOINTS} landmarks, got {count}", "joints")
    return people


def _landmarks(person: Any) -> Any:
    if isinstance(person, dict):
        return next((person[key] for key in ("landmark", "landmarks") if key in person), person)
    return person
