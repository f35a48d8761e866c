# SPDX-License-Identifier: Apache-2.0
"""Weights of the official 2s-AGCN, one stream a file, there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bonefide.conversion._blocks import BlockNames
from bonefide.encoders import agcn
from bonefide.errors import DataError
from bonefide.layouts import layout

__all__ = ["AGCN"]

_SUBSETS = 3
_KINDS = ("weight", "bias")
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
_NETWORK = BlockNames("2s-AGCN", _OUTSIDE, _INSIDE, lambda: agcn.AGCN(layout("ucla20"), 3, persons=1, base_channels=4))


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
        ours = _NETWORK.to_ours(state, _merge)
        if strange := ours.keys() - _NETWORK.expected:
            key = _NETWORK.official_key(min(strange))
            raise DataError(f"weights: '{key}' has no place in this model; is it 2s-AGCN's?")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        return _NETWORK.to_official(state, _split)


def _merge(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put the subsets side by side."""

    def subsets(letter: str, kind: str) -> list[Tensor]:
        return [inside.pop(f"gcn1.conv_{letter}.{subset}.{kind}") for subset in range(_SUBSETS)]

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
