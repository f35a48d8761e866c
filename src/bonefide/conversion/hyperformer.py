# SPDX-License-Identifier: Apache-2.0
"""Weights of the official Hyperformer, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.conversion._multi_scale import KEYS, merge_branches, split_branches
from bonefide.encoders import hyperformer
from bonefide.errors import DataError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["Hyperformer"]

_GROUPS = 6
_BLOCKS = range(1, 11)
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
        # The official training runs under a data-parallel wrapper.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: dict[str, Tensor] = {}
        for block in _BLOCKS:
            inside = merge_branches(_take(state, f"l{block}."), prefix=f"l{block}.")
            renamed = rename(_merge_projections(inside, prefix=f"l{block}."), _INSIDE)
            ours |= {f"encoder.blocks.{block - 1}.{key}": value for key, value in renamed.items()}
        inside_keys = tuple(f"l{block}." for block in _BLOCKS)
        outside = {key: value for key, value in state.items() if not key.startswith(inside_keys)}
        ours |= rename(outside, _OUTSIDE)
        if missing := _expected_keys() - ours.keys():
            raise DataError(f"weights: '{_official_key(min(missing))}' is missing; is this a file of Hyperformer?")
        if more := ours.keys() - _expected_keys():
            raise DataError(f"weights: '{_official_key(min(more))}' has no place in this model")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        if missing := sorted(_expected_keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `Supervised` around Hyperformer?")
        official = rename(
            {key: value for key, value in state.items() if not key.startswith("encoder.blocks.")}, invert(_OUTSIDE)
        )
        for block in _BLOCKS:
            inside = rename(_take(state, f"encoder.blocks.{block - 1}."), invert(_INSIDE))
            split = _split_projections(split_branches(inside))
            official |= {f"l{block}.{key}": value for key, value in split.items()}
        return official


@cache
def _expected_keys() -> frozenset[str]:
    # Names do not depend on sizes; on the device "meta" nothing is allocated or drawn.
    with torch.device("meta"):
        method = Supervised(hyperformer.Hyperformer(layout("ucla20"), 3, persons=1, heads=1), 2)
    return frozenset(method.state_dict())


def _official_key(key: str) -> str:
    if not key.startswith("encoder.blocks."):
        return next(iter(rename({key: None}, invert(_OUTSIDE))))
    block, inside = key.removeprefix("encoder.blocks.").split(".", 1)
    return f"l{int(block) + 1}.{next(iter(rename({inside: None}, invert(_INSIDE))))}"


def _take(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _merge_projections(inside: dict[str, Tensor], *, prefix: str) -> dict[str, Tensor]:
    """Put what ours computes as one side by side, and make matrices of 1 x 1 convolutions."""

    def take(name: str) -> Tensor:
        key = f"vit1.{name}.weight"
        if key not in inside:
            raise DataError(f"weights: '{prefix}{key}' is missing; is this a file of Hyperformer?")
        return inside.pop(key).flatten(1)

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
