# SPDX-License-Identifier: Apache-2.0
"""Weights of the official CTR-GCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.encoders import ctrgcn
from bonefide.errors import DataError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["CTRGCN"]

_SUBSETS = 3
_PROJECTED = 3
_NORM = ("weight", "bias", "running_mean", "running_var")
_BLOCKS = range(1, 11)
_OUTSIDE = {"data_bn.{}": "encoder.input_norm.norm.{}", "fc.{}": "head.{}"}
_INSIDE = {
    "gcn1.PA": "spatial.graphs",
    "gcn1.alpha": "spatial.alpha",
    "gcn1.bn.{}": "spatial.norm.{}",
    "gcn1.down.0.{}": "spatial.down.conv.{}",
    "gcn1.down.1.{}": "spatial.down.norm.{}",
    "tcn1.branches.{}.3.conv.{}": "temporal.convolutions.{}.conv.{}",
    "tcn1.branches.{}.3.bn.{}": "temporal.convolutions.{}.norm.{}",
    "tcn1.branches.2.4.{}": "temporal.maximum_norm.{}",
    "tcn1.branches.3.0.{}": "temporal.plain.conv.{}",
    "tcn1.branches.3.1.{}": "temporal.plain.norm.{}",
    "residual.conv.{}": "residual.conv.{}",
    "residual.bn.{}": "residual.norm.{}",
    "project.{}": "temporal.project.{}",
    "project_norm.{}": "temporal.project_norm.{}",
    "embed.{}": "spatial.embed.{}",
    "value.{}": "spatial.value.{}",
    "refine_weight": "spatial.refine_weight",
    "refine_bias": "spatial.refine_bias",
}


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
        # Some released files come from a data-parallel wrapper.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: dict[str, Tensor] = {}
        for block in _BLOCKS:
            inside = _take(state, f"l{block}.")
            prefix = f"encoder.blocks.{block - 1}."
            ours |= {prefix + key: value for key, value in rename(_merge(inside, block), _INSIDE).items()}
        inside_keys = tuple(f"l{block}." for block in _BLOCKS)
        outside = {key: value for key, value in state.items() if not key.startswith(inside_keys)}
        ours |= rename(outside, _OUTSIDE)
        if missing := _expected_keys() - ours.keys():
            raise DataError(f"weights: '{_official_key(min(missing))}' is missing; is this a file of CTR-GCN?")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        if missing := sorted(_expected_keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `Supervised` around CTR-GCN?")
        official = rename(
            {key: value for key, value in state.items() if not key.startswith("encoder.blocks.")}, invert(_OUTSIDE)
        )
        for block in _BLOCKS:
            inside = rename(_take(state, f"encoder.blocks.{block - 1}."), invert(_INSIDE))
            official |= {f"l{block}.{key}": value for key, value in _split(inside).items()}
        return official


@cache
def _expected_keys() -> frozenset[str]:
    # Names do not depend on sizes; on the device "meta" nothing is allocated or drawn.
    with torch.device("meta"):
        method = Supervised(ctrgcn.CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), 2)
    return frozenset(method.state_dict())


def _official_key(key: str) -> str:
    if not key.startswith("encoder.blocks."):
        return next(iter(rename({key: None}, invert(_OUTSIDE))))
    block, inside = key.removeprefix("encoder.blocks.").split(".", 1)
    return f"l{int(block) + 1}.{next(iter(rename({inside: None}, invert(_INSIDE))))}"


def _take(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _merge(inside: dict[str, Tensor], block: int) -> dict[str, Tensor]:
    """Put what ours computes as one side by side."""

    def take(key: str) -> Tensor:
        if key not in inside:
            raise DataError(f"weights: 'l{block}.{key}' is missing; is this a file of CTR-GCN?")
        return inside.pop(key)

    def subsets(number: int, kind: str) -> list[Tensor]:
        return [take(f"gcn1.convs.{subset}.conv{number}.{kind}") for subset in range(_SUBSETS)]

    def branches(layer: int, kind: str) -> list[Tensor]:
        return [take(f"tcn1.branches.{branch}.{layer}.{kind}") for branch in range(_PROJECTED)]

    merged = {
        "embed.weight": torch.cat(subsets(1, "weight") + subsets(2, "weight")).squeeze(-1),
        "embed.bias": torch.cat(subsets(1, "bias") + subsets(2, "bias")),
        "value.weight": torch.cat(subsets(3, "weight")),
        "value.bias": torch.cat(subsets(3, "bias")),
        "refine_weight": torch.stack(subsets(4, "weight")).flatten(2),
        "refine_bias": torch.stack(subsets(4, "bias")).unsqueeze(-1),
        "project.weight": torch.cat(branches(0, "weight")),
        "project.bias": torch.cat(branches(0, "bias")),
        "project_norm.num_batches_tracked": branches(1, "num_batches_tracked")[0],
    }
    norms = {f"project_norm.{kind}": torch.cat(branches(1, kind)) for kind in _NORM}
    return inside | merged | norms


def _split(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_merge`."""
    parts: dict[str, Sequence[Tensor]] = {}
    for kind in ("weight", "bias"):
        embed = inside.pop(f"embed.{kind}").chunk(2 * _SUBSETS)
        parts[f"gcn1.convs.{{}}.conv1.{kind}"] = embed[:_SUBSETS]
        parts[f"gcn1.convs.{{}}.conv2.{kind}"] = embed[_SUBSETS:]
        parts[f"gcn1.convs.{{}}.conv3.{kind}"] = inside.pop(f"value.{kind}").chunk(_SUBSETS)
        parts[f"gcn1.convs.{{}}.conv4.{kind}"] = inside.pop(f"refine_{kind}").unbind()
        parts[f"tcn1.branches.{{}}.0.{kind}"] = inside.pop(f"project.{kind}").chunk(_PROJECTED)
    for kind in _NORM:
        parts[f"tcn1.branches.{{}}.1.{kind}"] = inside.pop(f"project_norm.{kind}").chunk(_PROJECTED)
    counted = inside.pop("project_norm.num_batches_tracked")
    parts["tcn1.branches.{}.1.num_batches_tracked"] = [counted] * _PROJECTED
    for pattern, tensors in parts.items():
        for number, tensor in enumerate(tensors):
            inside[pattern.format(number)] = _official_shape(pattern, tensor)
    return inside


def _official_shape(pattern: str, tensor: Tensor) -> Tensor:
    """Pairwise embeddings and refinements are 1 x 1 convolutions there."""
    if ".conv4.bias" in pattern:
        return tensor.squeeze(-1)
    if ".conv" in pattern and pattern.endswith("weight"):
        return tensor.reshape(*tensor.shape[:2], 1, 1)
    return tensor
