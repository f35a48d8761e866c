# SPDX-License-Identifier: Apache-2.0
"""Data sets as facts: `info(name)`, `names()`. A data set is a file of this folder that exports one `DatasetInfo`."""

from __future__ import annotations

from bonefide.data._components import component, component_names
from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["DatasetInfo", "Rule", "info", "names"]


def names() -> tuple[str, ...]:
    """Names of all data sets."""
    return component_names(__name__)


def info(name: str) -> DatasetInfo:
    """Facts about one data set.

    Raises:
        UnknownNameError: if there is none of that name.

    Example:
        >>> info("nwucla").protocols["xview"].train == {1, 2}
        True
    """
    found = component(__name__, name, kind="data sets")
    assert isinstance(found, DatasetInfo)
    return found
