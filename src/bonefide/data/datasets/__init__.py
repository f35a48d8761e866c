# SPDX-License-Identifier: Apache-2.0
"""Data sets as facts: `info(name)`, `names()`. A data set is a file of this folder that exports one `DatasetInfo`."""

from __future__ import annotations

import importlib
import pkgutil

from bonefide.data.datasets._info import DatasetInfo, Rule
from bonefide.errors import UnknownNameError

__all__ = ["DatasetInfo", "Rule", "info", "names"]


def names() -> tuple[str, ...]:
    """Names of all data sets."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def info(name: str) -> DatasetInfo:
    """Facts about one data set.

    Raises:
        UnknownNameError: if there is none of that name.

    Example:
        >>> info("nwucla").protocols["xview"].train == {1, 2}
        True
    """
    if name not in names():
        raise UnknownNameError("data sets", name, names())
    module = importlib.import_module(f"{__name__}.{name}")
    found = getattr(module, module.__all__[0])
    assert isinstance(found, DatasetInfo)
    return found
