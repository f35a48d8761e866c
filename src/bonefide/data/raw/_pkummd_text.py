# SPDX-License-Identifier: Apache-2.0
"""The text of PKU-MMD's videos: a line a frame, 150 numbers, body 1 then body 2, each 25 joints x y z.

Parsed twice as NTU's: quickly by a CSV reader if nothing is odd, else line by line with exact faults.
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
_LIMIT = float(np.finfo(np.float32).max)
"""What stores hold; larger numbers would become infinite there."""


def parse_quickly(content: bytes) -> Array | None:
    """Parse a video without oddities by a CSV reader.

    Args:
        content: the file, ASCII, without byte-order mark.

    Shape:
        returned: (T, 2, 25, 3) float64; None if anything is unusual: then `parse_carefully` knows what and where.
    """
    end = content.find(b"\n")
    first = content[:end].rstrip(b"\r")
    delimiter = b"\t" if b"\t" in first else b" "
    # A blank at the ends of the lines is an empty column.
    before, after = first.startswith(delimiter), first.endswith(delimiter)
    if end < 0 or end >= _BLOCK or first.count(delimiter) - before - after + 1 != _NUMBERS:
        return None
    try:
        values = _read_columns(content, delimiter.decode(), before=before, after=after)
    except pa.ArrowException:
        return None
    # Not a number fails both comparisons.
    in_range = values.min() >= -_LIMIT and values.max() <= _LIMIT
    return values.reshape(-1, _BODIES, _JOINTS, _AXES) if in_range else None


def _read_columns(content: bytes, delimiter: str, *, before: bool, after: bool) -> Array:
    numbers = [str(column) for column in range(_NUMBERS)]
    empty = {**({"before": pa.string()} if before else {}), **({"after": pa.string()} if after else {})}
    table = arrow_csv.read_csv(
        pa.BufferReader(content),
        arrow_csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK,
            column_names=[*(["before"] if before else []), *numbers, *(["after"] if after else [])],
        ),
        arrow_csv.ParseOptions(delimiter=delimiter, quote_char=False),
        arrow_csv.ConvertOptions(
            column_types={**dict.fromkeys(numbers, pa.float64()), **empty}, null_values=[], check_utf8=False
        ),
    )
    for column in empty:
        if any(table.column(column).unique().to_pylist()):
            raise pa.ArrowInvalid("more numbers than fit")
    return np.stack([table.column(column).to_numpy() for column in numbers], axis=1)


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
    plain = b"_" not in content
    lines = io.BytesIO(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    for number, line in enumerate(lines, start=1):
        fields = line.split(None, _NUMBERS)
        if not fields:
            continue
        if len(fields) != _NUMBERS:
            raise _length_fault(path, number, len(fields), last=not lines.read().strip())
        try:
            found = [float(field) for field in fields] if plain else [_plain_float(field) for field in fields]
        except ValueError:
            raise _number_fault(path, number, fields) from None
        if not all(-_LIMIT <= value <= _LIMIT for value in found):
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
