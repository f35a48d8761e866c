# SPDX-License-Identifier: Apache-2.0
"""Long convolutions along time with about half the work on a CPU: frames first, in tiles, by short Fourier transforms.

A convolution with nine taps costs nine products a frame. Sixteen frames of its output are also a circular correlation
of the 24 frames of input they see, which is one product for each frequency: 35 real products (a complex one is three
real ones), 2.2 a frame. The transforms are small beside the sums over channels, which are batched matrix products.
They are orthogonal up to scale, so the error is that of float sums in another order (those of Winograd, with as few
products, are not).

It pays when activations lie in memory with frames first and channels last: a tile is then one piece, and nothing is
copied. To torch these are tensors (T, C, N, V) in the memory format channels_last, so that layers that treat all N and
T alike (convolutions of one frame, batch normalisation, graph convolutions) work on them as they are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bonefide.types import Array

__all__ = ["TILE", "convolve_frames", "convolve_tiles", "tile_transforms", "tiles_pay"]

TILE = 16
"""Frames that are made together."""
_WHOLE = 32


def tiles_pay(x: Tensor) -> bool:
    """Whether a network had better compute frames first and in tiles: in eager mode on a CPU, unless precision is low.

    Compilers, exporters and GPUs have convolutions of their own, which they can fuse.
    """
    return (
        x.device.type == "cpu"
        and x.dtype in {torch.float32, torch.float64}
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
    )


def convolve_frames(x: Tensor, conv: nn.Conv2d, *, frames_first: bool) -> Tensor:
    """A convolution along time, whichever way the activations lie.

    Args:
        x: activations.
        conv: kernel (k, 1), k odd, padding (k // 2, 0), with a bias, one group, stride 1 or 2.
        frames_first: whether frames are the first axis.

    Shape:
        x: (N, C, T, V), or (T, C, N, V), best in channels_last.
        returned: (N, C', ceil(T / stride), V), or (ceil(T / stride), C', N, V).
    """
    return convolve_tiles(x, conv.weight, conv.bias, stride=conv.stride[0]) if frames_first else conv(x)


def convolve_tiles(x: Tensor, weight: Tensor, bias: Tensor | None, *, stride: int = 1) -> Tensor:
    """A padded convolution along the first axis.

    Args:
        x: activations; those in channels_last are not copied.
        weight: as of `nn.Conv2d`; k odd.
        bias: one number a channel.
        stride: 1 or 2.

    Shape:
        x: (T, C, N, V).
        weight: (C', C, k, 1).
        bias: (C',) or None.
        returned: (ceil(T / stride), C', N, V) in channels_last.

    Example:
        >>> x, weight = torch.arange(5.0).view(5, 1, 1, 1), torch.ones(1, 1, 3, 1)
        >>> [round(float(each), 3) for each in convolve_tiles(x, weight, torch.zeros(1)).flatten()]
        [1.0, 3.0, 6.0, 9.0, 7.0]
    """
    y: Tensor = _Tiles.apply(x, weight, x.new_zeros(len(weight)) if bias is None else bias, stride)  # type: ignore[no-untyped-call]
    return y


@cache
def tile_transforms(kernel: int, tile: int, size: int) -> tuple[Array, Array, Array]:
    """Real matrices that transform a tile of input, the taps, and their products back, in float64.

    Args:
        kernel: taps k.
        tile: frames that are made together.
        size: frames of the circle they are computed on.

    Shape:
        returned: (P, size), (P, k), (tile, P).
    """
    frequencies = np.arange(size // 2 + 1)
    forward = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(size)) / size)
    back = np.exp(2j * np.pi * np.outer(np.arange(tile), frequencies) / size) / size
    # A short tile is transformed at fewer frequencies than there are taps, which then fold.
    taps = np.exp(2j * np.pi * np.outer(frequencies, np.arange(kernel)) / size)
    of_input, of_taps, of_products = [], [], []
    for x, w, y, at in zip(forward, taps, back.T, frequencies, strict=True):
        if 2 * at % size == 0:
            of_input.append(x.real)
            of_taps.append(w.real)
            of_products.append(y.real)
            continue
        # Gauss: three products for (a + ib)(c + id), counted twice for the conjugate frequency.
        of_input += [x.real + x.imag, x.real, x.imag]
        of_taps += [w.real, w.imag - w.real, w.real + w.imag]
        of_products += [2 * (y.real - y.imag), -2 * y.imag, -2 * y.real]
    return np.stack(of_input), np.stack(of_taps), np.stack(of_products, axis=1)


@cache
def _matrices(kernel: int, dtype: torch.dtype, stride: int, tile: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    # Kept over calls, so they must not be tensors of inference mode, which training refuses.
    with torch.inference_mode(False):
        of_input, of_taps, of_products = (
            torch.tensor(each, dtype=dtype) for each in tile_transforms(kernel, tile, size)
        )
        return of_input, of_taps, of_products[::stride].contiguous()


class _Tiles(torch.autograd.Function):
    """Nothing but input and weights is kept for the way back: the transforms are cheaper than the memory."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        x = x.permute(0, 2, 3, 1).contiguous()
        frames, *rest, channels = x.shape
        out_channels, _, kernel, _ = weight.shape
        of_input, of_taps, of_products = _matrices(kernel, x.dtype, stride, *_lengths(frames, kernel))
        taps = _transformed_taps(of_taps, weight)
        y = x.new_empty(-(-frames // stride), *rest, out_channels)
        for seen, columns, made in _tiles(frames, kernel, stride):
            tile = torch.mm(of_input[:, columns], x[seen].flatten(1)).view(len(taps), -1, channels)
            products = torch.bmm(tile, taps)
            # The first frequency is the sum of the tile, so a constant enters there.
            products[0] += of_input.shape[1] * bias
            out = y[made].flatten(1)
            torch.mm(of_products[: len(out)], products.flatten(1), out=out)
        return y.permute(0, 3, 1, 2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, int], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.stride = inputs[3]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        x, gradient = x.permute(0, 2, 3, 1).contiguous(), gradient.permute(0, 2, 3, 1).contiguous()
        out_channels, channels, kernel, _ = weight.shape
        of_input, of_taps, of_products = _matrices(kernel, x.dtype, ctx.stride, *_lengths(len(x), kernel))
        taps = _transformed_taps(of_taps, weight)
        taps_gradient, x_gradient = torch.empty_like(taps), torch.zeros_like(x)
        bias_gradient = gradient.new_zeros(out_channels)
        for seen, columns, made in _tiles(len(x), kernel, ctx.stride):
            out = gradient[made].flatten(1)
            products = torch.mm(of_products[: len(out)].t(), out).view(len(taps), -1, out_channels)
            tile = torch.mm(of_input[:, columns], x[seen].flatten(1)).view(len(taps), -1, channels)
            if seen.start == 0:
                torch.bmm(tile.transpose(1, 2), products, out=taps_gradient)
            else:
                taps_gradient.baddbmm_(tile.transpose(1, 2), products)
            bias_gradient += of_input.shape[1] * products[0].sum(0)
            tile = torch.bmm(products, taps.transpose(1, 2)).flatten(1)
            x_gradient[seen].flatten(1).addmm_(of_input[:, columns].t(), tile)
        weight_gradient = torch.mm(of_taps.t(), taps_gradient.flatten(1)).view(kernel, channels, out_channels)
        return x_gradient.permute(0, 3, 1, 2), weight_gradient.permute(2, 1, 0).unsqueeze(-1), bias_gradient, None


def _transformed_taps(of_taps: Tensor, weight: Tensor) -> Tensor:
    """(P, C, C')."""
    by_tap = weight.squeeze(-1).permute(2, 1, 0).flatten(1)
    return torch.mm(of_taps, by_tap).view(-1, *weight.shape[1::-1])


def _tiles(frames: int, kernel: int, stride: int) -> list[tuple[slice, slice, slice]]:
    """For every tile the frames it sees, the columns of the transform those are (padding has none), those it makes."""
    tile, size = _lengths(frames, kernel)
    tiles = []
    for start in range(0, frames, tile):
        first = start - kernel // 2
        seen = slice(max(first, 0), min(first + size, frames))
        columns = slice(seen.start - first, seen.stop - first)
        tiles.append((seen, columns, slice(start // stride, -(-(start + tile) // stride))))
    return tiles


def _lengths(frames: int, kernel: int) -> tuple[int, int]:
    """Frames a tile makes, and the length of its transform."""
    if frames <= _WHOLE:
        # Before and after it are zeros, which serve both ends of the circle.
        return frames, frames + kernel // 2
    return TILE, TILE + kernel - 1
