# SPDX-License-Identifier: Apache-2.0
"""Weights of the official Shift-GCN, there and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bonefide.conversion._blocks import BlockNames
from bonefide.encoders import shiftgcn
from bonefide.errors import DataError
from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout

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
_NETWORK = BlockNames(
    "Shift-GCN", _OUTSIDE, _INSIDE, lambda: shiftgcn.ShiftGCN(layout("ucla20"), 3, persons=1, base_channels=8)
)


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
        for key, value in state.items():
            if key.endswith(_PERMUTATIONS):
                _refuse_other_permutations(key, state)
            elif key.endswith(_ALONG_JOINTS):
                _refuse_shifts_along_joints(key, value)
        return _NETWORK.to_ours(state, _ours)

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones, without the ignored."""
        return _NETWORK.to_official(state, _official)


def _refuse_other_permutations(key: str, state: Mapping[str, Tensor]) -> None:
    back = key.endswith(_PERMUTATIONS[1])
    block = key.removesuffix(_PERMUTATIONS[back])
    mask, linear = state.get(f"{block}gcn1.Feature_Mask"), state.get(f"{block}gcn1.Linear_weight")
    if mask is None or linear is None:
        # The block does not tell its size; what it lacks is refused later.
        return
    shift = joint_shift(mask.shape[1], linear.shape[back], back=back)
    if not torch.equal(state[key].long(), shift.to(state[key].device)):
        raise DataError(f"weights: '{key}' is not the shift of Shift-GCN; is the file damaged?")


def _refuse_shifts_along_joints(key: str, value: Tensor) -> None:
    if not value.abs().max() < _NEGLIGIBLE:
        raise DataError(
            f"weights: '{key}' shifts along the joints by up to {value.abs().max():.2g}; Shift-GCN as published never "
            "trains it, and here it is left out"
        )


def _ours(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices, vectors and masks without axes of size 1, and nothing that is ignored."""
    ours = {key: value for key, value in inside.items() if key not in _PERMUTATIONS + _ALONG_JOINTS}
    ours["gcn1.Linear_weight"] = ours["gcn1.Linear_weight"].t().contiguous()
    ours["gcn1.Linear_bias"] = ours["gcn1.Linear_bias"].flatten()
    ours["gcn1.Feature_Mask"] = ours["gcn1.Feature_Mask"].squeeze(0)
    return ours | {key: ours[key].flatten(1) for key in _CONVOLUTIONS if key in ours}


def _official(inside: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_ours`."""
    official = dict(inside)
    official["gcn1.Linear_weight"] = inside["gcn1.Linear_weight"].t().contiguous()
    official["gcn1.Linear_bias"] = inside["gcn1.Linear_bias"].view(1, 1, -1)
    official["gcn1.Feature_Mask"] = inside["gcn1.Feature_Mask"].unsqueeze(0)
    return official | {key: inside[key][:, :, None, None] for key in _CONVOLUTIONS if key in inside}
