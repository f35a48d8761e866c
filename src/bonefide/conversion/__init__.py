# SPDX-License-Identifier: Apache-2.0
"""Official checkpoints to ours: `convert(paper, file)`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bonefide.errors import DataError, UnknownNameError

__all__ = ["convert", "names"]


def names() -> tuple[str, ...]:
    """Papers whose official checkpoints can be converted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def convert(paper: str, file: str | Path) -> dict[str, Tensor]:
    """The weights of an official checkpoint under our names: those of the paper's method around its encoder.

    Nothing in the file is executed: only tensors, plain containers and the options of a command line are read.

    Args:
        paper: one of `names()`.
        file: a checkpoint as the paper's code saves it: bare, wrapped as `state_dict` or `model`, or one state dict
            for each part of a method.

    Raises:
        UnknownNameError: if there is no converter for the paper.
        DataError: if the file is missing, holds more than tensors, or is of another network.
    """
    if paper not in names():
        raise UnknownNameError("converters", paper, names())
    module = importlib.import_module(f"{__name__}.{paper}")
    converted: dict[str, Tensor] = getattr(module, module.__all__[0])().from_official(_read(Path(file)))
    return converted


def _read(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    try:
        # Options beside the weights, which MAMP and others save: a class that only holds attributes.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        # What the restricted unpickler raises depends on the bytes, which may be anybody's.
        raise DataError(f"{file}: not a checkpoint of tensors only; it is not read for safety") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if isinstance(content, dict):
        content = _flat(content)
    if not isinstance(content, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    ):
        raise DataError(f"{file}: not a state dict of tensors")
    return content


def _flat(content: dict[Any, Any]) -> dict[Any, Any]:
    """State dicts side by side as one, `part.key`."""
    flat: dict[Any, Any] = {}
    for key, value in content.items():
        flat |= {f"{key}.{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {key: value}
    return flat
