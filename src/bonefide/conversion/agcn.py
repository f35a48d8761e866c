# SPDX-License-Identifier: Apache-2.0
"""Weights of the official 2s-AGCN, one stream a file, there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.encoders import agcn
from bonefide.errors import DataError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["AGCN"]

_SUBSETS = 3
_KINDS = ("weight", "bias")
_BLOCKS = range(1, 11)
_OUTSIDE = {"data_bn.{}": "encoder.input_norm.norm.{}", "fc.{}": "head.{}"}
_INSIDE = {
    "gcn1.PA": "spatial.learned",
    "gcn1.bn.{}": "spatial.norm.{}",
    "gcn1.down.0.{}": "spatial.down.conv.{}",
    "gcn1.down.1.{}": "spatial.down.norm.{}",
    "tcn1.conv.{}": "temporal.conv.{}",
    "tcn1.bn.{}": "temporal.norm.{}",
    "residual.conv.{}": "residual.conv.{}",
    "residual.bn.{}": "residual.norm.{}",
    "embed.{}": "spatial.embed.{}",
    "mix_weight": "spatial.mix_weight",
    "mix_bias": "spatial.mix_bias",
}


class AGCN:
    """Between the official state dict and that of `Supervised` around our `AGCN`.

    The three subsets of a graph convolution, separate modules there, lie side by side in ours.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        lshiwjx/2s-AGCN, model/agcn.py.
    """

    encoder = "agcn"
    ignored: tuple[str, ...] = ()
    """Official keys that carry nothing learned; none here: the graphs of the layout are not in the files."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        # Some released files come from a data-parallel wrapper.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: dict[str, Tensor] = {}
        for block in _BLOCKS:
            inside = _merge(_take(state, f"l{block}."), block)
            ours |= {f"encoder.blocks.{block - 1}.{key}": value for key, value in rename(inside, _INSIDE).items()}
        in_blocks = tuple(f"l{block}." for block in _BLOCKS)
        ours |= rename({key: value for key, value in state.items() if not key.startswith(in_blocks)}, _OUTSIDE)
        if missing := _expected_keys() - ours.keys():
            raise DataError(f"weights: '{_official_key(min(missing))}' is missing; is this a file of 2s-AGCN?")
        if strange := ours.keys() - _expected_keys():
            raise DataError(f"weights: '{_official_key(min(strange))}' has no place in this model; is it 2s-AGCN's?")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        if missing := sorted(_expected_keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `Supervised` around 2s-AGCN?")
        official = rename(
            {key: value for key, value in state.items() if not key.startswith("encoder.blocks.")}, invert(_OUTSIDE)
        )
        for block in _BLOCKS:
            inside = _split(rename(_take(state, f"encoder.blocks.{block - 1}."), invert(_INSIDE)))
            official |= {f"l{block}.{key}": value for key, value in inside.items()}
        return official


@cache
def _expected_keys() -> frozenset[str]:
    # Names do not depend on sizes; on the device "meta" nothing is allocated or drawn.
    with torch.device("meta"):
        method = Supervised(agcn.AGCN(layout("ucla20"), 3, persons=1, base_channels=4), 2)
    return frozenset(method.state_dict())


def _official_key(key: str) -> str:
    if not key.startswith("encoder.blocks."):
        return next(iter(rename({key: None}, invert(_OUTSIDE))))
    block, inside = key.removeprefix("encoder.blocks.").split(".", 1)
    return f"l{int(block) + 1}.{next(iter(rename({inside: None}, invert(_INSIDE))))}"


def _take(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _merge(inside: dict[str, Tensor], block: int) -> dict[str, Tensor]:
    """Put the subsets side by side."""

    def subsets(letter: str, kind: str) -> list[Tensor]:
        keys = [f"gcn1.conv_{letter}.{subset}.{kind}" for subset in range(_SUBSETS)]
        if missing := [key for key in keys if key not in inside]:
            raise DataError(f"weights: 'l{block}.{missing[0]}' is missing; is this a file of 2s-AGCN?")
        return [inside.pop(key) for key in keys]

    merged = {f"embed.{kind}": torch.cat(subsets("a", kind) + subsets("b", kind)) for kind in _KINDS}
    merged["mix_weight"] = torch.cat(subsets("d", "weight"), dim=1)
    merged["mix_bias"] = torch.stack(subsets("d", "bias"))
    return inside | merged


def _split(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_merge`."""
    parts: dict[str, Sequence[Tensor]] = {}
    for kind in _KINDS:
        embed = inside.pop(f"embed.{kind}").chunk(2 * _SUBSETS)
        parts[f"gcn1.conv_a.{{}}.{kind}"] = embed[:_SUBSETS]
        parts[f"gcn1.conv_b.{{}}.{kind}"] = embed[_SUBSETS:]
    parts["gcn1.conv_d.{}.weight"] = inside.pop("mix_weight").chunk(_SUBSETS, dim=1)
    parts["gcn1.conv_d.{}.bias"] = inside.pop("mix_bias").unbind()
    for pattern, tensors in parts.items():
        inside |= {pattern.format(number): tensor for number, tensor in enumerate(tensors)}
    return inside
