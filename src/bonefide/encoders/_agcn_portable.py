# SPDX-License-Identifier: Apache-2.0
"""2s-AGCN in evaluation, in operations that ONNX Runtime has fast on a CPU: products of matrices, and copies of rows.

Maps are (T, N, V, C), so that nothing large is transposed; norms are folded into the products beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from bonefide.layers.batch_norm import affine
from bonefide.layers.portable_conv import portable_frames, portable_pointwise, portable_residual

__all__ = ["portable_map"]


def portable_map(x: Tensor, blocks: Iterable[Any]) -> Tensor:
    """All blocks.

    Shape:
        x: (N, C, T, V).
        returned: (N, D', T', V).
    """
    x = x.permute(2, 0, 3, 1)
    for block in blocks:
        y = portable_frames(_spatial(x, block.spatial), block.temporal.conv, block.temporal.norm)
        if block.residual is not None:
            y = y + portable_residual(x[:: block.stride], block.residual)
        x = torch.relu(y)
    return x.permute(1, 3, 0, 2)


def _spatial(x: Tensor, part: Any) -> Tensor:
    graphs = _attention(portable_pointwise(x, part.embed), len(part.graphs)) + (part.graphs + part.learned)
    # Rows of a target's subsets side by side, which then are input channels.
    gathered = torch.matmul(graphs.permute(0, 3, 1, 2).flatten(1, 2), x)
    gathered = gathered.reshape(*x.shape[:3], len(part.graphs) * x.shape[3])
    scale, offset = affine(part.norm)
    y = torch.matmul(gathered, part.mix_weight.flatten(1).t() * scale) + (part.mix_bias.sum(dim=0) * scale + offset)
    return torch.relu(y + portable_residual(x, part.down))


def _attention(embedded: Tensor, subsets: int) -> Tensor:
    """(T, N, V, 2 S r) to (N, S, V, V); frames are summed after the products, so that nothing is moved."""
    parts = embedded.chunk(2 * subsets, dim=3)
    pairs = zip(parts[:subsets], parts[subsets:], strict=True)
    scores = torch.stack([torch.matmul(a, b.transpose(2, 3)).mean(dim=0) for a, b in pairs], dim=1)
    return torch.softmax(scores / parts[0].shape[3], dim=2)
