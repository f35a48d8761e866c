# SPDX-License-Identifier: Apache-2.0
"""Write pickles piece by piece, so that memory never holds the whole, and so that every NumPy can load them."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np

from bonefide.types import Array

__all__ = ["write_annotations"]

_PROTOCOL = 3
"""The youngest without frames, whose lengths would have to be known beforehand; any Python 3 reads it."""
_STEP = 1000
"""Items of a list that are appended at once, as Python's own pickler does."""


def write_annotations(file: BinaryIO, split: Mapping[str, list[str]], annotations: Iterable[Mapping[str, Any]]) -> None:
    """Write `{"split": split, "annotations": [...]}`.

    Args:
        file: opened for writing.
        split: names of the samples of every part.
        annotations: plain values and arrays by key, one mapping a sample.
    """
    file.write(pickle.PROTO + bytes([_PROTOCOL]) + pickle.EMPTY_DICT + pickle.MARK)
    file.write(_plain("split") + _plain(dict(split)) + _plain("annotations") + pickle.EMPTY_LIST)
    pending = 0
    for annotation in annotations:
        file.write((b"" if pending else pickle.MARK) + _mapping(annotation))
        pending = (pending + 1) % _STEP
        file.write(b"" if pending else pickle.APPENDS)
    file.write((pickle.APPENDS if pending else b"") + pickle.SETITEMS + pickle.STOP)


def _mapping(annotation: Mapping[str, Any]) -> bytes:
    items = (
        _plain(key) + (_array(value) if isinstance(value, np.ndarray) else _plain(value))
        for key, value in annotation.items()
    )
    return pickle.EMPTY_DICT + pickle.MARK + b"".join(items) + pickle.SETITEMS


def _plain(value: Any) -> bytes:
    """Builtin values, without the opcodes that begin and end a pickle."""
    content = io.BytesIO()
    pickler = pickle.Pickler(content, protocol=_PROTOCOL)
    # Memory of what was pickled before counts from the beginning of the whole pickle, which this is a part of.
    pickler.fast = True
    pickler.dump(value)
    return content.getvalue()[2:-1]


def _array(values: Array) -> bytes:
    """An array as NumPy 1 pickles it: NumPy 2 reads that too, but names modules itself that NumPy 1 does not have."""
    values = np.ascontiguousarray(values)
    dtype = _call("numpy", "dtype", (values.dtype.str[1:], False, True))
    dtype += _plain((3, values.dtype.str[0], None, None, None, -1, -1, 0)) + pickle.BUILD
    empty = _global("numpy.core.multiarray", "_reconstruct") + _global("numpy", "ndarray") + _plain((0,)) + _plain(b"b")
    state = _plain(1) + _plain(values.shape) + dtype + _plain(False) + _plain(values.tobytes())
    return empty + pickle.TUPLE3 + pickle.REDUCE + pickle.MARK + state + pickle.TUPLE + pickle.BUILD


def _call(module: str, name: str, arguments: tuple[Any, ...]) -> bytes:
    return _global(module, name) + _plain(arguments) + pickle.REDUCE


def _global(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode("ascii")
