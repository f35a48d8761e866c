# SPDX-License-Identifier: Apache-2.0
"""Placeholder until pose formats land."""

from __future__ import annotations

from collections.abc import Sequence

from bonefide.data.raw import reader
from bonefide.data.raw._source import RawSource

__all__ = ["recognize"]


def recognize(source: RawSource, formats: Sequence[str]) -> str | None:
    names = [name for name, _ in source.members]
    for raw_format in formats:
        if any(map(reader(raw_format).matches, names)):
            return raw_format
    return None
