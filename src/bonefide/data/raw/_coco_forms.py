# SPDX-License-Identifier: Apache-2.0
"""The forms of COCO keypoints: MMPose's frames, lists of results, annotations; all brought to one list of persons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from bonefide.data.raw._detections import Listed
from bonefide.data.raw._named_joints import named_layout
from bonefide.errors import RawFileError
from bonefide.layouts import SkeletonLayout, layout

__all__ = ["Found", "find_persons"]

_LARGEST = 2**53
_MOST_JOINTS = 1000
_COCO = list(layout("coco17").joints)


@dataclass(frozen=True, eq=False)
class Found:
    """Persons as a file lists them.

    Args:
        numbers: of all frames there are.
        listed: the persons; values are keypoints and scores, or one flat list of triples.
        layout: of the joints, where the file names them; None elsewhere.
        annotated: whether the third of a triple is COCO's visibility: 0 not labelled, 1 hidden, 2 visible.
    """

    numbers: list[int] = field(default_factory=list)
    listed: Listed = field(default_factory=Listed)
    layout: str | SkeletonLayout | None = None
    annotated: bool = False


def find_persons(facts: Any, path: str) -> Found:
    """Persons of a file, whatever form it has.

    Args:
        facts: what stands in it.
        path: its name, for errors.

    Raises:
        RawFileError: `keys` (none of the forms, or one with something missing), `frames` (image ids without a frame
            number), `clips` (images of several clips), `joints` (joints named, but not joined).
    """
    if isinstance(facts, dict) and isinstance(facts.get("instance_info"), list):
        return _frames(facts["instance_info"], path, _meta_layout(facts.get("meta_info"), path))
    if isinstance(facts, dict) and "annotations" in facts and "images" in facts:
        return _annotations(facts, path)
    if facts == []:
        return Found()
    if isinstance(facts, list) and isinstance(facts[0], dict):
        if "instances" in facts[0]:
            return _frames(facts, path, None)
        if "image_id" in facts[0]:
            return _results(facts, path)
        if "keypoints" in facts[0]:
            return _frames([{"frame_id": 0, "instances": facts}], path, None)
    _refuse(path, "neither MMPose's `instance_info`, nor a list of results or frames, nor COCO annotations")


def _refuse(path: str, message: str, code: str = "keys") -> NoReturn:
    raise RawFileError(code, message, path=path)


def _objects(values: Any, path: str, what: str) -> list[dict[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
        _refuse(path, f"{what} should be a list of objects")
    return values


def _frames(frames: Any, path: str, named: str | SkeletonLayout | None) -> Found:
    found = Found(layout=named)
    for place, frame in enumerate(_objects(frames, path, "the frames")):
        number = _count(frame.get("frame_id", place), path, "a frame_id")
        found.numbers.append(number)
        for slot, person in enumerate(_objects(frame.get("instances"), path, "instances")):
            keypoints, scores = _list(person, "keypoints", path), person.get("keypoint_scores")
            if len(keypoints) == 1 and _is_nested(keypoints[0]):  # some lifters keep an axis of one person
                keypoints = keypoints[0]
                scores = scores[0] if isinstance(scores, list) and scores and isinstance(scores[0], list) else scores
            found.listed.add(number, slot, _identity(person, "track_id", "instance_id"), (keypoints, scores))
    _refuse_twice(found.numbers, path)
    return found


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _results(results: Any, path: str) -> Found:
    found = Found()
    images: dict[int, Any] = {}
    slots = Counter[int]()
    for result in _objects(results, path, "the results"):
        image = result.get("image_id")
        number = _number_in(image) if isinstance(image, str) else image
        number = _count(number, path, "an image_id without a number")
        if images.setdefault(number, image) != image:
            _refuse(path, f"{images[number]!r:.60} and {image!r:.60} are the same frame of several clips", "clips")
        who = _identity(result, "track_id", "idx")
        found.listed.add(number, slots[number], who, (_list(result, "keypoints", path), None))
        slots[number] += 1
    found.numbers.extend(images)
    return found


def _annotations(facts: dict[str, Any], path: str) -> Found:
    images = _objects(facts["images"], path, "images")
    found = Found(layout=_category_layout(facts.get("categories"), path), annotated=True)
    numbers = _image_numbers(images, path)
    slots = Counter[int]()
    for annotation in _objects(facts["annotations"], path, "annotations"):
        image = annotation.get("image_id")
        if not isinstance(image, int | str) or image not in numbers:
            _refuse(path, f"an annotation is of image {image!r:.40}, which is not listed")
        if "keypoints" in annotation:
            number = numbers[image]
            who = _identity(annotation, "track_id", "instance_id")
            found.listed.add(number, slots[number], who, (_list(annotation, "keypoints", path), None))
            slots[number] += 1
    found.numbers.extend(numbers.values())
    return found


def _image_numbers(images: list[dict[str, Any]], path: str) -> dict[int | str, int]:
    """Frame number of every image: as said, from its file's name, or else its place in the list."""
    ids = [image.get("id") for image in images]
    if not all(type(each) in (int, str) for each in ids) or len(set(ids)) < len(ids):
        _refuse(path, "every image needs an id of its own")
    said = [image.get("frame_id") for image in images]
    named = [_number_in(str(image.get("file_name", ""))) for image in images]
    numbers: Sequence[Any] = range(len(images))
    if said and None not in said:
        numbers = said
    elif named and None not in named:
        numbers = named
    counts = [_count(each, path, "a frame_id") for each in numbers]
    if len(set(counts)) < len(counts):
        _refuse(path, "two images have the same frame number; give every clip a file of its own", "clips")
    return dict(zip(ids, counts, strict=True))  # type: ignore[arg-type]  # checked above


