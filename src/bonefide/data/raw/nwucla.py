# SPDX-License-Identifier: Apache-2.0
"""NW-UCLA: one JSON file a sequence."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from bonefide.data.raw._json_text import numbers, parse_json
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["NWUCLA"]

_NAME = re.compile(
    r"(?:.*[/\\])?(?P<name>a(?P<action>\d\d)_s(?P<subject>\d\d)_e(?P<repeat>\d\d)_v(?P<camera>\d\d))\.json",
    re.ASCII | re.DOTALL,
)
_ACTIONS = ("01", "02", "03", "04", "05", "06", "08", "09", "11", "12")
_KEYS = ("file_name", "skeletons", "label")
_DEPTH = 4


class NWUCLA:
    """Reader of the sequences of Northwestern-UCLA as the field passes them on, `aAA_sSS_eEE_vVV.json`.

    A file is an object with `file_name` (its own name without ending), `skeletons` (frames x 20 joints x 3 numbers) and
    `label` (1 to 10, which the action in the name fixes too). Reading is strict: what a lenient parser would turn into
    some array is refused here.

    Shape:
        bodies of a recording: one, `joints` (F, 20, 3) float64 in metres.

    Raises:
        RawFileError: from `read`, with one of the codes `name` (no official file name), `empty`, `encoding` (not
            UTF-8), `json` (no JSON), `truncated` (it ends too early), `object` (JSON, but no object), `keys` (a key is
            missing or occurs twice), `depth` (nested deeper than 4), `no_frames`, `shape` (not frames x 20 x 3),
            `number` (something else than a number, or an integer too large), `nonfinite` (NaN or infinite),
            `file_name`, `label` (not what the name says).

    Reference:
        Wang, Nie, Xia, Wu, Zhu. Cross-view Action Modeling, Learning and Recognition. CVPR 2014.

    Differs from the official code:
        The feeder takes whatever NumPy makes of the lists; coordinates of sound files are the same.

    Example:
        >>> import json
        >>> frame = [[0.0, 0.5, 2.5]] * 20
        >>> content = json.dumps({"file_name": "a08_s03_e01_v02", "skeletons": [frame], "label": 7}).encode()
        >>> recording = NWUCLA().read("all_sqe/a08_s03_e01_v02.json", content)
        >>> recording.label, recording.subject, recording.camera, recording.bodies[0].joints.shape
        (6, 3, 2, (1, 20, 3))
    """

    layout: ClassVar[str] = "ucla20"
    channels: ClassVar[int] = 3
    listed: ClassVar[tuple[str, ...]] = ()

    def matches(self, member: str) -> bool:
        """Whether a file has an official name, in any folder."""
        match = _NAME.fullmatch(member)
        return match is not None and match["action"] in _ACTIONS

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file.

        Args:
            member: its name, with or without folders; it carries label, subject, view and repetition.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        match = _NAME.fullmatch(member)
        if match is None or match["action"] not in _ACTIONS:
            raise RawFileError("name", "NW-UCLA files are called aAA_sSS_eEE_vVV.json", path=member)
        try:
            facts = _parse(content, member)
            joints = _joints(facts["skeletons"], member)
            label = _ACTIONS.index(match["action"])
            _compare(facts, match["name"], label + 1)
        except _FaultError as fault:
            raise RawFileError(fault.code, str(fault), path=member) from None
        frames = np.arange(len(joints))
        return RawRecording(
            name=match["name"],
            label=label,
            frames=len(joints),
            fps=None,
            bodies=(RawBody("0", frames, np.zeros_like(frames), joints),),
            subject=int(match["subject"]),
            camera=int(match["camera"]),
            repeat=int(match["repeat"]),
        )


class _FaultError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _parse(content: bytes, path: str) -> dict[str, Any]:
    facts = parse_json(content, path)
    if not isinstance(facts, dict):
        raise _FaultError("object", f"a {type(facts).__name__} where an object should be")
    missing = [key for key in _KEYS if key not in facts]
    if missing:
        raise _FaultError("keys", f"{' and '.join(missing)} are missing")
    if any(_is_deeper(value, _DEPTH - 1) for key, value in facts.items() if key != "skeletons"):
        raise _FaultError("depth", f"nested deeper than {_DEPTH}")
    return facts


def _is_deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    return depth == 0 or any(
        _is_deeper(each, depth - 1) for each in (value.values() if isinstance(value, dict) else value)
    )


def _joints(frames: Any, path: str) -> Array:
    if frames == []:
        raise _FaultError("no_frames", "there is no frame in it")
    joints = _flatten(_flatten([frames], None), 20)
    coordinates = _flatten(joints, 3)
    if list in set(map(type, coordinates)):
        raise _FaultError("depth", "a list where a coordinate should be")
    return numbers(coordinates, path).reshape(-1, 20, 3)


def _flatten(lists: list[Any], length: int | None) -> list[Any]:
    if set(map(type, lists)) != {list} or (length is not None and set(map(len, lists)) != {length}):
        raise _FaultError("shape", "the skeletons are not frames x 20 joints x 3 numbers")
    return list(chain.from_iterable(lists))


def _compare(facts: dict[str, Any], name: str, label: int) -> None:
    if facts["file_name"] != name:
        raise _FaultError("file_name", f"it calls itself {facts['file_name']!r:.40}; was it renamed?")
    if type(facts["label"]) is not int or facts["label"] != label:
        raise _FaultError("label", f"it has label {facts['label']!r:.40}, its name says {label}")
