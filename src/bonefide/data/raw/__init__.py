# SPDX-License-Identifier: Apache-2.0
"""Readers of raw files; one format a file, `reader(name)` by the name of the file."""

from __future__ import annotations

from bonefide.data._components import component, component_names
from bonefide.data.raw._recording import RawFormat

__all__ = ["names", "reader"]


def names() -> tuple[str, ...]:
    """Names of all raw formats."""
    return component_names(__name__)


def reader(name: str) -> RawFormat:
    """The reader of a raw format.

    Raises:
        UnknownNameError: if there is none of that name.

    Example:
        >>> reader("nwucla").matches("all_sqe/a01_s01_e00_v01.json")
        True
    """
    found: RawFormat = component(__name__, name, kind="raw formats")()
    return found
