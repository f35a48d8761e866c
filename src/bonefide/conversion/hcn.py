# SPDX-License-Identifier: Apache-2.0
"""Weights of the re-implementation of HCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.errors import DataError

__all__ = ["HCN"]

_LAYERS = {
    "conv1.0": "position.point",
    "conv2": "position.temporal",
    "conv3.0": "position.joint",
    "conv4.0": "position.region",
    "conv1m.0": "motion.point",
    "conv2m": "motion.temporal",
    "conv3m.0": "motion.joint",
    "conv4m.0": "motion.region",
    "conv5.0": "fusion.0",
    "conv6.0": "fusion.1",
    "fc7.0": "project",
}
_NAMES = {
    f"{theirs}.{kind}": f"encoder.{ours}.{kind}" for theirs, ours in _LAYERS.items() for kind in ("weight", "bias")
} | {f"fc8.{kind}": f"head.{kind}" for kind in ("weight", "bias")}


class HCN:
    """Between the state dict of HCN-pytorch and that of `Supervised` around our `HCN`.

    Files hold the window's length in the sizes of their weights: build the encoder with the same `frames`.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        huguyuehuhu/HCN-pytorch, model/HCN.py, which is not by the authors of the paper.
    """

    encoder = "hcn"
    ignored: tuple[str, ...] = ()
    """Keys that carry nothing learned; none here."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Their names to ours."""
        # Training may wrap the network for several devices.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours = rename(state, _NAMES)
        if missing := sorted(_NAMES.keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; is this a file of HCN?")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to theirs."""
        if missing := sorted(set(_NAMES.values()) - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `Supervised` around HCN?")
        return rename(state, invert(_NAMES))
