# SPDX-License-Identifier: Apache-2.0
"""Packages of the extra "export", which need not be installed."""

from __future__ import annotations

import importlib
from typing import Any

from bonefide.errors import InstallationError

__all__ = ["needed"]


def needed(*modules: str) -> list[Any]:
    """Import modules.

    Raises:
        InstallationError: if one is not installed.
    """
    try:
        return [importlib.import_module(module) for module in modules]
    except ImportError as error:
        raise InstallationError(f'ONNX needs {error.name}: pip install "bonefide[export]"') from None
