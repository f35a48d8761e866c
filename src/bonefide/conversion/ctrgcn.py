# SPDX-License-Identifier: Apache-2.0
"""Weights of the official CTR-GCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bonefide.conversion._blocks import BlockNames
from bonefide.conversion._multi_scale import KEYS, merge_branches, split_branches
from bonefide.encoders import ctrgcn
from bonefide.layouts import layout

__all__ = ["CTRGCN"]

_SUBSETS = 3
_OUTSIDE = {"data_bn.{}": "encoder.input_norm.norm.{}", "fc.{}": "head.{}"}
_INSIDE = KEYS | {
    "gcn1.PA": "spatial.graphs",
    "gcn1.alpha": "spatial.alpha",
    "gcn1.bn.{}": "spatial.norm.{}",
    "gcn1.down.0.{}": "spatial.down.conv.{}",
    "gcn1.down.1.{}": "spatial.down.norm.{}",
    "embed.{}": "spatial.embed.{}",
    "value.{}": "spatial.value.{}",
    "refine_weight": "spatial.refine_weight",
    "refine_bias": "spatial.refine_bias",
}
_NETWORK = BlockNames(
    "CTR-GCN", _OUTSIDE, _INSIDE, lambda: ctrgcn.CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
)


class CTRGCN:
    """Between the official state dict and that of `Supervised` around our `CTRGCN`.

    The three subsets of a graph convolution and the projections of the temporal branches, separate modules there, lie
    side by side in ours.

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
        return _NETWORK.to_ours(state, lambda inside: _merge_subsets(merge_branches(inside)))

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        return _NETWORK.to_official(state, lambda inside: _split_subsets(split_branches(inside)))


def _merge_subsets(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put the subsets side by side."""

    def subsets(number: int, kind: str) -> list[Tensor]:
        return [inside.pop(f"gcn1.convs.{subset}.conv{number}.{kind}") for subset in range(_SUBSETS)]

    merged = {
        "embed.weight": torch.cat(subsets(1, "weight") + subsets(2, "weight")).squeeze(-1),
        "embed.bias": torch.cat(subsets(1, "bias") + subsets(2, "bias")),
        "value.weight": torch.cat(subsets(3, "weight")),
        "value.bias": torch.cat(subsets(3, "bias")),
        "refine_weight": torch.stack(subsets(4, "weight")).flatten(2),
        "refine_bias": torch.stack(subsets(4, "bias")).unsqueeze(-1),
    }
    return inside | merged


def _split_subsets(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_merge_subsets`."""
    parts: dict[str, Sequence[Tensor]] = {}
    for kind in ("weight", "bias"):
        embed = inside.pop(f"embed.{kind}").chunk(2 * _SUBSETS)
        parts[f"gcn1.convs.{{}}.conv1.{kind}"] = embed[:_SUBSETS]
        parts[f"gcn1.convs.{{}}.conv2.{kind}"] = embed[_SUBSETS:]
        parts[f"gcn1.convs.{{}}.conv3.{kind}"] = inside.pop(f"value.{kind}").chunk(_SUBSETS)
        parts[f"gcn1.convs.{{}}.conv4.{kind}"] = inside.pop(f"refine_{kind}").unbind()
    for pattern, tensors in parts.items():
        for number, tensor in enumerate(tensors):
            inside[pattern.format(number)] = _official_shape(pattern, tensor)
    return inside


def _official_shape(pattern: str, tensor: Tensor) -> Tensor:
    """Pairwise embeddings and refinements are 1 x 1 convolutions there."""
    if ".conv4.bias" in pattern:
        return tensor.squeeze(-1)
    if pattern.endswith("weight"):
        return tensor.reshape(*tensor.shape[:2], 1, 1)
    return tensor
