# SPDX-License-Identifier: Apache-2.0
"""Renaming the keys of a state dict by a table, where `{}` stands for one word that is carried over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from bonefide.errors import DataError

__all__ = ["invert", "rename"]

Value = TypeVar("Value")


def rename(state: Mapping[str, Value], table: Mapping[str, str]) -> dict[str, Value]:
    """Rename every key by the first pattern that matches it.

    Args:
        state: values by name.
        table: old pattern to new pattern; each `{}` stands for a number or word between dots.

    Raises:
        DataError: if a key matches no pattern; the message names it.

    Example:
        >>> rename({"l3.bn.weight": 1}, {"l{}.bn.{}": "blocks.{}.norm.{}"})
        {'blocks.3.norm.weight': 1}
    """
    patterns = [(re.compile(r"(\w+)".join(map(re.escape, old.split("{}")))), new) for old, new in table.items()]
    renamed: dict[str, Value] = {}
    for key, value in state.items():
        found = next(((match, new) for pattern, new in patterns if (match := pattern.fullmatch(key))), None)
        if found is None:
            raise DataError(f"weights: '{key}' has no place in this model; is the file of the paper that was named?")
        renamed[found[1].format(*found[0].groups())] = value
    return renamed


def invert(table: Mapping[str, str]) -> dict[str, str]:
    """The table of the way back."""
    return {new: old for old, new in table.items()}
