# SPDX-License-Identifier: Apache-2.0
"""The forms `pyskl` and `pyskl2d`: a pickle of annotations and split as PYSKL's tools read it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data.synthetic.form import LABELS, Form, Order
from bonefide.data.synthetic.picture import HEIGHT, WIDTH, find
from bonefide.data.synthetic.take import Take, trains
from bonefide.errors import OutputError
from bonefide.writing import write_file

__all__ = ["PYSKL", "PYSKL2D"]

_TEST_CAMERA = 1


def _write(order: Order, out: Path) -> None:
    _write_pickle(order, out, _annotation)


def _write_2d(order: Order, out: Path) -> None:
    _write_pickle(order, out, _annotation_2d)


def _write_pickle(order: Order, out: Path, annotation: Callable[[Take], dict[str, Any]]) -> None:
    if out.is_dir():
        raise OutputError(f"cannot write {out}: a folder has that name; give the path of a pickle file")
    recordings = sorted(order.takes(), key=lambda take: take.ntu_name)
    annotations = []
    for done, take in enumerate(recordings, start=1):
        annotations.append(annotation(take))
        order.progress(done, len(recordings))
    write_file(out, pickle.dumps({"split": _split(recordings), "annotations": annotations}, protocol=4))


def _split(recordings: Sequence[Take]) -> dict[str, list[str]]:
    """By person and by camera; the front camera tests, as in NTU RGB+D."""
    people = {True: "xsub_train", False: "xsub_val"}
    views = {True: "xview_train", False: "xview_val"}
    split: dict[str, list[str]] = {name: [] for name in (*people.values(), *views.values())}
    for take in recordings:
        split[people[trains(take.subject)]].append(take.ntu_name)
        split[views[take.camera != _TEST_CAMERA]].append(take.ntu_name)
    return split


def _annotation(take: Take) -> dict[str, Any]:
    joints = np.stack([body.joints for body in take.people()[0]])
    return {
        "frame_dir": take.ntu_name,
        "label": take.label,
        "keypoint": joints.astype(np.float16),
        "total_frames": joints.shape[1],
    }


def _annotation_2d(take: Take) -> dict[str, Any]:
    found = find(take, "coco17")
    here = np.stack([person.there for person in found])[..., None]
    return {
        "frame_dir": take.ntu_name,
        "label": take.label,
        "img_shape": (HEIGHT, WIDTH),
        "original_shape": (HEIGHT, WIDTH),
        "total_frames": here.shape[1],
        "keypoint": (np.stack([person.pixels for person in found]) * here[..., None]).astype(np.float16),
        "keypoint_score": (np.stack([person.score for person in found]) * here).astype(np.float16),
    }


PYSKL = Form(_write, LABELS, 106, 999)
"""Every action; 25 joints in metres, half precision."""

PYSKL2D = Form(_write_2d, LABELS, 106, 999)
"""Every action; COCO's 17 keypoints in pixels with confidence, half precision."""