def _number_in(name: str) -> int | None:
    """The last number in the name of an image."""
    stem = re.split(r"[/\\]", name)[-1].rpartition(".")
    found = re.findall(r"[0-9]+", stem[0] or stem[2])
    return int(found[-1][-18:]) if found else None


def _count(value: Any, path: str, what: str) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        _refuse(path, f"{what}: {value!r:.60} is no frame number", "frames")
    return int(value)


def _refuse_twice(numbers: list[int], path: str) -> None:
    if len(set(numbers)) < len(numbers):
        _refuse(path, "a frame is listed twice", "frames")


def _list(facts: dict[str, Any], key: str, path: str) -> list[Any]:
    value = facts.get(key)
    if not isinstance(value, list):
        _refuse(path, f"somebody has no list `{key}`")
    return value


def _identity(facts: dict[str, Any], *keys: str) -> str | None:
    """Who somebody is by the first of these keys that says it; trackers write -1 for nobody they know."""
    for key in keys:
        given: Any = facts.get(key)
        while isinstance(given, list) and len(given) == 1:
            given = given[0]
        if isinstance(given, str) and given:
            return given[:80]
        if type(given) in (int, float) and 0 <= given < _LARGEST and given == int(given):
            return str(int(given))
    return None


def _meta_layout(meta: Any, path: str) -> str | SkeletonLayout | None:
    if not isinstance(meta, dict) or not isinstance(meta.get("keypoint_id2name"), dict):
        return None
    names = meta["keypoint_id2name"]
    joints = [names.get(str(place)) for place in range(len(names))]
    return _layout(str(meta.get("dataset_name") or "named"), joints, meta.get("skeleton_links"), path, first=0)


def _category_layout(categories: Any, path: str) -> str | SkeletonLayout | None:
    if not isinstance(categories, list) or not categories or not isinstance(categories[0], dict):
        return None
    joints = categories[0].get("keypoints")
    name = str(categories[0].get("name") or "named")
    return _layout(name, joints, categories[0].get("skeleton"), path, first=1) if isinstance(joints, list) else None


def _layout(name: str, joints: list[Any], links: Any, path: str, *, first: int) -> str | SkeletonLayout | None:
    """The layout of named joints; None for COCO's, alone or before others, since their number tells the layout."""
    if not 0 < len(joints) <= _MOST_JOINTS or not all(isinstance(joint, str) for joint in joints):
        _refuse(path, "the names of the joints are not a list of texts", "joints")
    if [joint.lower() for joint in joints[: len(_COCO)]] == _COCO:
        return None
    pairs = [_pair(link, first, len(joints)) for link in links] if isinstance(links, list) else []
    found = named_layout(name[:80], joints, [pair for pair in pairs if pair])
    if found is None:
        _refuse(path, f"{len(joints)} joints of '{name:.40}', named but not all joined by links", "joints")
    return found


def _pair(link: Any, first: int, count: int) -> tuple[int, int] | None:
    """Two joints that are joined, counted from 0."""
    if not isinstance(link, list) or len(link) != 2 or {type(end) for end in link} != {int}:
        return None
    one, other = link[0] - first, link[1] - first
    return (one, other) if min(one, other) >= 0 and max(one, other) < count else None
