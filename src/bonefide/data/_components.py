# SPDX-License-Identifier: Apache-2.0
"""Find a raw format, a preparation or a data set by the name of its file."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from bonefide.errors import UnknownNameError

__all__ = ["component", "component_names"]


def component_names(package: str) -> tuple[str, ...]:
    """Names of the public files of a folder.

    Args:
        package: the folder, such as "bonefide.data.raw".
    """
    path = importlib.import_module(package).__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")))


def component(package: str, name: str, *, kind: str) -> Any:
    """The one public name of a file.

    Args:
        package: its folder.
        name: the file's name without ending.
        kind: what the folder holds, in the plural, for messages.

    Raises:
        UnknownNameError: if there is no such file.
    """
    if name not in component_names(package):
        raise UnknownNameError(kind, name, component_names(package))
    module = importlib.import_module(f"{package}.{name}")
    return getattr(module, module.__all__[0])
