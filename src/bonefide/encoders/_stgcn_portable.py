# SPDX-License-Identifier: Apache-2.0
"""ST-GCN in evaluation, in operations that ONNX Runtime has fast on a CPU: products of matrices, and copies of rows.

Maps are (T, N, V, C), so that nothing is ever transposed; norms are folded into the products beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from bonefide.layers.batch_norm import affine
from bonefide.layers.portable_conv import portable_frames, portable_residual

__all__ = ["portable_map"]


def portable_map(x: Tensor, blocks: Iterable[Any], kept: Tensor | None) -> Tensor:
    """All blocks.

    Shape:
        x: (N, C, T, V).
        kept: numbers of the V joints if there are others, or None.
        returned: (N, D', T', V).
    """
    x = x.permute(2, 0, 3, 1)
    for block in blocks:
        y = torch.relu(_spatial(x, block.spatial, block.spatial_norm, kept))
        y = portable_frames(y, block.temporal, block.temporal_norm)
        if block.residual is not None:
            y = y + portable_residual(x[:: block.stride], block.residual)
        x = torch.relu(y)
    return x.permute(1, 3, 0, 2)


def _spatial(x: Tensor, part: Any, norm: Any, kept: Tensor | None) -> Tensor:
    graphs = part.weighted_graphs(kept)
    # Rows of a target's subsets side by side, which then are input channels.
    gathered = torch.matmul(graphs.permute(2, 0, 1).flatten(0, 1), x)
    gathered = gathered.reshape(*x.shape[:3], len(graphs) * x.shape[3])
    scale, offset = affine(norm)
    weight = part.mix.weight.view(len(graphs), -1, x.shape[3]).transpose(1, 2).flatten(0, 1)
    y = torch.matmul(gathered, weight * scale)
    if part.mix.bias is not None:
        from_all = torch.matmul(graphs.sum(dim=1).t(), part.mix.bias.view(len(graphs), -1))
        offset = from_all * scale + offset
    return y + offset
