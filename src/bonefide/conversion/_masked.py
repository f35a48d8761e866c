# SPDX-License-Identifier: Apache-2.0
"""Networks of the MAMP framework: official names of the masked transformer, its decoder and its heads, and ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.errors import DataError

__all__ = ["to_official", "to_ours"]

State = dict[str, Tensor]

_COORDINATES = 3
_BOTH = ("weight", "bias")
_NORM = ("running_mean", "running_var", "num_batches_tracked")


def _of(names: Mapping[str, str], kinds: Iterable[str] = _BOTH) -> dict[str, str]:
    return {f"{theirs}.{kind}": f"{ours}.{kind}" for theirs, ours in names.items() for kind in kinds}


_BLOCK = _of(
    {
        "norm1": "norm1",
        "norm2": "norm2",
        "attn.qkv": "qkv",
        "attn.proj": "project",
        "mlp.fc1": "expand",
        "mlp.fc2": "contract",
    }
)
_ENCODER = {"temp_embed": "encoder.position.times", "pos_embed": "encoder.position.joints"} | _of(
    {"joints_embed.proj": "encoder.embed", "norm": "encoder.stack.norm"}
)
_DECODER = {
    "mask_token": "decoder.mask_token",
    "decoder_temp_embed": "decoder.position.times",
    "decoder_pos_embed": "decoder.position.joints",
} | _of({"decoder_embed": "decoder.embed", "decoder_norm": "decoder.stack.norm", "decoder_pred": "decoder.predict"})
_DENSITY = {
    "gen_mask.weights": "density.channel_weights",
    "gen_mask.h_values": "density.widths",
    "gen_mask.joint_weights": "density.joint_weights",
} | _of({"gen_mask.m": "density"})
_LINEAR = {f"head.fc.0.{kind}": f"norm.{kind}" for kind in _NORM} | _of({"head.fc.1": "head"})
_FINETUNED = {f"head.bn.{kind}": f"head.norm.{kind}" for kind in _NORM} | _of(
    {"head.bn": "head.norm", "head.fc1": "head.expand", "head.fc2": "head.classify"}
)
_STACKS = {"blocks": "encoder.stack.blocks", "decoder_blocks": "decoder.stack.blocks"}
_PARTS = (_DECODER, _DENSITY, _LINEAR, _FINETUNED)
"""Tables of which a network has all or nothing."""


def to_ours(state: Mapping[str, Tensor], *, density: bool) -> State:
    """Official weights under our names.

    Args:
        state: the official state dict, perhaps of a wrapper for several devices.
        density: whether there may be a density of joints.

    Raises:
        DataError: naming a key that is missing or has no place.
    """
    state = {key.removeprefix("module."): value for key, value in state.items()}
    table = _table(state, density=density, theirs=True)
    ours = rename(state, table)
    if missing := sorted(table.keys() - state.keys()):
        raise DataError(f"weights: '{missing[0]}' is missing; is this a file of the masked transformer?")
    return {key: _flat(key, value) for key, value in ours.items()}


def to_official(state: Mapping[str, Tensor]) -> State:
    """Our weights under the official names; tokens are taken to be of one joint and three coordinates.

    Raises:
        DataError: naming a key that is missing or has no place.
    """
    table = invert(_table(state, density=True, theirs=False))
    if missing := sorted(table.keys() - state.keys()):
        raise DataError(f"weights: '{missing[0]}' is missing; are these of a method around the masked transformer?")
    return {key: _shaped(key, value) for key, value in rename(state, table).items()}


def _table(state: Mapping[str, Tensor], *, density: bool, theirs: bool) -> dict[str, str]:
    """Official keys of a network to ours: what of it there must be follows from what there is."""
    table = dict(_ENCODER)
    for part in _PARTS:
        names = part if theirs else part.values()
        if (density or part is not _DENSITY) and not state.keys().isdisjoint(names):
            table |= part
    biased = any(key.endswith("qkv.bias") for key in state)
    for their_stack, our_stack in _STACKS.items():
        for block in _blocks(state, their_stack if theirs else our_stack):
            table |= {
                f"{their_stack}.{block}.{key}": f"{our_stack}.{block}.{value}"
                for key, value in _BLOCK.items()
                if biased or not key.endswith("qkv.bias")
            }
    return table


def _blocks(state: Mapping[str, Tensor], stack: str) -> Iterator[int]:
    """Numbers of blocks up to the last there is."""
    found = (re.match(rf"{re.escape(stack)}\.(\d+)\.", key) for key in state)
    yield from range(max((int(match[1]) + 1 for match in found if match), default=0))


def _flat(key: str, value: Tensor) -> Tensor:
    """What a convolution or an axis of size one holds there, as the matrix or the vectors it is here."""
    if key == "encoder.embed.weight":
        return value.permute(0, 2, 3, 1).flatten(1)
    if ".position." in key:
        return value.flatten(0, 2)
    return value.flatten() if key == "decoder.mask_token" else value


def _shaped(key: str, value: Tensor) -> Tensor:
    """Undo `_flat`; keys are official ones."""
    if key == "joints_embed.proj.weight":
        return value.unflatten(1, (-1, 1, _COORDINATES)).permute(0, 3, 1, 2).contiguous()
    if key.endswith("temp_embed"):
        return value[None, :, None]
    return value[None, None] if key.endswith("pos_embed") or key == "mask_token" else value
