# SPDX-License-Identifier: Apache-2.0
"""bonefide: skeleton-based action recognition, the field's methods, its data, and honest numbers.

Public names are loaded on first use: `import bonefide` imports neither torch nor anything else that is slow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonefide.config.build import encoder, method
    from bonefide.config.load import recipe
    from bonefide.conversion import convert
    from bonefide.data.official import read_official, write_official
    from bonefide.data.preparation import prepare
    from bonefide.data.store import open_store
    from bonefide.data.synthetic.write import synthesize
    from bonefide.evaluation.compare import compare
    from bonefide.evaluation.ensemble import fuse as ensemble
    from bonefide.evaluation.metrics import top_k
    from bonefide.evaluation.report import report
    from bonefide.evaluation.test import test
    from bonefide.hub.recognizer import Recognizer
    from bonefide.layouts import layout
    from bonefide.run import Run
    from bonefide.training.parallel import train
    from bonefide.visualization import draw

__all__ = [
    "Recognizer",
    "Run",
    "compare",
    "convert",
    "draw",
    "encoder",
    "ensemble",
    "layout",
    "method",
    "open_store",
    "prepare",
    "read_official",
    "recipe",
    "report",
    "synthesize",
    "test",
    "top_k",
    "train",
    "write_official",
]

_PLACES = {
    "Recognizer": ("bonefide.hub.recognizer", "Recognizer"),
    "Run": ("bonefide.run", "Run"),
    "compare": ("bonefide.evaluation.compare", "compare"),
    "convert": ("bonefide.conversion", "convert"),
    "draw": ("bonefide.visualization", "draw"),
    "encoder": ("bonefide.config.build", "encoder"),
    "ensemble": ("bonefide.evaluation.ensemble", "fuse"),
    "layout": ("bonefide.layouts", "layout"),
    "method": ("bonefide.config.build", "method"),
    "open_store": ("bonefide.data.store", "open_store"),
    "prepare": ("bonefide.data.preparation", "prepare"),
    "read_official": ("bonefide.data.official", "read_official"),
    "recipe": ("bonefide.config.load", "recipe"),
    "report": ("bonefide.evaluation.report", "report"),
    "synthesize": ("bonefide.data.synthetic.write", "synthesize"),
    "test": ("bonefide.evaluation.test", "test"),
    "top_k": ("bonefide.evaluation.metrics", "top_k"),
    "train": ("bonefide.training.parallel", "train"),
    "write_official": ("bonefide.data.official", "write_official"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'bonefide' has no attribute '{name}'")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
