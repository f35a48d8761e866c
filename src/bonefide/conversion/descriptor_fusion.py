# SPDX-License-Identifier: Apache-2.0
"""Weights of the official networks of the descriptor paper, of one image and of all five, there and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.errors import DataError

__all__ = ["DescriptorFusion"]

_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _block(layer: int, number: int) -> dict[str, str]:
    """Official keys of a residual block to ours; the first of a layer has a shortcut."""
    theirs, ours = f"layer{layer}.{number}", f"encoder.stages.{layer - 1}.{number}"
    convolutions, norms = {"left.0": "conv1", "left.3": "conv2"}, {"left.1": "norm1", "left.4": "norm2"}
    if number == 0:
        convolutions |= {"shortcut.0": "down.0"}
        norms |= {"shortcut.1": "down.1"}
    found = {f"{theirs}.{key}.weight": f"{ours}.{value}.weight" for key, value in convolutions.items()}
    return found | {
        f"{theirs}.{key}.{kind}": f"{ours}.{value}.{kind}" for key, value in norms.items() for kind in _NORM
    }


def _blocks(*layers: int) -> dict[str, str]:
    return {key: value for layer in layers for number in (0, 1) for key, value in _block(layer, number).items()}


_TRUNK = (
    {"conv1.0.weight": "encoder.conv.weight"}
    | {f"conv1.1.{kind}": f"encoder.norm.{kind}" for kind in _NORM}
    | _blocks(1, 2)
)
_SINGLE = _TRUNK | {"convf.weight": "fused.weight"}
_FUSED = _SINGLE | {
    "convf1.weight": "alone.weight",
    "convf12.weight": "together.0.weight",
    "convf345.weight": "together.1.weight",
}


class DescriptorFusion:
    """Between the official state dicts and that of `DescriptorFusion` around our `DescriptorResNet`.

    Which network it is, the heads say. The fused one takes its images in the order gd, fdd, jdd, add, lad. The way back
    leaves out what the official forward pass does not use, so the official class loads it with `strict=False`.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        adjkamel/imdar, commit 724d9e4.
    """

    encoder = "descriptor_resnet"
    ignored: tuple[str, ...] = (*_blocks(3, 4), "fc.weight", "fc.bias")
    """Official keys of layers that are built and saved, and that no output depends on."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        # Training may wrap the network for several devices.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        state = {key: value for key, value in state.items() if key not in self.ignored}
        # Heads are 1 x 1 convolutions there.
        state = {key: value.flatten(1) if key.startswith("convf") else value for key, value in state.items()}
        table = _SINGLE if state.keys().isdisjoint(_FUSED.keys() - _SINGLE.keys()) else _FUSED
        ours = rename(state, table)
        if missing := sorted(table.keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; is this a file of the descriptor networks?")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        table = _SINGLE if state.keys().isdisjoint(set(_FUSED.values()) - set(_SINGLE.values())) else _FUSED
        if missing := sorted(set(table.values()) - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `DescriptorFusion`?")
        official = rename(state, invert(table))
        return {key: value[..., None, None] if key.startswith("convf") else value for key, value in official.items()}
