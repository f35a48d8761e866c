# SPDX-License-Identifier: Apache-2.0
"""Weights of the official BlockGCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bonefide.conversion._blocks import BlockNames
from bonefide.conversion._multi_scale import KEYS, merge_branches, split_branches
from bonefide.encoders import blockgcn
from bonefide.layouts import layout

__all__ = ["BlockGCN"]

_SUBSETS = 3
_BLOCKS = range(10)
# Into how many parts of the first width the inputs of the blocks fall: five have one, five have two.
_WIDTHS = (1,) * 5 + (2,) * 5
_TOPOLOGY = ("mlp.weight", "mlp.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
_COUNTED = "bn.num_batches_tracked"
_OUTSIDE = {
    "pos_embedding": "encoder.position",
    "to_joint_embedding.{}": "encoder.embed.{}",
    "data_bn.{}": "encoder.input_norm.{}",
    "topo.pl.{}": "encoder.topology.{}",
    "mlp.{}": "encoder.topology.project.{}",
    "bn.{}": "encoder.topology.norm.{}",
    "fc.{}": "head.{}",
}
_INSIDE = KEYS | {
    "gcn1.fc1": "spatial.free",
    "gcn1.rpe": "spatial.by_hops",
    "weight": "spatial.weight",
    "bias": "spatial.bias",
    "gcn1.bn.{}": "spatial.norm.{}",
    "gcn1.down.0.{}": "spatial.down.conv.{}",
    "gcn1.down.1.{}": "spatial.down.norm.{}",
}
_NETWORK = BlockNames(
    "BlockGCN", _OUTSIDE, _INSIDE, lambda: blockgcn.BlockGCN(layout("ucla20"), 3, persons=1, base_channels=8)
)


class BlockGCN:
    """Between the official state dict and that of `Supervised` around our `BlockGCN`.

    The subsets of a graph convolution, the projections of the temporal branches and the topology layers of all blocks,
    separate modules there, lie side by side in ours; the first normalisation has channels before joints. Networks
    trained by the official code were trained with its batch behaviour: build the encoder with `topology="official"`
    to get their published outputs, or leave it "fixed" for outputs that do not depend on the batch.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        ZhouYuxuanYX/BlockGCN, model/BlockGCN.py.
    """

    encoder = "blockgcn"
    ignored: tuple[str, ...] = ()
    """Official keys that carry nothing learned; none here."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        return _reordered(
            _NETWORK.to_ours(state, lambda inside: _merge_subsets(merge_branches(inside)), rest=_merge_topology)
        )

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        _NETWORK.require(state)
        state = _reordered(state, back=True)
        return _split_topology(_NETWORK.to_official(state, lambda inside: _split_subsets(split_branches(inside))))


def _merge_subsets(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    for kind in ("weight", "bias"):
        parts = [inside.pop(f"gcn1.fc2.{subset}.{kind}") for subset in range(_SUBSETS)]
        # Convolutions of one frame and joint there.
        inside[kind] = torch.stack([part.flatten(1) if kind == "weight" else part for part in parts])
    return inside


def _split_subsets(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    for kind in ("weight", "bias"):
        for subset, part in enumerate(inside.pop(kind)):
            inside[f"gcn1.fc2.{subset}.{kind}"] = part[:, :, None, None] if kind == "weight" else part
    return inside


def _merge_topology(outside: dict[str, Tensor]) -> dict[str, Tensor]:
    for name in _TOPOLOGY:
        outside[name] = torch.cat([outside.pop(f"t{block}.{name}") for block in _BLOCKS])
    counted = [outside.pop(f"t{block}.{_COUNTED}") for block in _BLOCKS]
    return outside | {_COUNTED: counted[0]}


def _split_topology(outside: dict[str, Tensor]) -> dict[str, Tensor]:
    for name in _TOPOLOGY:
        merged = outside.pop(name)
        parts = merged.split([len(merged) // sum(_WIDTHS) * width for width in _WIDTHS])
        outside |= {f"t{block}.{name}": part for block, part in enumerate(parts)}
    counted = outside.pop(_COUNTED)
    return outside | {f"t{block}.{_COUNTED}": counted for block in _BLOCKS}


def _reordered(state: Mapping[str, Tensor], *, back: bool = False) -> dict[str, Tensor]:
    """Joints and channels of the stem, which has channels first in ours."""
    ordered = dict(state)
    position, embed = ordered["encoder.position"], ordered["encoder.embed.weight"]
    channels, joints = position.shape[:2] if back else position.shape[:0:-1]
    axes = (channels, joints) if back else (joints, channels)
    ordered["encoder.position"] = position[..., 0].t()[None] if back else position[0].t()[..., None]
    ordered["encoder.embed.weight"] = embed[..., 0, 0] if back else embed[..., None, None]
    for kind in ("weight", "bias", "running_mean", "running_var"):
        key = f"encoder.input_norm.{kind}"
        ordered[key] = ordered[key].view(-1, *axes).transpose(1, 2).flatten()
    return ordered
