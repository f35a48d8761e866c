# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D and NTU RGB+D 120: `.skeleton` text files."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.data.raw._skeleton_text import BodyList, parse_carefully, parse_quickly
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["NTU"]

_NAME = re.compile(
    r"(?:.*[/\\])?(?P<name>S(?P<setup>\d{3})C(?P<camera>\d{3})P(?P<subject>\d{3})R(?P<repeat>\d{3})A(?P<action>\d{3}))"
    r"\.skeleton",
    re.ASCII | re.DOTALL,
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHORT = 11


class NTU:
    r"""Reader of Kinect v2 skeleton files with official names, `SsssCcccPpppRrrrAaaa.skeleton`.

    A file lists, for every frame, the bodies the sensor saw, in arbitrary order; a body keeps its id as long as it is
    tracked. The reader gathers the bodies by id and repairs nothing: frames keep their numbers, coordinates that are
    not finite stay (a preparation refuses or keeps them), and a body listed twice in one frame has that frame twice.
    Well-formed files go through a CSV reader in C; all others are read line by line, so that errors name the line.

    Shape:
        bodies of a recording: `joints` (t, 25, 3) float64 in metres; `tracked` (t, 25) int8, or None if the lines of
        the joints have fewer than 12 fields or something else than 0, 1, 2 in the twelfth.

    Raises:
        RawFileError: from `read`, with one of the codes `empty`, `encoding` (bytes that are not ASCII text), `count`
            (a count is not a non-negative integer; or there are more than 1000 different bodies, or more than 1000
            frames without any: no recording has as many, and they would cost time and memory out of proportion to the
            file), `no_frames` (no body in any frame), `truncated`, `joints` (not 25), `line` (a joint line with too few
            or other fields than the first), `number` (x, y or z is not a number), `name` (no official file name).
            Warnings of the recording: `trailing` (text after the last frame), `duplicate_id` (a body twice in a frame),
            `short_bodies` (several bodies, none longer than 11 frames).

    Reference:
        Shahroudy, Liu, Ng, Wang. NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis. CVPR 2016.

    Differs from the official code:
        The scripts fill missing joints with zeros and accept cut lines; here both are errors. Coordinates are the same
        to the bit once rounded to float32.

    Example:
        >>> joints = "0.5 1 3 0 0 0 0 0 0 0 0 2\n" * 25
        >>> content = f"1\n1\n72057594037928973 0 1 1 0 1 0 0 0 2\n25\n{joints}".encode()
        >>> recording = NTU().read("S001C002P003R002A013.skeleton", content)
        >>> recording.label, recording.camera, recording.bodies[0].id, recording.bodies[0].joints[0, 24].tolist()
        (12, 2, '72057594037928973', [0.5, 1.0, 3.0])
    """

    layout: ClassVar[str] = "ntu25"
    channels: ClassVar[int] = 3
    listed: ClassVar[tuple[str, ...]] = ()

    def matches(self, member: str) -> bool:
        """Whether a file has an official name, in any folder."""
        match = _NAME.fullmatch(member)
        return match is not None and match["action"] != "000"

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file.

        Args:
            member: its name, with or without folders; it carries label, subject, camera, setup and repetition.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        match = _NAME.fullmatch(member)
        if match is None or match["action"] == "000":
            raise RawFileError("name", "NTU files are called SsssCcccPpppRrrrAaaa.skeleton, from A001", path=member)
        content = content.removeprefix(_BYTE_ORDER_MARK)
        if not content.isascii() or b"\0" in content:
            raise RawFileError("encoding", "the file is not ASCII text", path=member)
        bodies = parse_quickly(content) or parse_carefully(member, content)
        ids, owner = _owners(bodies.ids)
        return RawRecording(
            name=match["name"],
            label=int(match["action"]) - 1,
            frames=bodies.frames,
            fps=30.0,
            bodies=_gather(bodies, ids, owner),
            subject=int(match["subject"]),
            camera=int(match["camera"]),
            setup=int(match["setup"]),
            repeat=int(match["repeat"]),
            warnings=_warnings(bodies, owner),
        )


def _owners(ids: list[str]) -> tuple[list[str], Array]:
    """The distinct ids in order of first appearance, and which of them each id is."""
    numbers: dict[str, int] = {}
    owner = np.array([numbers.setdefault(each, len(numbers)) for each in ids])
    return list(numbers), owner


def _gather(listed: BodyList, ids: list[str], owner: Array) -> tuple[RawBody, ...]:
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(len(ids)), side="right").tolist()
    frames, slots = listed.places[order].T
    joints = listed.joints[order]
    tracked = None if listed.tracked is None else listed.tracked[order]
    return tuple(
        RawBody(body, frames[a:b], slots[a:b], joints[a:b], None if tracked is None else tracked[a:b])
        for body, a, b in zip(ids, [0, *ends], ends, strict=False)
    )


def _warnings(listed: BodyList, owner: Array) -> tuple[str, ...]:
    distinct = np.unique(owner * listed.frames + listed.places[:, 0])
    lengths = np.bincount(distinct // listed.frames)
    found = {
        "trailing": listed.trailing,
        "duplicate_id": len(distinct) < len(owner),
        "short_bodies": len(lengths) > 1 and lengths.max() <= _SHORT,
    }
    return tuple(code for code, true in found.items() if true)
