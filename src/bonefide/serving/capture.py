# SPDX-License-Identifier: Apache-2.0
"""From a network to a program of `torch.export`, with any batch size and any length it takes."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch.export import Dim, ExportedProgram

from bonefide.errors import BonefideError
from bonefide.layers.exporting import Target, exporting_for
from bonefide.serving.lengths import LONGEST
from bonefide.serving.network import Network

__all__ = ["capture"]

_SAMPLES = 3


def capture(network: Network, target: Target = "compiler") -> ExportedProgram:
    """Capture the graph.

    Args:
        network: what to capture.
        target: whom it is for.

    Raises:
        BonefideError: if its forward pass cannot be captured.
    """
    sizes = _sizes(network)
    with torch.no_grad(), exporting_for(target), warnings.catch_warnings():
        # Of torch, about its own internals.
        warnings.simplefilter("ignore")
        try:
            return torch.export.export(
                network.logits,
                network.inputs(_SAMPLES, network.frames),
                dynamic_shapes=dict.fromkeys(network.input_names, sizes),
                # Conditions that hold for all sizes, but are not seen to, are checked when the program runs.
                prefer_deferred_runtime_asserts_over_guards=True,
            )
        except BonefideError:
            raise
        except Exception as error:
            name = type(network.encoder).__name__
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BonefideError(
                f"{name} cannot be captured by torch.export: {first}; its forward pass must not depend on values"
            ) from error


def _sizes(network: Network) -> dict[int, Any]:
    taken = network.lengths
    sizes: dict[int, Any] = {0: Dim("batch", min=1, max=LONGEST)}
    if taken.step == 1:
        sizes[2] = Dim("frames", min=taken.least, max=LONGEST)
    elif taken.step:
        sizes[2] = taken.step * Dim("steps", min=taken.least // taken.step, max=LONGEST // taken.step)
    return sizes
