# SPDX-License-Identifier: Apache-2.0
"""The form `openpose`: a zip of folders, one a clip, of one JSON file a frame as OpenPose writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data.synthetic.clips import write_clips
from bonefide.data.synthetic.form import LABELS, Form, Order
from bonefide.data.synthetic.picture import Found, find
from bonefide.data.synthetic.take import Take
from bonefide.types import Array

__all__ = ["OPENPOSE"]

_LEAST_SCORE = 0.2
_NOT_WANTED = (
    "face_keypoints_2d",
    "hand_left_keypoints_2d",
    "hand_right_keypoints_2d",
    "pose_keypoints_3d",
    "face_keypoints_3d",
    "hand_left_keypoints_3d",
    "hand_right_keypoints_3d",
)


def _write(order: Order, out: Path) -> None:
    write_clips(order, out, _files)


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    found = find(take, "openpose25")
    rows = [_rows(person) for person in found]
    name = take.clip_name
    for frame in range(len(rows[0])):
        people = [_person(row[frame]) for row, person in zip(rows, found, strict=True) if person.there[frame]]
        content = json.dumps({"version": 1.3, "people": _in_order(people)}, separators=(",", ":"))
        yield f"{name}/{name}_{frame:012}_keypoints.json", content.encode("ascii")


def _rows(person: Found) -> Array:
    """x, y, confidence of every joint, all 0 where it was not found, (T, 75)."""
    seen = person.score >= _LEAST_SCORE
    rows = np.concatenate([np.round(person.pixels, 3), np.round(person.score, 6)[..., None]], axis=2)
    kept: Array = np.where(seen[..., None], rows, 0.0).reshape(len(rows), -1)
    return kept


def _person(row: Array) -> dict[str, Any]:
    return {"person_id": [-1], "pose_keypoints_2d": row.tolist(), **{part: [] for part in _NOT_WANTED}}


def _in_order(people: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As OpenPose does not follow anybody: whose neck is found more surely comes first, whoever that is."""
    return sorted(people, key=lambda person: -float(person["pose_keypoints_2d"][5]))


OPENPOSE = Form(_write, LABELS, 106, 999)
"""Every action; BODY_25 in pixels, in no order of persons."""
