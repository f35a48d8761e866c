# SPDX-License-Identifier: Apache-2.0
"""The form `coco`: a zip of one JSON file a clip, as MMPose writes what it finds in a video with COCO's keypoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data.synthetic.clips import write_clips
from bonefide.data.synthetic.form import LABELS, Form, Order
from bonefide.data.synthetic.other_joints import names
from bonefide.data.synthetic.picture import HEIGHT, WIDTH, Found, find
from bonefide.data.synthetic.take import Take

__all__ = ["COCO"]

_MARGIN = 0.1


def _write(order: Order, out: Path) -> None:
    write_clips(order, out, _files)


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    found = find(take, "coco17")
    instances = [_instances(person) for person in found]
    frames = []
    for frame, here in enumerate(np.stack([person.there for person in found], axis=1).tolist()):
        people = [each[frame] for each, there in zip(instances, here, strict=True) if there]
        frames.append({"frame_id": frame, "instances": people})
    content = json.dumps({"meta_info": _meta(), "instance_info": frames}, separators=(",", ":"))
    yield f"{take.clip_name}.json", content.encode("ascii")


def _meta() -> dict[str, Any]:
    joints = names("coco17")
    return {
        "dataset_name": "coco",
        "num_keypoints": len(joints),
        "keypoint_id2name": {str(number): name for number, name in enumerate(joints)},
        "keypoint_name2id": {name: number for number, name in enumerate(joints)},
    }


def _instances(person: Found) -> list[dict[str, Any]]:
    """One entry for every frame."""
    low, high = person.pixels.min(axis=1), person.pixels.max(axis=1)
    margin = _MARGIN * (high - low)
    boxes = np.concatenate([low - margin, high + margin], axis=1)
    boxes = np.round(np.clip(boxes, 0.0, (WIDTH, HEIGHT, WIDTH, HEIGHT)), 3)
    points, scores = np.round(person.pixels, 3), np.round(person.score, 6)
    return [
        {
            "keypoints": points[frame].tolist(),
            "keypoint_scores": scores[frame].tolist(),
            "bbox": [boxes[frame].tolist()],
            "bbox_score": round(float(scores[frame].mean()), 6),
        }
        for frame in range(len(points))
    ]


COCO = Form(_write, LABELS, 106, 999)
"""Every action; 17 keypoints in pixels."""
