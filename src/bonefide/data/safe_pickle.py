# SPDX-License-Identifier: Apache-2.0
"""Load pickles of arrays and plain containers, and nothing else: an ordinary load runs whatever code a file names."""

from __future__ import annotations

import builtins
import collections
import io
import pickle
from typing import Any, BinaryIO

from bonefide.data._pickle_sizes import check_sizes
from bonefide.data._pickled_arrays import PickledType, array_of_buffer, empty_array, scalar
from bonefide.errors import DataError

__all__ = ["load_pickle"]

_BUILTINS = ("bool", "complex", "dict", "float", "frozenset", "int", "list", "long", "set", "tuple")
_CORES = ("numpy.core", "numpy._core")


def load_pickle(content: bytes | BinaryIO, *, path: str = "") -> Any:
    """Load a pickle made of builtin containers and scalars, ordered dictionaries, and NumPy arrays and scalars.

    Both names of NumPy's core are understood, so files of NumPy 1 and 2 load alike. Arrays of Python objects load too,
    as long as their items are of these kinds. Arrays are of a subclass of NumPy's, which fills them from checked parts.

    Args:
        content: the pickle's bytes, or a file opened at them; text of Python 2 is read as Latin-1, as NumPy's pickles
            of that time demand.
        path: the file, for messages.

    Raises:
        DataError: if it names anything else, or is damaged.

    Example:
        >>> load_pickle(pickle.dumps({"label": [3, 4]}))
        {'label': [3, 4]}
    """
    where = path or "the pickle"
    try:
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        check_sizes(file)
        return _Unpickler(file, encoding="latin1").load()
    except _RefusedError as refused:
        raise DataError(
            f"{where} names {refused}, which plain data do not need and which could run code; it was not loaded"
        ) from None
    except Exception as fault:  # a damaged pickle can make the machine it drives raise anything
        raise DataError(f"{where} is damaged or no pickle ({type(fault).__name__}: {fault})") from None


class _RefusedError(Exception):
    pass


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        found = _GLOBALS.get((module_name, global_name))
        if found is None:
            raise _RefusedError(f"{module_name}.{global_name}")
        return found

    def persistent_load(self, persistent_id: Any) -> Any:
        raise _RefusedError(f"the outside object {persistent_id!r:.40}")


def _bytes(content: bytes | str = b"", encoding: str = "latin1") -> bytes:
    # Called with a number, the builtin would reserve that many bytes.
    return content.encode(encoding) if isinstance(content, str) else bytes(memoryview(content))


def _bytearray(content: bytes | str = b"", encoding: str = "latin1") -> bytearray:
    return bytearray(_bytes(content, encoding))


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return text.encode(encoding)


_GLOBALS: dict[tuple[str, str], Any] = {
    **{(module, name): getattr(builtins, name, int) for module in ("builtins", "__builtin__") for name in _BUILTINS},
    **{(module, "bytearray"): _bytearray for module in ("builtins", "__builtin__")},
    **{(module, "bytes"): _bytes for module in ("builtins", "__builtin__")},
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): _encode,
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): PickledType,
    **{(f"{core}.multiarray", "_reconstruct"): empty_array for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): scalar for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): array_of_buffer for core in _CORES},
}
"""What a pickle may name, and what it gets for it: constructors that believe no declared size."""
