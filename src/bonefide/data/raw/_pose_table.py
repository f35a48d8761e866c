# SPDX-License-Identifier: Apache-2.0
"""Poses as text: a row a frame, or a row a joint of a frame."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from bonefide.data.raw._pose_array import LIMIT, PoseArray, Poses, check_confidence
from bonefide.errors import RawFileError, did_you_mean
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["LongTable", "WideTable", "read_table"]

_SPACES = ("x", "y", "z")
_CONFIDENCE = ("confidence", "score", "visibility")
_BESIDE = (("frame",), ("frames",), ("time",), ("timestamp",), ("index",), ("unnamed", "0"), ())
_LONG = {
    "frame": ("frame", "frames", "frame_id"),
    "person": ("person", "person_id", "body", "body_id", "track", "track_id"),
    "joint": ("joint", "joint_id", "joint_name", "keypoint"),
    "x": ("x",),
    "y": ("y",),
    "z": ("z",),
    "confidence": _CONFIDENCE,
}
_NEEDED = ("frame", "joint", "x", "y")
_NOTHING = ["", "nan", "NaN", "NAN", "NA", "N/A", "null", "None", "none"]
_OTHERWISE = (
    "; or a row a joint, with columns frame, person, joint, x, y, z, confidence; or no header, in the layout's order"
)
_MOST_COLUMNS = 10_000
_PERSONS = 127
_GAP, _GAPS = 1000, 10

Key = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class WideTable:
    """A row a frame: coordinates in the order of the layout, or as the names of the columns say; one person.

    Args:
        names: of the columns, empty if they have none.
        values: their numbers, NaN where there is none.
        path: the file, for messages.

    Shape:
        values: (T, columns) float64.
    """

    names: tuple[str, ...]
    values: Array
    path: str

    def fit(self, layout: SkeletonLayout, channels: int) -> Poses:
        """Find the joints of a layout among the columns; see `PoseArray.fit`, and `columns` (a joint has none).

        Raises:
            RawFileError: if they are not there.
        """
        named = [_words(name) for name in self.names]
        if all(len(words) == 1 and words[0].isdecimal() for words in named):
            return PoseArray(self.values, None, self.path).fit(layout, channels)
        columns = self._columns(named, layout)
        spaces = _SPACES if any(space == "z" for _, space in columns) else _SPACES[:2]
        joints = [
            self._column(columns, layout, joint, space) for joint in range(len(layout.joints)) for space in spaces
        ]
        confidence = None
        if any(space == "confidence" for _, space in columns):
            sure = [self._column(columns, layout, joint, "confidence") for joint in range(len(layout.joints))]
            confidence = self.values[:, sure]
        return PoseArray(self.values[:, joints], confidence, self.path).fit(layout, channels)

    def _columns(self, named: Sequence[Key], layout: SkeletonLayout) -> dict[tuple[int, str], int]:
        """(joint, "x", "y", "z" or "confidence") to column."""
        joints = _joint_numbers(layout)
        found: dict[tuple[int, str], int] = {}
        for column, words in enumerate(named):
            space = "confidence" if words[-1] in _CONFIDENCE else words[-1]
            joint = joints.get(tuple(sorted(words[:-1])))
            if joint is None or space not in (*_SPACES, "confidence"):
                known = [f"{name}_{axis}" for name in layout.joints for axis in _SPACES]
                raise self._fault(
                    f"column '{self.names[column]:.40}' is no joint of {layout.name}"
                    + (did_you_mean("_".join(words), known) or f"; they are called '{known[0]}' and so on{_OTHERWISE}")
                )
            if (joint, space) in found:
                raise self._fault(f"column '{self.names[column]:.40}' is there twice")
            found[joint, space] = column
        return found

    def _column(self, columns: Mapping[tuple[int, str], int], layout: SkeletonLayout, joint: int, space: str) -> int:
        if (joint, space) not in columns:
            raise self._fault(f"there is no column '{layout.joints[joint]}_{space}', which {layout.name} has")
        return columns[joint, space]

    def _fault(self, message: str) -> RawFileError:
        return RawFileError("columns", message, path=self.path, line=1)


@dataclass(frozen=True, eq=False)
class LongTable:
    """A row a joint of a frame.

    Args:
        frames: number of the frame of each row, from wherever the file begins to count.
        persons: who, of each row, as a number; and what these are called.
        joints: which joint, of each row, as a number; and what these are called.
        values: coordinates of each row, NaN where there is none.
        confidence: of each row, or None.
        path: the file, for messages.

    Shape:
        frames: (n,) int64.
        values: (n, C) float64.
        confidence: (n,) float64.
    """

    frames: Array
    persons: tuple[Array, tuple[str, ...]]
    joints: tuple[Array, tuple[str, ...]]
    values: Array
    confidence: Array | None
    path: str

    def fit(self, layout: SkeletonLayout, channels: int) -> Poses:
        """Put every row in its place.

        Raises:
            RawFileError: `columns` (a joint the layout does not have), `shape` (other coordinates than asked for),
                `duplicate` (a joint twice in a frame), `frame` (numbers far apart), `persons`, `too_large`,
                `confidence`.
        """
        numbers, called = self.joints
        joints = np.array(self._known(called, layout), dtype=np.int64)[numbers]
        frames = self.frames - self.frames.min()
        count, distinct = int(frames.max()) + 1, len(np.unique(frames))
        if count > _GAPS * distinct + _GAP:
            fault = f"{distinct} frames are numbered over a span of {count}; number them one after the other"
            raise RawFileError("frame", fault, path=self.path)
        persons, names = self.persons
        space = self.values.shape[1]
        if len(names) > _PERSONS:
            raise RawFileError("persons", f"{len(names)} persons, at most {_PERSONS} are possible", path=self.path)
        if channels not in (0, space):
            raise RawFileError("shape", f"a joint has {space} coordinates where {channels} are due", path=self.path)
        shape = (len(names), count, len(layout.joints))
        if int(np.prod(shape, dtype=object)) * space > LIMIT:
            raise RawFileError("too_large", f"{shape[:2]} persons x frames are more than fit", path=self.path)
        place = np.ravel_multi_index((persons, frames, joints), shape)
        if len(np.unique(place)) < len(place):
            raise RawFileError("duplicate", "a joint of a person occurs twice in a frame", path=self.path)
        placed = np.full((*shape, space), np.nan)
        placed.reshape(-1, space)[place] = self.values
        sure = None
        if self.confidence is not None:
            sure = np.zeros(shape, dtype=np.float32)
            sure.reshape(-1)[place] = check_confidence(self.confidence, self.path)
        return Poses(placed, sure, names)

    def _known(self, called: Sequence[str], layout: SkeletonLayout) -> list[int]:
        if all(name.isdecimal() and name.isascii() and len(name) < 6 for name in called):
            outside = [name for name in called if int(name) >= len(layout.joints)]
            if outside:
                last = len(layout.joints) - 1
                raise self._unknown(f"there is no joint {outside[0]}, those of {layout.name} are 0 to {last}")
            return [int(name) for name in called]
        known = _joint_numbers(layout)
        numbers = [known.get(tuple(sorted(_words(name)))) for name in called]
        for name, number in zip(called, numbers, strict=True):
            if number is None:
                raise self._unknown(f"{layout.name} has no joint '{name:.40}'{did_you_mean(name, layout.joints)}")
        return [number for number in numbers if number is not None]

    def _unknown(self, message: str) -> RawFileError:
        return RawFileError("columns", message, path=self.path)


def read_table(content: bytes, *, path: str) -> WideTable | LongTable:
    """Poses from text with commas, semicolons, tabs or blanks between the numbers.

    Args:
        content: the file's bytes, UTF-8.
        path: the file, for messages.

    Raises:
        RawFileError: `empty`, `encoding`, `shape` (too many columns, or one), `no_frames` (only a header), `line` (a
            row of other length), `number` (not a number where one is due), `columns` (one of the long form occurs
            twice, or none holds coordinates).
    """
    try:
        content.decode()
    except UnicodeDecodeError as fault:
        raise RawFileError("encoding", f"no UTF-8 text: {fault.reason} at byte {fault.start}", path=path) from None
    content = content.removeprefix(b"\xef\xbb\xbf").removeprefix(b"# ")
    if not content.strip():
        raise RawFileError("empty", "there is nothing in it", path=path)
    delimiter, content = _delimited(content)
    text = _Text(content, delimiter, _first_row(content, delimiter), path)
    first = text.first
    if not 2 <= len(first) <= _MOST_COLUMNS:
        raise RawFileError("shape", f"{len(first)} columns, expected 2 to {_MOST_COLUMNS}", path=path)
    names = () if _are_numbers(first) else first
    long = _long_columns(names, path)
    if all(name in long for name in _NEEDED):
        types = {column: pa.string() if name in ("person", "joint") else pa.float64() for name, column in long.items()}
        table = _parsed(text, types, header=True)
        return _long_table({name: table.column(str(column)) for name, column in long.items()}, path)
    kept = [column for column in range(len(first)) if not names or _words(names[column]) not in _BESIDE]
    if not kept:
        raise RawFileError("columns", f"no column holds coordinates{_OTHERWISE}", path=path, line=1)
    table = _parsed(text, dict.fromkeys(kept, pa.float64()), header=bool(names))
    values = np.stack([_numbers(table.column(str(column))) for column in kept], axis=1)
    return WideTable(tuple(names[column] for column in kept if names), values, path)


class _Text(NamedTuple):
    content: bytes
    delimiter: str
    first: tuple[str, ...]
    path: str


def _delimited(content: bytes) -> tuple[str, bytes]:
    """The delimiter, and the text with it: several blanks count as one."""
    line = content.lstrip().partition(b"\n")[0]
    for delimiter in (b";", b"\t", b","):
        if delimiter in line:
            return delimiter.decode(), content
    if b"  " in content or re.search(rb"(?m)^ | \r?$|\t", content):
        content = b"\n".join(b" ".join(line.split()) for line in content.splitlines())
    return " ", content


def _first_row(content: bytes, delimiter: str) -> tuple[str, ...]:
    line = content.lstrip(b"\r\n").splitlines()[0].decode()
    if line.count(delimiter) > _MOST_COLUMNS:
        return ("",) * (_MOST_COLUMNS + 1)
    try:
        cells = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        cells = line.split(delimiter)
    return tuple(cell.strip() for cell in cells)


def _are_numbers(cells: Sequence[str]) -> bool:
    """Whether a row is numbers; 0, 1, 2, ... is the header a data frame writes."""
    counted = cells[1:] if not cells[0] else cells
    if list(counted) == [str(number) for number in range(len(counted))]:
        return False
    try:
        [float(cell) for cell in cells if cell not in _NOTHING]
    except ValueError:
        return False
    return True


def _long_columns(names: Sequence[str], path: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for column, name in enumerate(names):
        meaning = next((each for each, spelt in _LONG.items() if "_".join(_words(name)) in spelt), None)
        if meaning in found:
            raise RawFileError("columns", f"two columns say the {meaning}", path=path, line=1)
        if meaning is not None:
            found[meaning] = column
    return found


def _parsed(text: _Text, types: Mapping[int, pa.DataType], *, header: bool) -> pa.Table:
    rows = text.content.lstrip(b"\r\n")
    named = {str(column): kind for column, kind in sorted(types.items())}
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(rows),
            arrow_csv.ReadOptions(
                # One thread: only then do errors carry the number of the row.
                use_threads=False,
                block_size=len(rows) + 1024,
                column_names=[str(column) for column in range(len(text.first))],
                skip_rows=int(header),
            ),
            arrow_csv.ParseOptions(delimiter=text.delimiter),
            arrow_csv.ConvertOptions(column_types=named, include_columns=list(named), null_values=_NOTHING),
        )
    except pa.ArrowException as fault:
        raise _told(str(fault), text) from None
    if not table.num_rows:
        raise _told("too short", text)
    return table


def _told(message: str, text: _Text) -> RawFileError:
    row = re.search(r"Row #(\d+)", message)
    line = None
    if row is not None:
        filled = [number for number, each in enumerate(text.content.splitlines(), 1) if each]
        line = filled[int(row[1]) - 1] if int(row[1]) <= len(filled) else None
    wrong = re.search(r"invalid value '(.{0,40})", message, re.DOTALL)
    if wrong is not None:
        given = wrong[1].removesuffix("'")
        return RawFileError("number", f"'{given}' is not a number", path=text.path, line=line)
    if "too short" in message:
        return RawFileError("no_frames", "there is a header and nothing below it", path=text.path)
    lengths = re.search(r"Expected \d+ columns, got \d+", message)
    return RawFileError("line", lengths[0].lower() if lengths else message[:100], path=text.path, line=line)


def _long_table(columns: Mapping[str, pa.ChunkedArray], path: str) -> LongTable:
    frames = _numbers(columns["frame"])
    if not (np.abs(frames) < 2**53).all() or (frames != np.floor(frames)).any():
        raise RawFileError("number", "a number of a frame is missing or not whole", path=path)
    spaces = [space for space in _SPACES if space in columns]
    one = np.zeros(len(frames), dtype=np.int64), ("0",)
    return LongTable(
        frames=frames.astype(np.int64),
        persons=_told_apart(columns["person"]) if "person" in columns else one,
        joints=_told_apart(columns["joint"]),
        values=np.stack([_numbers(columns[space]) for space in spaces], axis=1),
        confidence=_numbers(columns["confidence"]) if "confidence" in columns else None,
        path=path,
    )


def _numbers(column: pa.ChunkedArray) -> Array:
    return column.to_numpy().astype(np.float64, copy=False)


def _told_apart(column: pa.ChunkedArray) -> tuple[Array, tuple[str, ...]]:
    """Numbers in order of first appearance, and the texts they stand for."""
    coded = column.combine_chunks().fill_null("").dictionary_encode()
    return coded.indices.to_numpy().astype(np.int64), tuple(text.strip() for text in coded.dictionary.to_pylist())


def _joint_numbers(layout: SkeletonLayout) -> dict[Key, int]:
    return {tuple(sorted(_words(name))): number for number, name in enumerate(layout.joints)}


def _words(name: str) -> Key:
    """`kneeLeft.x`, `Knee Left X` and `knee_left_x` are the same words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return tuple(re.findall(r"[a-z0-9]+", spaced.lower()))
