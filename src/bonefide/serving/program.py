# SPDX-License-Identifier: Apache-2.0
"""A network as a program of `torch.export`, for torch without bonefide."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bonefide.errors import OutputError
from bonefide.serving.capture import capture
from bonefide.serving.check import Agreement, check
from bonefide.serving.network import Network
from bonefide.writing import write_file

__all__ = ["FACTS_FILE", "export_program"]

FACTS_FILE = "bonefide.json"
"""Class names, layout, preparation and more, among the extra files of a program."""


def export_program(network: Network, file: Path, *, overwrite: bool = False) -> list[Agreement]:
    """Write a program that `torch.export.load` reads, once it says what the network says.

    Its inputs and output are those of `export_onnx`.

    Args:
        network: what to export.
        file: where to, by custom with the suffix `.pt2`.
        overwrite: replace a file that is already there.

    Returns:
        How well they agree.

    Raises:
        OutputError: if the file is there, or cannot be written.
        BonefideError: if the network cannot be captured, or they do not agree.
    """
    if file.exists() and not overwrite:
        raise OutputError(f"{file} is already there; give --overwrite to replace it")
    made = io.BytesIO()
    with warnings.catch_warnings():
        # Of torch, about its own internals.
        warnings.simplefilter("ignore")
        torch.export.save(capture(network), made, extra_files={FACTS_FILE: json.dumps(network.described())})
        found = check(network, _loaded(made.getvalue()), what="the program")
    write_file(file, made.getvalue())
    return found


def _loaded(content: bytes) -> Callable[..., Tensor]:
    module = torch.export.load(io.BytesIO(content)).module()

    def infer(*inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            return module(*inputs)

    return infer
