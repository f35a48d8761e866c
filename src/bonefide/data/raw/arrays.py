# SPDX-License-Identifier: Apache-2.0
"""One's own data: arrays or tables of coordinates, one file a recording."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import KW_ONLY, dataclass
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from bonefide import layouts
from bonefide.data.raw._numpy_files import read_npy, read_npz
from bonefide.data.raw._pose_array import LIMIT, PoseArray, Poses
from bonefide.data.raw._pose_table import LongTable, WideTable, read_table
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, RawFileError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["Arrays"]

_TEXT = (".csv", ".tsv", ".txt")
_ENDINGS = (".npy", ".npz", *_TEXT)
_ABOUT = ("readme", "license", "licence")
_SIDE = ("labels.csv", "labels.tsv")
_JOINTS = ("joints", "keypoints", "data")
_BESIDE = ("confidence", "fps", "label")
_BYTES = 8 * LIMIT


@dataclass(frozen=True)
class Arrays:
    r"""Reader of one's own recordings: `.npy`, `.npz`, `.csv`, `.tsv` or `.txt`, one file each.

    An array is (T, V, C), (M, T, V, C), (C, T, V, M) or (T, V C), where C is 2 or 3; the layout's number of joints
    tells which. A `.npz` file holds it under `joints`, `keypoints` or `data`, or as its only array, and may add
    `confidence` (the same axes without C, 0 to 1) and `fps`. Text has a row a frame, with the coordinates in the
    layout's order or under names such as `left_knee_x`; or a row a joint with the columns `frame`, `joint`, `x`, `y`
    and, if there are such, `person`, `z`, `confidence`. NaN, or an empty cell, means not seen: a person of whom nothing
    is seen in a frame, or whose coordinates are all 0, is absent there; a single unseen joint gets coordinates 0 and
    confidence 0.

    Args:
        layout: of the joints, a name or the layout itself. "" takes the one layout of the package that fits the first
            recording, if there is only one.
        fps: frames a second, above 0, where a file does not say; None if unknown.
        channels: coordinates a joint, 2 or 3; 0 for those of each file. `informed` sets it by the first recording.
        guessed: whether the layout was guessed.
        clashing: stems that several files have; their recordings are called by path.

    Shape:
        bodies of a recording: `joints` (t, V, C) float64, `confidence` (t, V) float32 or None.

    Raises:
        UnknownNameError: if there is no such layout.
        DataError: if `fps` or `channels` is out of range; from `informed`, if no file can be read or the layout stays
            unknown.
        RawFileError: from `read`, with one of the codes `name` (another ending), `empty`, `npy`, `npz`, `truncated`,
            `keys` (no array of a known name, or several), `number`, `nonfinite`, `shape`, `layout` (not given, and not
            to be guessed), `confidence`, `fps`, `too_large`, `no_frames` (nobody in any frame), `persons` (more than
            127), and of text: `encoding`, `line` (a row of other length), `columns` (of unknown or missing names),
            `frame` (numbers far apart), `duplicate`. Warnings of the recording: `layout_guessed`, `nan_joints` (single
            joints not seen), `axes_assumed` (as many persons as coordinates; persons were taken to be first),
            `trailing` (bytes after an array).

    Reference:
        The `.npy` format, version 1 and 2: NumPy Enhancement Proposal 1.

    Example:
        >>> content = b"frame,joint,x,y\n1,nose,0.5,1\n2,nose,0.5,2\n"
        >>> nose = SkeletonLayout("nose", ("nose",), (0,), (0,))
        >>> recording = Arrays(nose).read("jump.csv", content)
        >>> recording.name, recording.bodies[0].joints.tolist()
        ('jump', [[[0.5, 1.0]], [[0.5, 2.0]]])
    """

    layout: str | SkeletonLayout = ""
    _: KW_ONLY
    fps: float | None = None
    channels: int = 0
    guessed: bool = False
    clashing: frozenset[str] = frozenset()

    listed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if isinstance(self.layout, str) and self.layout:
            layouts.layout(self.layout)
        if self.fps is not None and not 0 < self.fps < np.inf:
            raise DataError(f"fps must be above 0, got {self.fps}")
        if self.channels not in (0, 2, 3):
            raise DataError(f"a joint has 2 or 3 coordinates, got {self.channels}")

    def matches(self, member: str) -> bool:
        """Whether a file has one of the endings and is no table of labels, no README and no licence."""
        about = PurePosixPath(member).name.lower().startswith(_ABOUT)
        return member.lower().endswith(_ENDINGS) and not about and not self.is_side(member)

    def is_side(self, member: str) -> bool:
        """Whether a file is a table of labels, `labels.csv` or `labels.tsv`."""
        return PurePosixPath(member).name.lower() in _SIDE

    def informed(self, source: RawSource) -> Arrays:
        """A reader with the layout and the number of coordinates of the first recording that can be read.

        Raises:
            DataError: if there is none, or the layout is not given and not to be guessed.
        """
        members = [member for member, _ in source.members if self.matches(member)]
        stems = Counter(PurePosixPath(member).stem for member in members)
        first: RawFileError | None = None
        for member in members:
            try:
                given = _parsed(member, source.read(member))[0]
                layout, guessed = self._layout_of(given)
                space = given.fit(layout, self.channels).joints.shape[-1]
            except RawFileError as fault:
                if fault.code == "layout":
                    raise DataError(str(fault)) from None
                first = first or fault
                continue
            clashing = frozenset(stem for stem, count in stems.items() if count > 1)
            known = layout.name if layout.name in layouts.names() and layouts.layout(layout.name) == layout else layout
            return dataclasses.replace(self, layout=known, channels=space, guessed=guessed, clashing=clashing)
        there = f"none of {len(members)} files can be read, the first: {first}" if first else "there is no file"
        raise DataError(f"{there}; recordings are {', '.join(_ENDINGS)} files of coordinates")

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file.

        Args:
            member: its name, with or without folders.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        if not self.matches(member):
            raise RawFileError("name", f"recordings are {', '.join(_ENDINGS)} files", path=member)
        given, fps, warnings = _parsed(member, content)
        layout, guessed = self._layout_of(given)
        poses = given.fit(layout, self.channels)
        bodies, holes = _bodies(poses, member)
        noted = {"layout_guessed": guessed or self.guessed, "nan_joints": holes}
        path = PurePosixPath(member)
        return RawRecording(
            name=path.with_suffix("").as_posix() if path.stem in self.clashing else path.stem,
            label=-1,
            frames=poses.joints.shape[1],
            fps=self.fps if fps is None else fps,
            bodies=bodies,
            warnings=(*warnings, *poses.warnings, *(code for code, true in noted.items() if true)),
        )

    def _layout_of(self, given: PoseArray | WideTable | LongTable) -> tuple[SkeletonLayout, bool]:
        if isinstance(self.layout, SkeletonLayout):
            return self.layout, False
        if self.layout:
            return layouts.layout(self.layout), False
        fitting = [name for name in layouts.names() if _suits(given, layouts.layout(name), self.channels)]
        if len(fitting) == 1:
            return layouts.layout(fitting[0]), True
        known = ", ".join(f"{name} ({len(layouts.layout(name).joints)} joints)" for name in layouts.names())
        found = (
            f"its joints could be those of {' or '.join(fitting)}" if fitting else "its joints are of no known layout"
        )
        raise RawFileError(
            "layout", f"{found}; give --layout, a name or a YAML file; there are: {known}", path=given.path
        )


def _suits(given: PoseArray | WideTable | LongTable, layout: SkeletonLayout, channels: int) -> bool:
    try:
        poses = given.fit(layout, channels)
    except RawFileError:
        return False
    # Rows of joints fit every layout that has more; only the one whose joints all occur is meant.
    return not (isinstance(given, LongTable) and np.isnan(poses.joints).all(axis=(0, 1, 3)).any())


def _parsed(member: str, content: bytes) -> tuple[PoseArray | WideTable | LongTable, float | None, tuple[str, ...]]:
    """What a file holds, its frames a second, and codes of what was tolerated."""
    ending = PurePosixPath(member).suffix.lower()
    if ending in _TEXT:
        return read_table(content, path=member), None, ()
    if ending == ".npy":
        array, trailing = read_npy(content, path=member)
        arrays = {"joints": array}
    else:
        arrays, trailing = read_npz(content, limit=_BYTES, path=member)
    joints = _of_known_name(arrays, member)
    if joints.size > LIMIT:
        raise RawFileError("too_large", f"{joints.size} numbers, a recording can have {LIMIT}", path=member)
    given = PoseArray(joints, arrays.get("confidence"), member)
    return given, _fps(arrays, member), ("trailing",) if trailing else ()


def _of_known_name(arrays: dict[str, Array], path: str) -> Array:
    named = [name for name in _JOINTS if name in arrays] or [name for name in arrays if name not in _BESIDE]
    if len(named) != 1:
        there = f"there are {', '.join(sorted(arrays))[:80]}" if arrays else "there is none"
        raise RawFileError("keys", f"expected one array, best called 'joints'; {there}", path=path)
    return arrays[named[0]]


def _fps(arrays: dict[str, Array], path: str) -> float | None:
    if "fps" not in arrays:
        return None
    fps = float(arrays["fps"].ravel()[0]) if arrays["fps"].size == 1 else 0.0
    if not 0 < fps < np.inf:
        raise RawFileError("fps", "fps is not one number above 0", path=path)
    return fps


def _bodies(poses: Poses, path: str) -> tuple[tuple[RawBody, ...], bool]:
    """Everybody in the frames where something is seen of them, and whether single joints are missing there."""
    joints = poses.joints
    # Stores hold float32, where larger numbers are infinite.
    if (np.abs(joints) > np.finfo(np.float32).max).any():
        raise RawFileError("nonfinite", "a coordinate is infinite", path=path)
    unseen = np.asarray(np.isnan(joints).any(axis=-1))
    present = ~(unseen | (joints == 0).all(axis=-1)).all(axis=-1)
    if not present.any():
        raise RawFileError("no_frames", "nobody is seen in any frame", path=path)
    holes = bool(np.any(unseen & present[..., None]))
    confidence = np.ones(unseen.shape, dtype=np.float32) if holes and poses.confidence is None else poses.confidence
    slots = np.cumsum(present, axis=0) - 1
    order = sorted(np.flatnonzero(present.any(axis=1)).tolist(), key=lambda person: int(present[person].argmax()))
    bodies = []
    for person in order:
        frames = np.flatnonzero(present[person])
        hidden = unseen[person, frames]
        bodies.append(
            RawBody(
                poses.persons[person],
                frames,
                slots[person, frames],
                np.where(hidden[..., None], 0.0, joints[person, frames]),
                None,
                None if confidence is None else np.where(hidden, np.float32(0), confidence[person, frames]),
            )
        )
    return tuple(bodies), holes
