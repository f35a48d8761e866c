# SPDX-License-Identifier: Apache-2.0
"""Labelled pieces of the long videos of PKU-MMD."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from bonefide.data.preparation._faults import check_bodies
from bonefide.data.preparation._slots import place_slots
from bonefide.data.raw._recording import RawBody, RawInterval, RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["neuron_name", "piece", "place_blocks"]

_VIDEO = re.compile(r"(?:\d(?P<video>\d{3})|A(?P<series>\d{2})N(?P<number>\d{2}))-[LMR]", re.ASCII)


def piece(recording: RawRecording, interval: RawInterval, name: str, *, skip: int) -> RawRecording:
    """One labelled action as a recording of its own.

    Args:
        recording: the whole video.
        interval: the action in it.
        name: sample id of the action.
        skip: frames of the video before its first one.
    """
    stop = max(skip, min(interval.last, recording.frames))
    parts = (_part(body, skip, stop) for body in recording.bodies)
    return replace(
        recording,
        name=name,
        label=interval.label,
        frames=stop - skip,
        bodies=tuple(body for body in parts if len(body.frames)),
        repeat=interval.line + 1,
        warnings=(),
        intervals=(),
    )


def _part(body: RawBody, start: int, stop: int) -> RawBody:
    first, last = np.searchsorted(body.frames, (start, stop))
    return RawBody(body.id, body.frames[first:last] - start, body.slots[first:last], body.joints[first:last])


def neuron_name(recording: RawRecording, interval: RawInterval) -> str:
    """Sample id of an action as Neuron writes it, `FfffVvvvCcccLlll` or `A0aaN0nnVvvvCcccLlll`.

    Args:
        recording: the whole video.
        interval: the action in it.

    Raises:
        RawFileError: `name`, if the video is not called as those of PKU-MMD.
    """
    match = _VIDEO.fullmatch(recording.name)
    if match is None:
        raise RawFileError(
            "name", "this preparation is of the videos of PKU-MMD, XXXX-V or AaaNnn-V", path=recording.name
        )
    video = f"F{match['video']}" if match["video"] else f"A0{match['series']}N0{match['number']}"
    return f"{video}V{recording.camera:03}C{interval.label + 1:03}L{interval.line + 1:03}"


def place_blocks(recording: RawRecording) -> Array:
    """Body 1 and body 2 of a piece on their frames, zeros where one is absent.

    Shape:
        returned: (M, T, 25, 3) float64; M = 1 if there is no body 2.

    Raises:
        RawFileError: `zero`, if there is no body at all; `joints` or `nonfinite`, if one cannot be used.
    """
    if not recording.bodies:
        raise RawFileError("zero", "nobody is seen in this piece of the video", path=recording.name)
    check_bodies(recording.name, recording.bodies)
    return place_slots(recording, 2)
