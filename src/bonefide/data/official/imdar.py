# SPDX-License-Identifier: Apache-2.0
"""The pickled dictionaries of IMDAR, one a recording of NTU RGB+D."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data.official._arrays import parse_header
from bonefide.data.official._samples import OfficialSample, OfficialSet, Request, check_labels
from bonefide.data.preparation import preparation
from bonefide.data.raw import reader
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.data.safe_pickle import load_pickle
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array

__all__ = ["IMDAR"]

_ENDING = ".skeleton.npy"
_LIMIT = 256 * 2**20
_SLOTS = 10


class IMDAR:
    """Files `SsssCcccPpppRrrrAaaa.skeleton.npy`: what a `.skeleton` file lists, slot by slot, without ids.

    A dictionary with `file_name`, `nbodys` (bodies listed in every frame), `njoints` and `skel_body0`, `skel_body1` and
    so on; colour and depth coordinates may be there and are not read. The preparation, `ntu_slots` if no other is asked
    for, gets them as a recording, so any that does not look at ids can follow. Nothing in the file is executed.

    Shape:
        skel_body: (F, 25, 3), metres, zeros where a frame lists fewer bodies.

    Raises:
        DataError: from `read`, if a file has no official name.

    Reference:
        adjkamel/imdar 724d9e4, txt2npy.py.

    Differs from the official code:
        Nothing known.

    Example:
        >>> IMDAR().matches(Path("S001C001P001R001A001.skeleton.npy"))
        True
    """

    def matches(self, path: Path) -> bool:
        """Whether a file of that name is of this form."""
        return path.name.endswith(_ENDING)

    def read(self, paths: Sequence[Path], request: Request, opened: ExitStack) -> OfficialSet:
        """Look into files; see `OfficialForm`."""
        ordered = sorted(paths, key=lambda path: path.name)
        strangers = [path for path in ordered if not reader("ntu").matches(path.name.removesuffix(".npy"))]
        if strangers:
            raise DataError(f"{strangers[0]} is not called SsssCcccPpppRrrrAaaa{_ENDING}, so its label is unknown")
        samples = tuple(OfficialSample(name, int(name[17:20]) - 1) for name in map(_name, ordered))
        check_labels([each.label for each in samples], 0 if request.own else len(request.info.classes), "file names")
        return OfficialSet(
            samples=samples,
            read=_reader(ordered, request),
            preparation=request.preparation or "ntu_slots",
            layout="ntu25",
            shape=(25, 3),
            sizes=tuple(path.stat().st_size for path in ordered),
            listed=(),
            named=True,
            digest=tuple((path.name, path.stat().st_size) for path in ordered),
        )


def _name(path: Path) -> str:
    return path.name.removesuffix(_ENDING)


def _reader(paths: Sequence[Path], request: Request) -> Callable[[int], Array]:
    name = request.preparation or "ntu_slots"
    step = preparation(name, request.info.options.get(name, {}))

    def read(place: int) -> Array:
        try:
            return step(_recording(paths[place])).joints
        except OSError as fault:
            raise RawFileError("read", f"it cannot be read ({fault.strerror or fault})") from None

    return read


def _recording(path: Path) -> RawRecording:
    content = _content(path)
    listed = content.get("nbodys", ())
    listed = listed.ravel().tolist() if isinstance(listed, np.ndarray) else listed
    if not isinstance(listed, list | tuple) or not listed or not all(_is_count(each) for each in listed):
        raise RawFileError("count", f"nbodys lists the bodies of every frame, 0 to {_SLOTS}", path=path.name)
    counts = np.array(listed, dtype=np.int64)
    bodies = []
    for slot in range(int(counts.max())):
        joints = content.get(f"skel_body{slot}")
        if joints is None:
            break  # the official script keeps four slots
        if not isinstance(joints, np.ndarray) or joints.shape != (len(counts), 25, 3) or joints.dtype.kind != "f":
            raise RawFileError("joints", f"skel_body{slot} is not ({len(counts)}, 25, 3)", path=path.name)
        frames = np.flatnonzero(counts > slot)
        if not np.isfinite(joints[frames]).all():
            raise RawFileError("nonfinite", f"skel_body{slot} has coordinates that are not finite", path=path.name)
        bodies.append(RawBody(str(slot), frames, np.full(len(frames), slot), joints[frames].astype(np.float64)))
    name = _name(path)
    return RawRecording(name, int(name[17:20]) - 1, len(counts), 30.0, tuple(bodies))


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and bool(0 <= value <= _SLOTS)


def _content(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        content = file.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise RawFileError("too_large", f"more than {_LIMIT} bytes", path=path.name)
    head = io.BytesIO(content[:65_536])
    try:
        shape, _, dtype = parse_header(head, path.name)
    except DataError as fault:
        raise RawFileError("header", str(fault)) from None
    if shape or not dtype.hasobject:
        raise RawFileError("header", "no dictionary in it", path=path.name)
    try:
        found = load_pickle(content[head.tell() :], path=path.name)
    except DataError as fault:
        raise RawFileError("pickle", str(fault)) from None
    found = found.item() if isinstance(found, np.ndarray) and found.shape == () else found
    if not isinstance(found, dict):
        raise RawFileError("header", "no dictionary in it", path=path.name)
    return found
