# SPDX-License-Identifier: Apache-2.0
"""Attention and MLP block of the masked transformers, and a stack of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from bonefide.errors import ShapeError

__all__ = ["TransformerBlock", "TransformerStack", "xavier_"]


class TransformerBlock(nn.Module):
    """Self-attention, then a network of two layers for each token alone; each normalises first and adds to its input.

    Linear layers start as Xavier has it, uniform, without biases.

    Args:
        width: features D of a token, a multiple of `heads`.
        heads: attention heads, at least 1.
        mlp_ratio: width of the hidden layer as a multiple of D, above 0.
        qkv_bias: whether queries, keys and values have biases.
        drop_path: share of sequences for which a branch is left out in training, from 0 to below 1.

    Shape:
        x: (B, L, D).
        returned: (B, L, D).

    Raises:
        ShapeError: if an option is out of its range.
    """

    def __init__(
        self, width: int, heads: int, *, mlp_ratio: float = 4.0, qkv_bias: bool = True, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        if heads < 1 or width < 1 or width % heads:
            raise ShapeError(f"a transformer's width must be a multiple of its heads, got {width} and {heads}")
        if not mlp_ratio * width >= 1 or not 0 <= drop_path < 1:
            raise ShapeError(f"mlp_ratio must be above 0 and drop_path from 0 to below 1, got {mlp_ratio}, {drop_path}")
        hidden = int(mlp_ratio * width)
        self.heads, self.drop_path = heads, drop_path
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.project = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)
        for layer in (self.qkv, self.project, self.expand, self.contract):
            xavier_(layer)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._some(self._attend(self.norm1(x)))
        return x + self._some(self.contract(F.gelu(self.expand(self.norm2(x)))))

    def attention(self, x: Tensor) -> Tensor:
        """How much each token attends to each, in every head; the fused pass never has these numbers.

        Shape:
            x: (B, L, D).
            returned: (B, heads, L, L), rows sum to 1.
        """
        q, k, _ = self._projected(self.norm1(x))
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(dim=-1)

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = self._projected(x)
        return self.project(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (B, heads, L, D / heads)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        return q, k, v

    def _some(self, branch: Tensor) -> Tensor:
        """Nothing for some sequences, and so much more for the others."""
        if not self.training or self.drop_path == 0:
            return branch
        kept = torch.rand(branch.shape[0], 1, 1, device=branch.device) >= self.drop_path
        return branch * (kept / (1 - self.drop_path)).to(branch.dtype)


class TransformerStack(nn.Module):
    """Blocks one after the other, and a last normalisation.

    Args:
        depth: blocks, at least 1.
        width: features D of a token, a multiple of `heads`.
        heads: attention heads, at least 1.
        mlp_ratio: width of the hidden layers as a multiple of D, above 0.
        qkv_bias: whether queries, keys and values have biases.
        drop_path: of the last block, from 0 to below 1; that of the first is 0 and it rises evenly.
        checkpointing: whether activations within blocks are computed again in the backward pass instead of kept, which
            saves memory for time; the numbers stay.

    Shape:
        x: (B, L, D).
        returned: (B, L, D).

    Raises:
        ShapeError: if an option is out of its range.
    """

    def __init__(
        self,
        depth: int,
        width: int,
        heads: int,
        *,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ShapeError(f"depth must be at least 1, got {depth}")
        self.checkpointing = checkpointing
        rates = [drop_path * number / max(depth - 1, 1) for number in range(depth)]
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, mlp_ratio=mlp_ratio, qkv_bias=qkv_bias, drop_path=rate) for rate in rates
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        again = self.checkpointing and self.training and torch.is_grad_enabled()
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if again else block(x)
        return self.norm(x)

    def attention(self, x: Tensor) -> Tensor:
        """How much the mean of the result owes to each token, by attention rollout.

        In each block half of a token is what it was, the other half what it attends to, heads alike; shares are passed
        back from block to block. It is a picture of where attention goes, not a proof of what decides.

        Shape:
            x: (B, L, D).
            returned: (B, L), of each sequence summing to 1.

        Reference:
            Abnar, Zuidema. Quantifying Attention Flow in Transformers. ACL 2020. arXiv:2005.00928.
        """
        attended = []
        for block in self.blocks:
            assert isinstance(block, TransformerBlock)
            attended.append(block.attention(x).mean(dim=1))
            x = block(x)
        share = x.new_full((x.shape[0], 1, x.shape[1]), 1 / x.shape[1])
        for weights in reversed(attended):
            share = (share + share @ weights) / 2
        return share.squeeze(1)


def xavier_(layer: nn.Linear) -> None:
    """Xavier's uniform weights, biases zero, in place."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
