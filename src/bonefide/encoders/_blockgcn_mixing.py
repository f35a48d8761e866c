# SPDX-License-Identifier: Apache-2.0
"""The graph convolution of BlockGCN: in every block of channels several graphs, each with a projection of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["convolve_blocks"]


def convolve_blocks(x: Tensor, graphs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Mix the joints of each block of channels by its graphs, then its channels.

        z[h, c, t, w] = sum over s, k, v of weight[s, h, c, k] x[h, k, t, v] graphs[s, h, v, w], and all biases

    Shape:
        x: (N, C, T, V), C = H times the channels of a block.
        graphs: (S, H, V, V), from joint to joint.
        weight: (S, C', C / H).
        bias: (S, C').
        returned: (N, C', T, V).
    """
    subsets, heads = graphs.shape[:2]
    total = bias.sum(dim=0)
    count, channels, frames, joints = x.shape
    if torch.compiler.is_exporting():
        # Runtimes have convolutions of blocks, and no large batches of small products.
        split = x.reshape(count, heads, channels // heads * frames, joints)
        mixed = [torch.matmul(split, graph).reshape(x.shape) for graph in graphs.unbind()]
        kernels = [kernel[:, :, None, None] for kernel in weight.unbind()]
        first, *rest = (F.conv2d(x, kernel, groups=heads) for x, kernel in zip(mixed, kernels, strict=True))
        return sum(rest, first) + total[:, None, None]
    by_block = x.reshape(count * heads, channels // heads * frames, joints)
    repeated = graphs.repeat(1, count, 1, 1)
    if torch.compiler.is_compiling() or torch.is_autocast_enabled(x.device.type):
        mixed_by_block = torch.stack([torch.bmm(by_block, graph) for graph in repeated.unbind()], dim=1)
    else:
        mixed_by_block = _Mixed.apply(by_block, repeated)  # type: ignore[no-untyped-call]
    side_by_side = mixed_by_block.view(count * heads, subsets * (channels // heads), frames * joints)
    # (heads, C' / heads, S * C / heads): a block's projections of all subsets.
    kernel = weight.unflatten(1, (heads, -1)).permute(1, 2, 0, 3).flatten(2)
    z = torch.baddbmm(total.view(heads, -1, 1).repeat(count, 1, 1), kernel.repeat(count, 1, 1), side_by_side)
    return z.view(count, len(total), frames, joints)


class _Mixed(torch.autograd.Function):
    """Products with every graph, (B, R, V) by (S, B, V, V) to (B, S, R, V).

    They are written to where they belong, and their gradients are summed there, instead of being copied.
    """

    @staticmethod
    def forward(x: Tensor, graphs: Tensor) -> Tensor:
        mixed = x.new_empty(len(x), len(graphs), *x.shape[1:])
        for subset, graph in enumerate(graphs):
            torch.bmm(x, graph, out=mixed[:, subset])
        return mixed

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, graphs = ctx.saved_tensors
        gradient = gradient.contiguous()
        of_x = torch.bmm(gradient[:, 0], graphs[0].transpose(1, 2))
        of_graphs = torch.empty_like(graphs)
        for subset, graph in enumerate(graphs):
            if subset:
                of_x.baddbmm_(gradient[:, subset], graph.transpose(1, 2))
            torch.bmm(x.transpose(1, 2), gradient[:, subset], out=of_graphs[subset])
        return of_x, of_graphs
