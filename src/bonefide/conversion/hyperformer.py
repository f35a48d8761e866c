# SPDX-License-Identifier: Apache-2.0
"""Weights of the official Hyperformer, there and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bonefide.conversion._blocks import BlockNames
from bonefide.conversion._multi_scale import KEYS, merge_branches, split_branches
from bonefide.encoders import hyperformer
from bonefide.errors import DataError
from bonefide.layouts import layout

__all__ = ["Hyperformer"]

_GROUPS = 6
_OUTSIDE = {"data_bn.{}": "encoder.input_norm.norm.{}", "fc.{}": "head.{}"}
_INSIDE = KEYS | {
    "vit1.norm1.{}": "attention.norm.{}",
    "vit1.attn.rpe": "attention.distances",
    "vit1.attn.w1": "attention.part_weight",
    "vit1.attn.outer": "attention.graph",
    "vit1.attn.alpha": "attention.alpha",
    "vit1.attn.proj.bias": "attention.out_bias",
    "vit1.skip_proj.weight": "skip.weight",
    "out_weight": "attention.out_weight",
    "attend.{}": "attention.project.{}",
    "parts.{}": "attention.project_parts.{}",
}
_NETWORK = BlockNames(
    "Hyperformer", _OUTSIDE, _INSIDE, lambda: hyperformer.Hyperformer(layout("ucla20"), 3, persons=1, heads=1)
)


class Hyperformer:
    """Between the official state dict and that of `Supervised` around our `Hyperformer`.

    Queries, keys and values, and the projections of the temporal branches, separate modules there, lie side by side in
    ours; projections of joints, convolutions there, are matrices.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        ZhouYuxuanYX/Hyperformer, model/Hyperformer.py. The released files were not at hand: their keys are taken to be
        those of the code.
    """

    encoder = "hyperformer"
    ignored: tuple[str, ...] = ()
    """Official keys that carry nothing learned; none here: distances in bones are no part of the state dict there."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        ours = _NETWORK.to_ours(state, lambda inside: _merge_projections(merge_branches(inside)))
        if strange := ours.keys() - _NETWORK.expected:
            raise DataError(f"weights: '{_NETWORK.official_key(min(strange))}' has no place in this model")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        return _NETWORK.to_official(state, lambda inside: _split_projections(split_branches(inside)))


def _merge_projections(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put what ours computes as one side by side, and make matrices of 1 x 1 convolutions."""

    def take(name: str) -> Tensor:
        return inside.pop(f"vit1.{name}.weight").flatten(1)

    inside["attend.weight"] = torch.cat([take("attn.q"), take("attn.kv")])
    inside["parts.weight"] = take("pe_proj")
    inside["out_weight"] = take("attn.proj").unflatten(0, (_GROUPS, -1))
    return inside


def _split_projections(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_merge_projections`."""
    attend = inside.pop("attend.weight")
    query, others = attend.tensor_split([len(attend) // 3])
    parts, out = inside.pop("parts.weight"), inside.pop("out_weight").flatten(0, 1)
    named = {"attn.q": query, "attn.kv": others, "pe_proj": parts, "attn.proj": out}
    return inside | {f"vit1.{name}.weight": each[..., None, None] for name, each in named.items()}
