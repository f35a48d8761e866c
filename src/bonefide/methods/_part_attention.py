# SPDX-License-Identifier: Apache-2.0
"""What a part of the body shows of learned attributes: STAR's visual prompts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["PartAttention"]


class PartAttention(nn.Module):
    """Learned prompts ask the joints of one part of the body, in all frames, and are compared with the answers.

        E = Linear(ReLU(Linear(attention(V, tokens, tokens))))
        r[a] = V[a] W E[a]

    Args:
        joints: of the part.
        channels: of a token.
        attributes: prompts, at least 1.
        width: of prompts and answers, a multiple of `heads`.
        heads: of the attention, at least 1.

    Shape:
        feature_map: (N, D', T', V').
        returned: (N, A), A attributes.
    """

    joints: Tensor

    def __init__(self, joints: Sequence[int], channels: int, *, attributes: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.register_buffer("joints", torch.tensor(joints), persistent=False)
        self.prompts = nn.Parameter(torch.empty(attributes, width))
        self.compare = nn.Parameter(torch.empty(width, width))
        self.ask = nn.Linear(width, width)
        self.tell = nn.Linear(channels, 2 * width)
        self.join = nn.Linear(width, width)
        self.widen = nn.Linear(width, width)
        self.answer = nn.Linear(width, width)
        for weight in (self.prompts, self.compare):
            nn.init.xavier_uniform_(weight)

    def forward(self, feature_map: Tensor) -> Tensor:
        """How much of every attribute the part shows."""
        # (N, T' * joints, D')
        tokens = feature_map.index_select(3, self.joints).flatten(2).mT
        keys, values = self.tell(tokens).chunk(2, dim=2)
        questions = self.ask(self.prompts).expand(len(tokens), -1, -1)
        asked, keys, values = (self._by_head(each) for each in (questions, keys, values))
        attended = F.scaled_dot_product_attention(asked, keys, values)
        answers = torch.relu(self.widen(self.join(attended.transpose(1, 2).flatten(2))))
        # V W (L h + b) = (V W L) h + V W b: the last layer is applied to A prompts instead of N * A answers.
        wanted = self.prompts @ self.compare
        return torch.einsum("naf,af->na", answers, wanted @ self.answer.weight) + wanted @ self.answer.bias

    def _by_head(self, x: Tensor) -> Tensor:
        """(N, L, W) to (N, heads, L, W / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)
