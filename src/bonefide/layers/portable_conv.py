# SPDX-License-Identifier: Apache-2.0
"""Convolutions of maps (T, N, V, C) as ONNX Runtime has them fastest on a CPU in float32: as products of matrices.

Norms that follow are folded into the weights. Long convolutions along time are computed in tiles, with a third of the
multiplications (see `layers.tiled_conv`); no operation here has an axis of as many places as there are tiles, as the
number may be one, which exporters treat as a case of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.layers.batch_norm import affine
from bonefide.layers.exporting import export_target
from bonefide.layers.tiled_conv import TILE, tile_transforms

__all__ = ["portable_frames", "portable_pays", "portable_pointwise", "portable_residual"]

_LEAST_CHANNELS = 128


def portable_pays(channels: int) -> bool:
    """Whether a network had better be exported so: for floats, unless it is so narrow that transforms cost more.

    Args:
        channels: of its last map; a 2s-AGCN of 64 was slower in tiles, an ST-GCN of 128 faster.
    """
    return export_target() == "floats" and channels >= _LEAST_CHANNELS


def portable_frames(x: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """A convolution along time with padding and bias, normalised by what training has seen.

    Args:
        x: activations.
        conv: kernel (k, 1), k odd, padding (k // 2, 0), stride 1 or 2.
        norm: follows it.

    Shape:
        x: (T, N, V, C).
        returned: (ceil(T / stride), N, V, C').
    """
    frames, count, joints, channels = x.shape
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    transforms = tile_transforms(kernel, TILE, TILE + kernel - 1)
    of_input, of_taps, of_products = (torch.tensor(each, dtype=x.dtype) for each in transforms)
    scale, offset = affine(norm)
    bias = offset if conv.bias is None else conv.bias * scale + offset
    by_tap = (conv.weight.squeeze(-1) * scale.view(-1, 1, 1)).permute(2, 1, 0).flatten(1)
    taps = torch.matmul(of_taps, by_tap).reshape(len(of_taps), channels, -1)

    tiles = (frames + TILE - 1) // TILE
    seen = _into_tiles(x.flatten(1), tiles, kernel).reshape(TILE + kernel - 1, -1)
    transformed = torch.matmul(of_input, seen).reshape(len(of_input), -1, channels)
    made = torch.matmul(of_products[::stride], torch.bmm(transformed, taps).flatten(1))
    made = made.reshape(-1, count * joints * conv.out_channels)
    by_frame = _out_of_tiles(made, (frames + stride - 1) // stride, tiles, TILE // stride)
    return by_frame.reshape(-1, count, joints, conv.out_channels) + bias


def _into_tiles(x: Tensor, tiles: int, kernel: int) -> Tensor:
    """(T, R) to (size * tiles, R): frame p of tile i in row p * tiles + i, tiles overlapping by k - 1 frames."""
    padded = F.pad(x, (0, 0, kernel // 2, tiles * TILE - x.shape[0] + kernel // 2))
    row = torch.arange((TILE + kernel - 1) * tiles)
    place = row // tiles
    return padded.index_select(0, place + (row - place * tiles) * TILE)


def _out_of_tiles(x: Tensor, frames: int, tiles: int, each: int) -> Tensor:
    """(each * tiles, R), lying so, to (T, R); what tiles make beyond the end is dropped."""
    frame = torch.arange(frames)
    return x.index_select(0, frame % each * tiles + frame // each)


def portable_pointwise(x: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> Tensor:
    """A convolution of one frame and joint, normalised if there is a norm.

    Shape:
        x: (T, N, V, C).
        returned: (T, N, V, C').
    """
    weight = conv.weight.flatten(1).t()
    bias = x.new_zeros(()) if conv.bias is None else conv.bias
    if norm is not None:
        scale, offset = affine(norm)
        weight, bias = weight * scale, bias * scale + offset
    return torch.matmul(x, weight) + bias


def portable_residual(x: Tensor, part: Any) -> Tensor:
    """Nothing, or a pointwise convolution and a norm, strides already taken.

    Shape:
        x: (T, N, V, C).
        returned: (T, N, V, C').
    """
    return x if isinstance(part, nn.Identity) else portable_pointwise(x, *part.children())
