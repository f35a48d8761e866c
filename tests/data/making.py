# SPDX-License-Identifier: Apache-2.0
"""Finds the scripts that make raw files, `tests/data/<data set>/make.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def make(dataset: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"make_{dataset}", Path(__file__).parent / dataset / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
