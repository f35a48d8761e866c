# SPDX-License-Identifier: Apache-2.0
"""Weights of the official Neuron, there and back, without what recognition does not need."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.conversion.shiftgcn import ShiftGCN
from bonefide.errors import DataError

__all__ = ["Neuron"]

_ENCODER, _HEAD = "feature_extractor.", "fc."
_LAYERS = {"0": "first", "2": "second"}
_NETWORKS = {
    "update_spatial": "spatial.update",
    "update_temporal": "temporal.update",
    "memory_temporal": "temporal.memory",
    "recall_temporal": "temporal.recall",
}
_TEMPLATES = ("fc_spatial", "fc_temporal")
_KINDS = ("weight", "bias")
_NAMES = {
    "spatial_prototype.weight": "spatial.prototypes",
    "temporal_prototype.weight": "temporal.prototypes",
    **{
        f"{branch}_project.0.{kind}": f"{branch}_project.{kind}"
        for branch in ("spatial", "temporal")
        for kind in _KINDS
    },
    **{
        f"{theirs}.{level}.{place}.{kind}": f"{ours}.{level}.{layer}.{kind}"
        for theirs, ours in _NETWORKS.items()
        for level in range(3)
        for place, layer in _LAYERS.items()
        for kind in _KINDS
    },
}
"""Of everything but the encoder: official to ours."""


class Neuron:
    """Between the official state dict and that of our `Neuron` around our `ShiftGCN`, which has texts besides.

    The head of the encoder, which told seen classes apart in the first stage, and two networks that only were copied
    are left out. A file of the first stage is one of Shift-GCN, `convert("shiftgcn", file)`.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        cseeyangchen/Neuron, commit 7939873, model/shiftgcn_match.py. No trained files are published: the keys are those
        of the code.
    """

    encoder = "shiftgcn"
    ignored: tuple[str, ...] = (
        *(f"{_ENCODER}{key}" for key in ShiftGCN.ignored),
        *(f"{_ENCODER}{_HEAD}{kind}" for kind in _KINDS),
        *(f"{template}.{place}.{kind}" for template in _TEMPLATES for place in _LAYERS for kind in _KINDS),
    )
    """Official keys that recognition does not need."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        state = {key.removeprefix("module."): value for key, value in state.items()}
        encoder = {key.removeprefix(_ENCODER): value for key, value in state.items() if key.startswith(_ENCODER)}
        rest = {key: value for key, value in state.items() if not key.startswith(_ENCODER) and key not in self.ignored}
        ours = rename(rest, _NAMES)
        if missing := sorted(_NAMES.keys() - rest.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; is this a file of Neuron's second stage?")
        try:
            found = ShiftGCN().from_official(_with_head(encoder, _HEAD))
        except DataError as error:
            raise DataError(str(error).replace("'", f"'{_ENCODER}", 1)) from error
        return ours | {key: value for key, value in found.items() if not key.startswith("head.")}

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones, without texts and the ignored."""
        encoder = {key: value for key, value in state.items() if key.startswith("encoder.")}
        rest = {key: value for key, value in state.items() if not key.startswith(("encoder.", "texts."))}
        official = rename(rest, invert(_NAMES))
        if missing := sorted(_NAMES.keys() - official.keys()):
            raise DataError(f"weights: '{_NAMES[missing[0]]}' is missing; are these of `Neuron`?")
        found = ShiftGCN().to_official(_with_head(encoder, "head."))
        return official | {f"{_ENCODER}{key}": value for key, value in found.items() if not key.startswith(_HEAD)}


def _with_head(encoder: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Of whatever numbers: Shift-GCN is converted with its head."""
    return encoder | {f"{prefix}{kind}": torch.empty(0) for kind in _KINDS}
