# SPDX-License-Identifier: Apache-2.0
"""Where weights lie, whether they fit what is said about them, and the network they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from bonefide.config.components import create
from bonefide.config.recognizer import RecognizerConfig
from bonefide.errors import BonefideError, DataError, RunError, did_you_mean
from bonefide.methods._method import Method
from bonefide.run import Run

__all__ = ["CONFIG", "HEADER", "WEIGHTS", "built", "find", "fitted", "misfit_of"]

HEADER = "recognizer"
"""Entry in the header of a file of weights that describes the rest."""
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def find(place: Path) -> tuple[RecognizerConfig, Path]:
    """Description and weights at a place.

    Raises:
        DataError: if there is none, or it is damaged or of another version.
        RunError: if it is a run that has not finished.
    """
    if (place / CONFIG).is_file():
        return RecognizerConfig.from_json((place / CONFIG).read_bytes(), place=place / CONFIG), place / WEIGHTS
    file = place
    if Run(place).recipe_file.is_file():
        run = Run.open(place)
        file = run.weights_file
        if not file.is_file():
            raise RunError(f"{place}: no weights yet; the training has not finished")
    elif not place.exists():
        siblings = [each.name for each in place.parent.iterdir()] if place.parent.is_dir() else []
        raise DataError(f"there is no {place}{did_you_mean(place.name, siblings)}")
    elif place.is_dir():
        raise DataError(f"{place}: neither a run nor a recogniser; give a folder that holds {CONFIG} or recipe.yaml")
    try:
        with safe_open(file, "pt") as opened:
            header = opened.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise DataError(f"{file}: not a file of weights (.safetensors): {error}") from None
    if HEADER not in header:
        raise DataError(f"{file}: weights alone, without class names and transform; convert or train them again")
    return RecognizerConfig.from_json(header[HEADER], place=file), file


def built(config: RecognizerConfig, *, given: Mapping[str, Any] | None = None) -> Method:
    """A fresh network.

    Args:
        config: of what.
        given: what its constructors may ask for, instead of what the description has.
    """
    known = config.given | dict(given or {})
    encoder = create("encoders", config.encoder, known)
    made: Method = create("methods", config.method, known | {"encoder": encoder})
    return made


def misfit_of(config: RecognizerConfig, weights: Mapping[str, Tensor]) -> str:
    """Why weights do not fit, or nothing; on the device "meta" nothing is allocated, whatever sizes are asked for."""
    try:
        with torch.device("meta"):
            expected = {name: value.shape for name, value in built(config).weights().items()}
    except (BonefideError, TypeError, RuntimeError) as error:
        return str(error)
    for name in sorted(expected.keys() | weights.keys()):
        ours = expected.get(name)
        given = weights[name].shape if name in weights else None
        if ours != given:
            return f"'{name}' should be {_words(ours)} and is {_words(given)}"
    return ""


def _words(shape: Sequence[int] | None) -> str:
    return "absent" if shape is None else f"of shape {tuple(shape)}"


def fitted(config: RecognizerConfig, weights: Mapping[str, Tensor], *, source: str) -> Method:
    """The network with its weights.

    Raises:
        DataError: if they are of another one.
    """
    if misfit := misfit_of(config, weights):
        raise DataError(f"{source}: the weights do not fit what is said about them: {misfit}")
    method = built(config)
    method.load_weights(weights)
    return method
