# SPDX-License-Identifier: Apache-2.0
"""Weights of the official BlockGCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.conversion._multi_scale import KEYS, merge_branches, split_branches
from bonefide.encoders import blockgcn
from bonefide.errors import DataError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

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
        # Some released files come from a data-parallel wrapper.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: dict[str, Tensor] = {}
        for block in _BLOCKS:
            inside = merge_branches(_take(state, f"l{block + 1}."), prefix=f"l{block + 1}.")
            renamed = rename(_merge_subsets(inside, prefix=f"l{block + 1}."), _INSIDE)
            ours |= {f"encoder.blocks.{block}.{key}": value for key, value in renamed.items()}
        outside = {key: value for key, value in state.items() if not _is_inside(key)}
        ours |= rename(_merge_topology(outside), _OUTSIDE)
        if missing := _expected_keys() - ours.keys():
            raise DataError(f"weights: '{_official_key(min(missing))}' is missing; is this a file of BlockGCN?")
        return _reordered(ours)

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        if missing := sorted(_expected_keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `Supervised` around BlockGCN?")
        state = _reordered(state, back=True)
        outside = {key: value for key, value in state.items() if not key.startswith("encoder.blocks.")}
        official = _split_topology(rename(outside, invert(_OUTSIDE)))
        for block in _BLOCKS:
            inside = rename(_take(state, f"encoder.blocks.{block}."), invert(_INSIDE))
            split = _split_subsets(split_branches(inside))
            official |= {f"l{block + 1}.{key}": value for key, value in split.items()}
        return official


@cache
def _expected_keys() -> frozenset[str]:
    # Names do not depend on sizes; on the device "meta" nothing is allocated or drawn.
    with torch.device("meta"):
        method = Supervised(blockgcn.BlockGCN(layout("ucla20"), 3, persons=1, base_channels=8), 2)
    return frozenset(method.state_dict())


def _official_key(key: str) -> str:
    if not key.startswith("encoder.blocks."):
        return next(iter(rename({key: None}, invert(_OUTSIDE))))
    block, inside = key.removeprefix("encoder.blocks.").split(".", 1)
    return f"l{int(block) + 1}.{next(iter(rename({inside: None}, invert(_INSIDE))))}"


def _is_inside(key: str) -> bool:
    return key.startswith(tuple(f"l{block + 1}." for block in _BLOCKS))


def _take(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _pop(state: dict[str, Tensor], key: str, *, prefix: str = "") -> Tensor:
    if key not in state:
        raise DataError(f"weights: '{prefix}{key}' is missing; is this a file of BlockGCN?")
    return state.pop(key)


def _merge_subsets(inside: dict[str, Tensor], *, prefix: str) -> dict[str, Tensor]:
    for kind in ("weight", "bias"):
        parts = [_pop(inside, f"gcn1.fc2.{subset}.{kind}", prefix=prefix) for subset in range(_SUBSETS)]
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
        outside[name] = torch.cat([_pop(outside, f"t{block}.{name}") for block in _BLOCKS])
    counted = [_pop(outside, f"t{block}.{_COUNTED}") for block in _BLOCKS]
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
