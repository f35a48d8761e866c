# SPDX-License-Identifier: Apache-2.0
"""The form `nwucla`: a zip of JSON files as Northwestern-UCLA is passed around in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bonefide.data.synthetic.form import Form, Order, write_zip
from bonefide.data.synthetic.sensor import observe
from bonefide.data.synthetic.take import Take

__all__ = ["NWUCLA"]

_CODES = {
    "pick up with one hand": 1,
    "pick up with two hands": 2,
    "drop trash": 3,
    "walk around": 4,
    "sit down": 5,
    "stand up": 6,
    "put on a jacket": 8,
    "take off a jacket": 9,
    "throw": 11,
    "carry": 12,
}
# Kinect v1 has no separate neck: its shoulder centre is v2's spine at the shoulders; hands and feet correspond.
_JOINTS = [0, 1, 20, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]


def _write(order: Order, out: Path) -> None:
    write_zip(out, sorted(order.takes(), key=_stem), _files, order.progress)


def _stem(take: Take) -> str:
    # The official repetitions count from 0.
    return f"a{_CODES[take.action]:02}_s{take.subject:02}_e{take.repeat - 1:02}_v{take.camera:02}"


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    joints = observe(take.seen()[:1], take.generator(), alone=True)[0].joints
    skeletons = np.round(joints[:, _JOINTS], 6).tolist()
    label = list(_CODES).index(take.action) + 1
    content = json.dumps({"file_name": _stem(take), "skeletons": skeletons, "label": label})
    yield f"all_sqe/{_stem(take)}.json", content.encode("ascii")


NWUCLA = Form(_write, _CODES, 99, 99)
"""The ten actions that correspond to official classes, under the official codes; 20 joints of one body."""
