# SPDX-License-Identifier: Apache-2.0
"""Arrays as pickles hold them, rebuilt from checked parts instead of by NumPy, which believes what a pickle says.

NumPy's own type objects take flags from a pickle unseen: with the right ones any bytes count as pointers to Python
objects, and reading such an array runs or crashes what they point to.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import numpy as np

from bonefide.data._text_arrays import check_text

__all__ = ["PickledArray", "PickledType", "array_of_buffer", "empty_array", "scalar"]

_CODE = re.compile(r"[|<>=]?(?:[?bBhHiIlLqQefdgFDGO]|[biufc]\d{1,2}|O[48]|[SUV]\d{1,9})")


class PickledType:
    """Stands for the type of an array while a pickle is loaded; `real` makes it, of the names and sizes alone.

    Args:
        code: as `numpy.dtype` takes it, for one number, object or text.

    Raises:
        ValueError: if the code is another one.
    """

    def __init__(self, code: object, align: object = False, copy: object = False) -> None:
        if not isinstance(code, str) or _CODE.fullmatch(code) is None:
            raise ValueError("a type that plain data do not need")
        self._code = code
        self._order: Literal["<", ">", "|", "="] = "="
        self._inner: tuple[Any, Any] | None = None
        self._record: dict[str, Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, inner, names, fields, size = state[:6]
        if order not in ("<", ">", "|", "=") or (inner is not None and names is not None):
            raise ValueError("a damaged type")
        self._order = order
        if inner is not None:
            base, shape = inner
            self._inner = (base, shape)
        if names is not None:
            placed = [fields[name] for name in names]
            self._record = {
                "names": list(names),
                "formats": [each[0] for each in placed],
                "offsets": [each[1] for each in placed],
                "itemsize": size,
            }

    @property
    def real(self) -> np.dtype[Any]:
        """The type itself.

        Raises:
            ValueError: if a record would hold Python objects.
        """
        if self._inner is not None:
            made = np.dtype((_real(self._inner[0]), self._inner[1]))
        elif self._record is not None:
            record: Any = {**self._record, "formats": [_real(each) for each in self._record["formats"]]}
            made = np.dtype(record)
        else:
            made = np.dtype(self._code)
            return made.newbyteorder(self._order) if self._order in ("<", ">") else made
        if made.hasobject:
            raise ValueError("a record of Python objects")
        return made


class PickledArray(np.ndarray[Any, np.dtype[Any]]):
    """An array out of a pickle: as any other, but filled from parts that were checked."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, pickled, fortran, content = state[-4:]
        real = _real(pickled)
        if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise ValueError("a damaged shape")
        needed = math.prod(shape) * (1 if real.hasobject else real.itemsize)
        if isinstance(content, list) != real.hasobject or len(content) != needed:
            raise ValueError("an array whose content does not fill its shape")
        checked: Any = (1, shape, real, bool(fortran), content)
        super().__setstate__(checked)
        check_text(self.view(np.ndarray))


def empty_array(kind: object, shape: object, code: object) -> PickledArray:
    """What an array is before it is filled; a shape given here would be reserved."""
    return PickledArray((0,), dtype=np.int8)


def array_of_buffer(content: Any, pickled: Any, shape: Any, order: Any) -> Any:
    """An array over bytes.

    Raises:
        ValueError: if they do not fill it, or would be taken for Python objects.
    """
    flat = np.frombuffer(content, dtype=_plain(pickled))
    check_text(flat)
    return flat.reshape(shape, order=order)


def scalar(pickled: Any, content: bytes) -> Any:
    """A NumPy scalar.

    Raises:
        ValueError: if the bytes are not one, or would be taken for a Python object.
    """
    real = _plain(pickled)
    if len(content) != real.itemsize:
        raise ValueError("a damaged scalar")
    one = np.frombuffer(content, dtype=real)
    check_text(one)
    return one[0]


def _real(pickled: Any) -> np.dtype[Any]:
    if not isinstance(pickled, PickledType):
        raise ValueError("something else in the place of a type")
    return pickled.real


def _plain(pickled: Any) -> np.dtype[Any]:
    real = _real(pickled)
    if real.hasobject:
        raise ValueError("bytes in the place of Python objects")
    return real
