# SPDX-License-Identifier: Apache-2.0
"""Weights of the official Shift-GCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.encoders import shiftgcn
from bonefide.errors import DataError
from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["ShiftGCN"]

_BLOCKS = range(1, 11)
_PERMUTATIONS = ("gcn1.shift_in", "gcn1.shift_out")
_ALONG_JOINTS = ("tcn1.shift_in.xpos", "tcn1.shift_out.xpos")
_NEGLIGIBLE = 1e-6
_OUTSIDE = {"data_bn.{}": "encoder.input_norm.norm.{}", "fc.{}": "head.{}"}
_INSIDE = {
    "gcn1.Linear_weight": "spatial.linear.weight",
    "gcn1.Linear_bias": "spatial.linear.bias",
    "gcn1.Feature_Mask": "spatial.mask",
    "gcn1.bn.{}": "spatial.norm.{}",
    "gcn1.down.0.{}": "spatial.down.linear.{}",
    "gcn1.down.1.{}": "spatial.down.norm.{}",
    "tcn1.bn.{}": "temporal.norm_in.{}",
    "tcn1.bn2.{}": "temporal.norm_out.{}",
    "tcn1.shift_in.ypos": "temporal.shift_in.position",
    "tcn1.shift_out.ypos": "temporal.shift_out.position",
    "tcn1.temporal_linear.{}": "temporal.linear.{}",
    "residual.conv.{}": "residual.linear.{}",
    "residual.bn.{}": "residual.norm.{}",
}
_CONVOLUTIONS = ("gcn1.down.0.weight", "tcn1.temporal_linear.weight", "residual.conv.weight")
"""Weights that have two more axes of size 1 there."""


class ShiftGCN:
    """Between the official state dict and that of `Supervised` around our `ShiftGCN`.

    Two kinds of official entries carry nothing and are left out after a look at them: the permutations of the spatial
    shift, constants that are stored as parameters, and the positions along the joints, below 1e-9 in all released
    files.

    Raises:
        DataError: from either way, naming a key that is missing or has no place, or an entry that is left out but is
            not what it always is.

    Reference:
        kchengiva/Shift-GCN, model/shift_gcn.py.
    """

    encoder = "shiftgcn"
    ignored: tuple[str, ...] = tuple(f"l{block}.{key}" for block in _BLOCKS for key in _PERMUTATIONS + _ALONG_JOINTS)
    """Official keys that carry nothing learned."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        # Some released files come from a data-parallel wrapper.
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: dict[str, Tensor] = {}
        for block in _BLOCKS:
            inside = {key: _checked(f"l{block}.{key}", value) for key, value in _take(state, f"l{block}.").items()}
            for key, shift in _shifts(inside).items():
                if key in inside and not torch.equal(inside[key].long(), shift.to(inside[key].device)):
                    raise DataError(f"weights: 'l{block}.{key}' is not the shift of Shift-GCN; is the file damaged?")
            kept = {key: _ours(key, value) for key, value in inside.items() if key not in _PERMUTATIONS + _ALONG_JOINTS}
            ours |= {f"encoder.blocks.{block - 1}.{key}": value for key, value in rename(kept, _INSIDE).items()}
        inside_keys = tuple(f"l{block}." for block in _BLOCKS)
        ours |= rename({key: value for key, value in state.items() if not key.startswith(inside_keys)}, _OUTSIDE)
        if missing := _expected_keys() - ours.keys():
            raise DataError(f"weights: '{_official_key(min(missing))}' is missing; is this a file of Shift-GCN?")
        return ours

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones, without the ignored."""
        if missing := sorted(_expected_keys() - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; are these of `Supervised` around Shift-GCN?")
        official = rename(
            {key: value for key, value in state.items() if not key.startswith("encoder.blocks.")}, invert(_OUTSIDE)
        )
        for block in _BLOCKS:
            inside = rename(_take(state, f"encoder.blocks.{block - 1}."), invert(_INSIDE))
            official |= {f"l{block}.{key}": _official(key, value) for key, value in inside.items()}
        return official


def _checked(key: str, value: Tensor) -> Tensor:
    if key.endswith(_ALONG_JOINTS) and not value.abs().max() < _NEGLIGIBLE:
        raise DataError(
            f"weights: '{key}' shifts along the joints by up to {value.abs().max():.2g}; Shift-GCN as published never "
            "trains it, and here it is left out"
        )
    return value


def _shifts(inside: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The permutations that belong to a block of this size; none if it does not tell its size."""
    mask, linear = inside.get("gcn1.Feature_Mask"), inside.get("gcn1.Linear_weight")
    if mask is None or linear is None:
        return {}
    joints = mask.shape[1]
    shifts = (
        joint_shift(joints, linear.shape[0]),
        joint_shift(joints, linear.shape[1], back=True),
    )
    return dict(zip(_PERMUTATIONS, shifts, strict=True))


def _ours(key: str, value: Tensor) -> Tensor:
    if key == "gcn1.Linear_weight":
        return value.t().contiguous()
    if key == "gcn1.Linear_bias":
        return value.flatten()
    if key == "gcn1.Feature_Mask":
        return value.squeeze(0)
    return value.flatten(1) if key in _CONVOLUTIONS else value


def _official(key: str, value: Tensor) -> Tensor:
    """Undo `_ours`."""
    if key == "gcn1.Linear_weight":
        return value.t().contiguous()
    if key == "gcn1.Linear_bias":
        return value.view(1, 1, -1)
    if key == "gcn1.Feature_Mask":
        return value.unsqueeze(0)
    return value[:, :, None, None] if key in _CONVOLUTIONS else value


@cache
def _expected_keys() -> frozenset[str]:
    # Names do not depend on sizes; on the device "meta" nothing is allocated or drawn.
    with torch.device("meta"):
        method = Supervised(shiftgcn.ShiftGCN(layout("ucla20"), 3, persons=1, base_channels=8), 2)
    return frozenset(method.state_dict())


def _official_key(key: str) -> str:
    if not key.startswith("encoder.blocks."):
        return next(iter(rename({key: None}, invert(_OUTSIDE))))
    block, inside = key.removeprefix("encoder.blocks.").split(".", 1)
    return f"l{int(block) + 1}.{next(iter(rename({inside: None}, invert(_INSIDE))))}"


def _take(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
