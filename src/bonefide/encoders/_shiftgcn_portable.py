# SPDX-License-Identifier: Apache-2.0
"""Shift-GCN in evaluation, in operations that other runtimes have fast: they copy rows quickly, single numbers slowly.

Maps are (N * M, C, T, V), so that all joints of a channel and frame lie in one row. Frames are shifted by copying rows,
joints by a product with a small matrix for each channel; masks and normalisations are folded into what stands beside.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bonefide.encoders._temporal_shift import TemporalShift
from bonefide.layers.batch_norm import affine
from bonefide.layers.joint_shift import joint_shift

__all__ = ["portable_map"]


def portable_map(x: Tensor, blocks: Iterable[Any]) -> Tensor:
    """All blocks.

    Shape:
        x: (N * M, C, T, V).
        returned: (N * M, D', T', V).
    """
    for block in blocks:
        y = _temporal(_spatial(x, block.spatial), block.temporal)
        if block.residual is not None:
            y = y + _projected(x, block.residual)
        x = torch.relu(y)
    return x


def _spatial(x: Tensor, part: Any) -> Tensor:
    joints, channels = part.mask.shape
    scale, offset = (each.view(joints, -1).t().unsqueeze(1) for each in affine(part.norm))
    there = _moves(joints, channels, x) * (torch.tanh(part.mask).t() + 1).unsqueeze(1)
    back = _moves(joints, len(part.linear.bias), x, back=True) * scale
    y = torch.matmul(_mapped(torch.matmul(x, there), part.linear.weight), back)
    return torch.relu(y + (offset + scale * _deep(part.linear.bias)) + _projected(x, part.down))


def _temporal(x: Tensor, part: Any) -> Tensor:
    scale, offset = affine(part.norm_in)
    (before, later), (first, second) = _taps(x, part.shift_in)
    # Beyond the first and the last frame there is nothing, so not even an offset.
    x = before * (first * _deep(scale)) + (later * (second * _deep(scale)) + (first + second) * _deep(offset))
    x = torch.relu(_mapped(x, part.linear.weight) + _deep(part.linear.bias))
    scale, offset = affine(part.norm_out)
    (before, later), (first, second) = _taps(x, part.shift_out)
    return before * (first * _deep(scale)) + (later * (second * _deep(scale)) + _deep(offset))


def _taps(x: Tensor, shift: TemporalShift) -> tuple[list[Tensor], list[Tensor]]:
    """The frames before and after each position, (N * M, C, T', V), and their weights, (C, T', 1)."""
    channels, frames = x.shape[1:3]
    position = shift.position if shift.stride == 1 else shift.position + 0.5
    whole = torch.floor(position)
    share = (position - whole).unsqueeze(1)
    begin = shift.stride * torch.arange(frames // shift.stride, device=x.device) + whole.unsqueeze(1)
    row = frames * torch.arange(channels, device=x.device).unsqueeze(1)
    taken, weights = [], []
    for frame, part in ((begin, 1 - share), (begin + 1, share)):
        inside = (frame >= 0) & (frame < frames)
        rows = (frame.clamp(0, frames - 1).long() + row).flatten()
        taken.append(x.flatten(1, 2).index_select(1, rows).unflatten(1, (channels, -1)))
        weights.append((part * inside.to(x.dtype)).unsqueeze(2))
    return taken, weights


def _projected(x: Tensor, part: Any) -> Tensor:
    if isinstance(part, nn.Identity):
        return x
    scale, offset = affine(part.norm)
    weight = part.linear.weight * scale.unsqueeze(1)
    return _mapped(x[:, :, :: part.stride], weight) + _deep(part.linear.bias * scale + offset)


def _mapped(x: Tensor, weight: Tensor) -> Tensor:
    """A map of the channels."""
    return torch.matmul(weight, x.flatten(2)).unflatten(2, x.shape[2:])


def _moves(joints: int, channels: int, like: Tensor, *, back: bool = False) -> Tensor:
    """Which joint goes where, for each channel, (C, V, V)."""
    source = joint_shift(joints, channels, back=back).view(joints, channels).t() // channels
    goes = torch.arange(joints).view(1, -1, 1) == source.unsqueeze(1)
    return goes.to(dtype=like.dtype, device=like.device)


def _deep(each: Tensor) -> Tensor:
    return each.view(-1, 1, 1)
