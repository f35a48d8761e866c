# SPDX-License-Identifier: Apache-2.0
"""Everything between files on disk and the batches a method receives. Names are loaded at first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonefide.data.preparation import prepare
    from bonefide.data.protocols import Split, split
    from bonefide.data.store import SkeletonStore, open_store

__all__ = ["SkeletonStore", "Split", "open_store", "prepare", "split"]

_HOME = {
    "SkeletonStore": "store",
    "Split": "protocols",
    "open_store": "store",
    "prepare": "preparation",
    "split": "protocols",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
