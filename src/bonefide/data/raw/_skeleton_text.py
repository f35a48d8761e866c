# SPDX-License-Identifier: Apache-2.0
"""The text of NTU's `.skeleton` files, parsed twice: quickly if nothing is odd, else line by line with exact faults.

A file is: number of frames; per frame the number of bodies; per body a line that begins with its id, the line `25`,
and 25 lines of joints, x y z first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["JOINTS", "MOST_BODIES", "MOST_EMPTY_FRAMES", "BodyList", "parse_carefully", "parse_quickly"]

JOINTS = 25
MOST_BODIES = 1000
"""Most ids in a recording: the sensor tracks six bodies at once, but gives a new id to whoever returns."""
MOST_EMPTY_FRAMES = 1000
"""Most frames without bodies: a line in the file, but a kilobyte in an array, and no recording is as long."""
_BODY_LINES = 2 + JOINTS
_TRACKED_FIELD = 11
_FIRST_THREE = itemgetter(slice(3))
_TOKENS_AT_ONCE = 2**16
_BYTES_PER_ODD_LINE = 48  # a file of the sensor has one line that is no joint per kilobyte


@dataclass(frozen=True, eq=False)
class BodyList:
    """All bodies of all frames, in the order of the file.

    Args:
        frames: number of frames declared.
        ids: id of each body.
        places: frame and place in the frame's list, of each body.
        joints: coordinates of each body.
        tracked: tracking states, or None if the file does not have them.
        trailing: whether there is something after the last frame.

    Shape:
        places: (K, 2) int64.
        joints: (K, 25, 3) float64.
        tracked: (K, 25) int8 or None.
    """

    frames: int
    ids: list[str]
    places: Array
    joints: Array
    tracked: Array | None
    trailing: bool = False


def parse_quickly(content: bytes) -> BodyList | None:
    """Parse a file without oddities by a CSV reader: joint lines are its rows, all others are odd and come one by one.

    Args:
        content: the file, ASCII, without byte-order mark.

    Returns:
        The bodies, or None if anything is unusual: then `parse_carefully` knows what and where.
    """
    columns = _first_joint_line(content).count(b" ") + 1
    if columns < 3 or _has_wide_blanks(content):
        return None
    odd: list[tuple[int | None, str]] = []
    most = len(content) // _BYTES_PER_ODD_LINE + 16

    def keep(row: arrow_csv.InvalidRow) -> str:
        odd.append((row.number, row.text))
        return "skip" if len(odd) <= most else "error"

    try:
        table = _read_columns(content, columns, keep)
    except pa.ArrowException:
        return None
    structure = _structure(odd, len(odd) + table.num_rows)
    if structure is None:
        return None
    frames, ids, places = structure
    joints = np.stack([table.column(axis).to_numpy() for axis in "xyz"], axis=1).reshape(-1, JOINTS, 3)
    if not np.isfinite(joints).all():
        return None
    tracked = table.column("tracked").to_numpy() if "tracked" in table.column_names else None
    return BodyList(
        frames,
        ids,
        np.array(places, dtype=np.int64).reshape(-1, 2),
        joints,
        None if tracked is None or tracked.min() < 0 or tracked.max() > 2 else tracked.reshape(-1, JOINTS),
    )


def _has_wide_blanks(content: bytes) -> bool:
    """Whether there are tabs or doubled blanks, which a CSV reader takes for other fields than there are."""
    blank = np.frombuffer(content, dtype=np.uint8) == ord(" ")  # ten times as fast as searching the bytes
    return b"\t" in content or bool((blank[1:] & blank[:-1]).any())


def _first_joint_line(content: bytes) -> bytes:
    lines = content[:4096].splitlines()[1:]
    while lines and lines[0] == b"0":
        del lines[0]
    return lines[3] if len(lines) > 4 else b""


def _read_columns(content: bytes, columns: int, keep: Callable[[arrow_csv.InvalidRow], str]) -> pa.Table:
    names = ["x", "y", "z", *(str(column) for column in range(3, columns))]
    types = dict.fromkeys("xyz", pa.float64())
    if columns > _TRACKED_FIELD:
        names[_TRACKED_FIELD] = "tracked"
        types["tracked"] = pa.int8()
    return arrow_csv.read_csv(
        pa.BufferReader(content),
        # One thread: only then do the odd rows carry their numbers.
        arrow_csv.ReadOptions(use_threads=False, block_size=min(len(content) + 1, 2**30), column_names=names),
        arrow_csv.ParseOptions(delimiter=" ", quote_char=False, invalid_row_handler=keep),
        arrow_csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[], check_utf8=False),
    )


def _structure(odd: list[tuple[int | None, str]], lines: int) -> tuple[int, list[str], list[tuple[int, int]]] | None:
    """Frames, ids and places, if the odd lines are exactly where the counts on them say; else None."""
    rows = iter(odd)
    ids: list[str] = []
    places: list[tuple[int, int]] = []
    try:
        number, text = next(rows)
        frames, expected = _plain_count(text), 2
        for frame in range(frames):
            number, text = next(rows)
            if number != expected:
                return None
            expected += 1
            for slot in range(_plain_count(text)):
                first, (number, text) = next(rows), next(rows)
                if first[0] != expected or number != expected + 1 or text != "25":
                    return None
                ids.append(first[1].split(None, 1)[0])
                places.append((frame, slot))
                expected += _BODY_LINES
    except (StopIteration, ValueError):
        return None
    whole = ids and expected == lines + 1 and next(rows, None) is None
    few = len(set(ids)) <= MOST_BODIES and _empty_frames(frames, places) <= MOST_EMPTY_FRAMES
    return (frames, ids, places) if whole and few else None


def _empty_frames(frames: int, places: list[tuple[int, int]]) -> int:
    return frames - len({frame for frame, _ in places})


def _plain_count(text: str) -> int:
    if not text.isdigit():
        raise ValueError("not a plain count")
    return int(text)


@dataclass(frozen=True, eq=False)
class _Lines:
    """The lines that are not blank, without blanks at their ends, and what is needed to name one in an error."""

    path: str
    all: list[str]
    kept: list[str]

    def fault(self, code: str, message: str, index: int) -> RawFileError:
        """An error at a kept line, or at the end of the file."""
        written = [place for place, line in enumerate(self.all, start=1) if line.strip()]
        return RawFileError(code, message, path=self.path, line=written[min(index, len(written) - 1)])

    def count(self, index: int, what: str) -> int:
        """The count a line declares."""
        if index >= len(self.kept):
            raise self.fault("truncated", f"the file ends where the number of {what} should stand", index)
        token = self.kept[index]
        if not token.isdigit():
            message = f"the number of {what} should be an integer of at least 0, got '{token[:40]}'"
            raise self.fault("count", message, index)
        # More digits than any file has bytes; converting millions of them would take minutes.
        return int(token) if len(token.lstrip("0")) < 19 else 10**18

    def require(self, lines: int, index: int, what: str) -> None:
        """Nothing is read, let alone allocated, for more than the file can hold."""
        left = len(self.kept) - index - 1
        if lines > left:
            raise self.fault("truncated", f"{what} need at least {lines} more lines, {left} are left", index)


def parse_carefully(path: str, content: bytes) -> BodyList:
    """Parse a file line by line; blank lines, further blanks and every kind of line end are accepted.

    Args:
        path: name of the file, for errors.
        content: the file, ASCII, without byte-order mark.

    Raises:
        RawFileError: with code and line, if the file is damaged.
    """
    text = content.decode("ascii").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = _Lines(path, text, [line for line in map(str.strip, text) if line])
    if not lines.kept:
        raise RawFileError("empty", "the file holds no text", path=path)
    frames = lines.count(0, "frames")
    lines.require(frames, 0, f"{frames} frames")
    found = _Found()
    try:
        end = _read_frames(lines, frames, found)
    finally:
        # A number that is none is the first fault, if it stands before the line where reading stopped.
        found.convert(lines)
    if not found.ids:
        raise RawFileError("no_frames", f"none of the {frames} frames has a body", path=path)
    empty = _empty_frames(frames, found.places)
    if empty > MOST_EMPTY_FRAMES:
        message = f"{empty} of {frames} frames have no body; at most {MOST_EMPTY_FRAMES} are accepted"
        raise lines.fault("count", message, 0)
    return BodyList(
        frames,
        found.ids,
        np.array(found.places, dtype=np.int64).reshape(-1, 2),
        np.concatenate(found.numbers).reshape(-1, JOINTS, 3),
        _tracking(found.states),
        trailing=end < len(lines.kept),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """The bodies read so far; coordinates stay text until there are enough of them to be converted at once."""

    ids: list[str] = field(default_factory=list)
    distinct: set[str] = field(default_factory=set)
    places: list[tuple[int, int]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    numbers: list[Array] = field(default_factory=list)
    states: list[str] = field(default_factory=list)

    def add(self, lines: _Lines, index: int, place: tuple[int, int], fields: list[list[str]]) -> None:
        """Keep the body whose first line is `index`; `fields` are those of its joints."""
        self.starts.append(index + 2)
        self.tokens.extend(chain.from_iterable(map(_FIRST_THREE, fields)))
        if len(self.tokens) > _TOKENS_AT_ONCE:
            self.convert(lines)
        if len(fields[0]) > _TRACKED_FIELD:
            self.states.extend([each[_TRACKED_FIELD] for each in fields])
        self.ids.append(lines.kept[index].split(None, 1)[0])
        self.places.append(place)
        self.distinct.add(self.ids[-1])
        if len(self.distinct) > MOST_BODIES:
            message = f"the {MOST_BODIES + 1}st different body; a sensor that tracks six at once does not meet as many"
            raise lines.fault("count", message, index)

    def convert(self, lines: _Lines) -> None:
        """Turn the text that is waiting into numbers."""
        values = _numbers(self.tokens)
        if values is None:
            number, token = next((place, token) for place, token in enumerate(self.tokens) if _numbers([token]) is None)
            line = self.starts[number // (3 * JOINTS)] + number % (3 * JOINTS) // 3
            raise lines.fault("number", f"x, y, z should be numbers, got '{token[:40]}'", line)
        self.numbers.append(values)
        self.starts.clear()
        self.tokens.clear()


def _read_frames(lines: _Lines, frames: int, found: _Found) -> int:
    """Read all frames; the place behind the last is returned."""
    index, width = 1, 0
    for frame in range(frames):
        if index < len(lines.kept) and lines.kept[index] == "0":
            index += 1
            continue
        bodies = lines.count(index, "bodies")
        _require_bodies(lines, bodies, index)
        index += 1
        for slot in range(bodies):
            _require_joints(lines, index + 1)
            fields = [line.split() for line in lines.kept[index + 2 : index + _BODY_LINES]]
            width = width or len(fields[0])
            _require_fields(lines, fields, width, index + 2)
            found.add(lines, index, (frame, slot), fields)
            index += _BODY_LINES
    return index


def _require_bodies(lines: _Lines, bodies: int, index: int) -> None:
    """All bodies of a frame fit in the rest; a lone body of another joint count is told apart from a cut one."""
    if bodies and len(lines.kept) - index - 1 >= 2:
        _require_joints(lines, index + 2)
    lines.require(bodies * _BODY_LINES, index, f"{bodies} bodies")


def _require_joints(lines: _Lines, index: int) -> None:
    joints = lines.count(index, "joints")
    if joints != JOINTS:
        raise lines.fault("joints", f"a body of NTU RGB+D has {JOINTS} joints, got {joints}", index)


def _require_fields(lines: _Lines, fields: list[list[str]], width: int, index: int) -> None:
    if width >= 3 and set(map(len, fields)) == {width}:
        return
    for offset, each in enumerate(fields):
        if len(each) < 3 or len(each) != width:
            wanted = f"{width} fields as the file's first joint" if width >= 3 else "at least the 3 fields x y z"
            raise lines.fault("line", f"a joint should have {wanted}, got {len(each)}", index + offset)


def _numbers(tokens: list[str]) -> Array | None:
    """The tokens as Python reads numbers, but without underscores in them; None if one is no number."""
    try:
        values: Array = pa.array(tokens, pa.string()).cast(pa.float64()).to_numpy()
        if np.isfinite(values).all():
            return values
    except pa.ArrowInvalid:
        pass  # it knows no leading plus, and spells what is not finite in its own ways
    try:
        return None if "_" in "".join(tokens) else np.fromiter(map(float, tokens), np.float64, len(tokens))
    except ValueError:
        return None


def _tracking(states: list[str]) -> Array | None:
    known = {"": 0, "1": 1, "2": 2}
    if not states or any(not state.isdigit() or state.lstrip("0") not in known for state in states):
        return None
    return np.array([known[state.lstrip("0")] for state in states], dtype=np.int8).reshape(-1, JOINTS)
