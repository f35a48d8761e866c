# SPDX-License-Identifier: Apache-2.0
"""The text of PKU-MMD's videos: a line a frame, 150 numbers, body 1 then body 2, each 25 joints x y z.

Parsed twice as NTU's: quickly by a CSV reader, and if that meets a fault line by line, to say what and where.
"""

from __future__ import annotations

import io
from array import array

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["parse_carefully", "parse_quickly"]

_BODIES, _JOINTS, _AXES = 2, 25, 3
_NUMBERS = _BODIES * _JOINTS * _AXES
_BLOCK = 2**20
_BLANK, _END = ord(" "), ord("\n")
_LIMIT = float(np.finfo(np.float32).max)
"""What stores hold; larger numbers would become infinite there."""


def parse_quickly(content: bytes) -> Array | None:
    """Parse a video by a CSV reader, if it has no faults.

    Args:
        content: the file, ASCII, without byte-order mark.

    Shape:
        returned: (T, 2, 25, 3) float64; None if anything is wrong: then `parse_carefully` knows what and where.
    """
    values = _read_columns(content) if _is_tidy(content) else None
    values = _read_columns(_tidied(content)) if values is None else values
    if values is None:
        return None
    # Not a number fails both comparisons.
    in_range = values.min() >= -_LIMIT and values.max() <= _LIMIT
    return values.reshape(-1, _BODIES, _JOINTS, _AXES) if in_range else None


def _is_tidy(content: bytes) -> bool:
    """Whether the first line is numbers and single blanks between them."""
    first = content[: content.find(b"\n") + 1]
    return first.count(b" ") == _NUMBERS - 1 and not first.startswith(b" ") and b" \n" not in first


def _tidied(content: bytes) -> bytes:
    """The same numbers on the same lines with single blanks between them, and nothing else."""
    letters = np.frombuffer(content, dtype=np.uint8)
    letters = np.where(letters == ord("\t"), np.uint8(_BLANK), letters)
    letters[letters == ord("\r")] = _END
    # Of several blanks the last one stays, if no line ends after it or before all of them.
    blank, next_one = letters == _BLANK, np.append(letters[1:], np.uint8(_END))
    letters = letters[~(blank & ((next_one == _BLANK) | (next_one == _END)))]
    before = np.insert(letters[:-1], 0, _END)
    return letters[~((letters == _BLANK) & (before == _END))].tobytes()


def _read_columns(content: bytes) -> Array | None:
    """Numbers of a tidy file, (T, 150), or None if it is not tidy or has something else in it."""
    numbers = [str(column) for column in range(_NUMBERS)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=numbers),
            arrow_csv.ParseOptions(delimiter=" ", quote_char=False),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(numbers, pa.float64()), null_values=[], check_utf8=False
            ),
        )
    except pa.ArrowException:
        return None
    return np.stack([column.to_numpy() for column in table.columns], axis=1) if table.num_rows else None


def parse_carefully(path: str, content: bytes) -> Array:
    """Parse a video line by line; blank lines, further blanks and every kind of line end are accepted.

    Args:
        path: name of the file, for errors.
        content: the file, ASCII, without byte-order mark.

    Shape:
        returned: (T, 2, 25, 3) float64.

    Raises:
        RawFileError: with code and line, if the file is damaged.
    """
    values = array("d")
    read = _plain_float if b"_" in content else float
    lines = io.BytesIO(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    for number, line in enumerate(lines, start=1):
        fields = line.split(None, _NUMBERS)
        if not fields:
            continue
        if len(fields) != _NUMBERS:
            raise _length_fault(path, number, len(fields), last=not lines.read().strip())
        try:
            found = list(map(read, fields))
        except ValueError:
            raise _number_fault(path, number, fields) from None
        # The sum decides soon in all but odd cases.
        if not (sum(map(abs, found)) <= _LIMIT or all(abs(value) <= _LIMIT for value in found)):
            raise RawFileError("nonfinite", "a coordinate is not finite in float32", path=path, line=number)
        values.extend(found)
    if not values:
        raise RawFileError("empty", "the file holds no text", path=path)
    return np.frombuffer(values).reshape(-1, _BODIES, _JOINTS, _AXES)


def _length_fault(path: str, number: int, fields: int, *, last: bool) -> RawFileError:
    if fields < _NUMBERS and last:
        message = f"the last frame has {fields} of its {_NUMBERS} numbers: the file is cut off"
        return RawFileError("truncated", message, path=path, line=number)
    got = f"{fields}" if fields < _NUMBERS else "more"
    message = f"a frame should have {_NUMBERS} numbers, two bodies of {_JOINTS} joints x y z, got {got}"
    return RawFileError("line", message, path=path, line=number)


def _number_fault(path: str, number: int, fields: list[bytes]) -> RawFileError:
    odd = next(field for field in fields if not _is_number(field))
    message = f"x, y, z should be numbers, got '{odd[:40].decode('ascii')}'"
    return RawFileError("number", message, path=path, line=number)


def _plain_float(field: bytes) -> float:
    """A number without the underscores that Python, unlike the format, allows in it."""
    if b"_" in field:
        raise ValueError("underscore in a number")
    return float(field)


def _is_number(field: bytes) -> bool:
    try:
        _plain_float(field)
    except ValueError:
        return False
    return True
