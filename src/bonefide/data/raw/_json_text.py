# SPDX-License-Identifier: Apache-2.0
"""JSON as raw files need it: strict, with a code for every fault, and lists of numbers turned into arrays."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["numbers", "parse_json", "table", "uncollected"]


def parse_json(content: bytes, path: str) -> Any:
    """The value of a JSON file.

    Args:
        content: of the file; a UTF-8 byte-order mark is accepted.
        path: its name, for errors.

    Raises:
        RawFileError: `empty`, `encoding` (not UTF-8), `json`, `truncated` (JSON that ends too early), `depth` (nested
            hundreds of levels deep), `nonfinite` (the words NaN and Infinity), `number` (an integer of thousands of
            digits), `keys` (a key twice in one object).
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        message = f"not UTF-8 text: {fault.reason} at byte {fault.start}"
        raise RawFileError("encoding", message, path=path) from None
    if not text or text.isspace():
        raise RawFileError("empty", "there is nothing in it", path=path)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        code, what = ("truncated", "it ends too early") if _ends_early(fault) else ("json", "no JSON")
        raise RawFileError(code, f"{what}: {fault.msg}", path=path, line=fault.lineno) from None
    except RecursionError:
        raise RawFileError("depth", "nested far too deeply", path=path) from None
    except _FaultError as fault:
        raise RawFileError(fault.code, str(fault), path=path) from None
    except ValueError:
        raise RawFileError("number", "an integer is too large", path=path) from None


def numbers(values: Sequence[Any], path: str) -> Array:
    """Values that must all be finite numbers.

    Args:
        values: as JSON gave them.
        path: name of the file, for errors.

    Shape:
        returned: (len(values),) float64.

    Raises:
        RawFileError: `number` (something else, or an integer beyond what a float can hold), `nonfinite`.
    """
    strange = set(map(type, values)) - {int, float}
    if strange:
        names = ", ".join(sorted(_WORDS.get(kind, kind.__name__) for kind in strange))
        raise RawFileError("number", f"{names} where a number should be", path=path)
    try:
        array = np.array(values, dtype=np.float64)
    except OverflowError:
        raise RawFileError("number", "an integer is too large", path=path) from None
    if not np.isfinite(array).all():
        raise RawFileError("nonfinite", "a number is infinite", path=path)
    return array


def table(rows: Sequence[Any], width: int, path: str, what: str) -> Array:
    """Lists of equally many numbers.

    Args:
        rows: as JSON gave them.
        width: length of each.
        path: name of the file, for errors.
        what: a word for a row, for errors.

    Shape:
        returned: (len(rows), width) float64.

    Raises:
        RawFileError: `joints` (a row that is no list, or of another length), `number`, `nonfinite`.
    """
    kinds = set(map(type, rows))
    if kinds - {list}:
        raise RawFileError("joints", f"{what} should be a list of {width} numbers", path=path)
    lengths = set(map(len, rows)) - {width}
    if lengths:
        message = f"{what} should have {width} numbers as the first or as its layout says, got {min(lengths)}"
        raise RawFileError("joints", message, path=path)
    return numbers(list(chain.from_iterable(rows)), path).reshape(len(rows), width)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage for the moment: between millions of new lists, none of which is any, it takes most time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _FaultError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    facts = dict(pairs)
    if len(facts) != len(pairs):
        raise _FaultError("keys", "a key occurs twice in one object")
    return facts


def _refuse_constant(word: str) -> NoReturn:
    raise _FaultError("nonfinite", f"{word} is no coordinate")


def _ends_early(fault: json.JSONDecodeError) -> bool:
    return not fault.doc[fault.pos :].strip() or fault.msg.startswith("Unterminated string")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
_WORDS = {bool: "true or false", str: "text", list: "a list", dict: "an object", type(None): "null"}
