# SPDX-License-Identifier: Apache-2.0
"""Weights of the official CTR-GCN, there and back."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.errors import DataError

__all__ = ["CTRGCN"]

_SUBSETS = 3
_BLOCKS = range(1, 11)
_OUTSIDE = {"data_bn.{}": "encoder.input_norm.norm.{}", "fc.{}": "head.{}"}
_INSIDE = {
    "gcn1.PA": "spatial.graphs",
    "gcn1.alpha": "spatial.alpha",
    "gcn1.bn.{}": "spatial.norm.{}",
    "gcn1.down.0.{}": "spatial.down.conv.{}",
    "gcn1.down.1.{}": "spatial.down.norm.{}",
    "tcn1.branches.0.{}.{}": "temporal.convolutions.0.{}.{}",
    "tcn1.branches.1.{}.{}": "temporal.convolutions.1.{}.{}",
    "tcn1.branches.{}.3.conv.{}": "temporal.convolutions.{}.3.conv.{}",
    "tcn1.branches.{}.3.bn.{}": "temporal.convolutions.{}.3.norm.{}",
    "tcn1.branches.2.{}.{}": "temporal.maximum.{}.{}",
    "tcn1.branches.3.0.{}": "temporal.plain.conv.{}",
    "tcn1.branches.3.1.{}": "temporal.plain.norm.{}",
    "residual.conv.{}": "residual.conv.{}",
    "residual.bn.{}": "residual.norm.{}",
    "embed.{}": "spatial.embed.{}",
    "value.{}": "spatial.value.{}",
    "refine_weight": "spatial.refine_weight",
    "refine_bias": "spatial.refine_bias",
}


class CTRGCN:
    """Between the official state dict and that of `Supervised` around our `CTRGCN`.

    The three subsets of a graph convolution, separate modules there, lie side by side in ours.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        Uason-Chen/CTR-GCN, model/ctrgcn.py, commit e13d758.
    """

    encoder = "ctrgcn"
    ignored: tuple[str, ...] = ()
    """Official keys that carry nothing learned; none here."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        # Some released files come from a data-parallel wrapper.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: dict[str, Tensor] = {}
        for block in _BLOCKS:
            inside = _take(state, f"l{block}.")
            prefix = f"encoder.blocks.{block - 1}."
            ours |= {prefix + key: value for key, value in rename(_merge(inside, block), _INSIDE).items()}
        outside = {key: value for key, value in state.items() if not re.match(r"l\d+\.", key)}
        return ours | rename(outside, _OUTSIDE)

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        official = rename(
            {key: value for key, value in state.items() if not key.startswith("encoder.blocks.")}, invert(_OUTSIDE)
        )
        for block in _BLOCKS:
            inside = rename(_take(state, f"encoder.blocks.{block - 1}."), invert(_INSIDE))
            official |= {f"l{block}.{key}": value for key, value in _split(inside).items()}
        return official


def _take(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _merge(inside: dict[str, Tensor], block: int) -> dict[str, Tensor]:
    """Put the convolutions of the subsets side by side."""

    def parts(number: int, kind: str) -> list[Tensor]:
        keys = [f"gcn1.convs.{subset}.conv{number}.{kind}" for subset in range(_SUBSETS)]
        if missing := [key for key in keys if key not in inside]:
            raise DataError(f"weights: 'l{block}.{missing[0]}' is missing; is this a file of CTR-GCN?")
        return [inside.pop(key) for key in keys]

    merged = {
        "embed.weight": torch.cat(parts(1, "weight") + parts(2, "weight")).squeeze(-1),
        "embed.bias": torch.cat(parts(1, "bias") + parts(2, "bias")),
        "value.weight": torch.cat(parts(3, "weight")),
        "value.bias": torch.cat(parts(3, "bias")),
        "refine_weight": torch.stack(parts(4, "weight")).flatten(2),
        "refine_bias": torch.stack(parts(4, "bias")).unsqueeze(-1),
    }
    return inside | merged


def _split(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_merge`."""
    embed_weight = inside.pop("embed.weight").unsqueeze(-1).chunk(2 * _SUBSETS)
    embed_bias = inside.pop("embed.bias").chunk(2 * _SUBSETS)
    weights = {
        1: embed_weight[:_SUBSETS],
        2: embed_weight[_SUBSETS:],
        3: inside.pop("value.weight").chunk(_SUBSETS),
        4: inside.pop("refine_weight")[..., None, None].unbind(),
    }
    biases = {
        1: embed_bias[:_SUBSETS],
        2: embed_bias[_SUBSETS:],
        3: inside.pop("value.bias").chunk(_SUBSETS),
        4: inside.pop("refine_bias").squeeze(-1).unbind(),
    }
    for number in weights:
        for subset in range(_SUBSETS):
            inside[f"gcn1.convs.{subset}.conv{number}.weight"] = weights[number][subset]
            inside[f"gcn1.convs.{subset}.conv{number}.bias"] = biases[number][subset]
    return inside
