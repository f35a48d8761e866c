# SPDX-License-Identifier: Apache-2.0
"""Text in arrays out of files that cannot be trusted."""

from __future__ import annotations

import sys

import numpy as np

from bonefide.types import Array

__all__ = ["check_text"]


def check_text(array: Array) -> None:
    """Refuse text of numbers that are no characters: NumPy stores any, and Python fails in odd ways when it reads them.

    Args:
        array: of anything; the text in it, in fields too, is looked at.

    Raises:
        ValueError: if there is such text.
    """
    for name in array.dtype.names or ():
        check_text(array[name])
    if array.dtype.kind == "U" and array.dtype.itemsize:
        numbers = np.ascontiguousarray(array).view(f"{array.dtype.str[0]}u4")
        if (numbers > sys.maxunicode).any():
            raise ValueError("text of no characters")
