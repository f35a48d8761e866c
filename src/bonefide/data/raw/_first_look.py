# SPDX-License-Identifier: Apache-2.0
"""A reader that suits the first file it can make something of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, RawFileError

__all__ = ["fitted_to_first"]

Reader = TypeVar("Reader")


def fitted_to_first(
    source: RawSource,
    matches: Callable[[str], bool],
    fitted: Callable[[str, bytes], Reader],
    *,
    looks: int,
    absent: str,
    unusable: str,
) -> Reader:
    """Try files until one tells how all are to be read.

    Args:
        source: the raw files.
        matches: which of them.
        fitted: a reader for files like one, given its name and content.
        looks: how many files are tried.
        absent: what to say if there is none.
        unusable: what to say if none of them will do, before the last one's fault.

    Raises:
        DataError: if no file will do.
    """
    names = source.order(name for name, _ in source.members if matches(name))
    fault: RawFileError | None = None
    for member, content in islice(source.stream(names), looks):
        try:
            if isinstance(content, RawFileError):
                raise content
            return fitted(member, content)
        except RawFileError as found:
            fault = found
    raise DataError(absent if fault is None else f"{unusable}: {fault}")
