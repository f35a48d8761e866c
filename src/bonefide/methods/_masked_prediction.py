# SPDX-License-Identifier: Apache-2.0
"""What MAE, MAMP and STJD-MP share: some tokens are hidden, and predicted from the others."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bonefide.encoders._encoder import Encoder
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.errors import ShapeError
from bonefide.layers.position import JointTimePosition, truncated_normal_
from bonefide.layers.transformer_block import TransformerStack, xavier_
from bonefide.methods._masking import Draws, Masking, Rounding, hiding_noise, scaled_score, visible_tokens

__all__ = ["MaskedDecoder", "Prediction", "TokenMask", "masked_transformer", "motion"]


class Prediction(NamedTuple):
    """What is predicted of a batch of sequences.

    Shape:
        hidden: (B, L) bool, which tokens were hidden.
        predicted: (B, L, P), numbers of tokens.
        target: (B, L, P), what they should be, before it is normalised.
    """

    hidden: Tensor
    predicted: Tensor
    target: Tensor


class MaskedDecoder(nn.Module):
    """From the visible tokens' features to all tokens' numbers, by a transformer that sees where each token is.

    Hidden tokens enter it as one learned vector. It has the heads of the encoder and its hidden layers' ratio.

    Args:
        encoder: whose tokens are predicted.
        depth: blocks, at least 1.
        width: features of a token, a multiple of the encoder's heads.

    Shape:
        features: (B, K, D), of the visible tokens.
        returned: (B, L, P).

    Raises:
        ShapeError: if an option is out of its range.
    """

    def __init__(self, encoder: MaskedTransformer, *, depth: int, width: int) -> None:
        super().__init__()
        grid = encoder.grid
        self.embed = nn.Linear(encoder.out_channels, width)
        self.mask_token = nn.Parameter(torch.empty(width))
        self.position = JointTimePosition(grid.times, grid.joints, width)
        self.stack = TransformerStack(
            depth,
            width,
            encoder.heads,
            mlp_ratio=encoder.mlp_ratio,
            qkv_bias=encoder.qkv_bias,
            checkpointing=encoder.checkpointing,
        )
        self.predict = nn.Linear(width, encoder.patch_size)
        truncated_normal_(self.mask_token)
        for layer in (self.embed, self.predict):
            xavier_(layer)

    def forward(self, features: Tensor, masking: Masking) -> Tensor:
        embedded = self.embed(features)
        count, tokens = masking.hidden.shape
        place = masking.visible.unsqueeze(-1).expand_as(embedded)
        whole = self.mask_token.to(embedded.dtype).expand(count, tokens, -1).scatter(1, place, embedded)
        return self.predict(self.stack(whole + self.position()))


class TokenMask(nn.Module):
    """Draws what is hidden.

    Args:
        tokens: of a sequence.
        ratio: share that is hidden, between 0 and 1.
        rounding: of the number of visible tokens.
        temperature: of the scores; 0 or below draws as if there were none.
        seed: of the draws, at least 0; None takes torch's, as it was last set.

    Raises:
        ShapeError: if all or none would be hidden, or the seed is below 0.
    """

    def __init__(
        self, tokens: int, *, ratio: float, rounding: Rounding, temperature: float = 0.0, seed: int | None = None
    ) -> None:
        super().__init__()
        self.visible, self.temperature = visible_tokens(tokens, ratio, rounding), temperature
        self.draws = Draws(seed)

    @torch.no_grad()
    def forward(self, index: Tensor, patches: Tensor, score: Tensor | None = None) -> Masking:
        """Draw for a batch.

        Args:
            index: places of the samples in their data set.
            patches: their tokens.
            score: of the tokens, which are the likelier hidden the higher it is; all alike if None.

        Shape:
            index: (N,) int64.
            patches: (N * M, L, P).
            score: (N * M, T', V').
        """
        persons = len(patches) // len(index)
        return self.of(self.draws(index, persons, patches.shape[1]), score)

    def of(self, uniform: Tensor, score: Tensor | None = None) -> Masking:
        """What given uniform numbers (B, L) hide."""
        if score is None or self.temperature <= 0:
            return Masking.of_noise(uniform, self.visible)
        noise = hiding_noise(scaled_score(score.flatten(1), self.temperature), uniform)
        return Masking.of_noise(noise, self.visible)


def masked_transformer(encoder: Encoder, method: str) -> MaskedTransformer:
    """The encoder, if it is one whose tokens can be hidden.

    Raises:
        ShapeError: if it is not.
    """
    if not isinstance(encoder, MaskedTransformer):
        raise ShapeError(f"{method} hides tokens of the encoder masked_transformer, got {type(encoder).__name__}")
    return encoder


def motion(clip: Tensor, stride: int) -> Tensor:
    """Where joints will be so many frames later, seen from where they are; zeros where there is no such frame.

    Shape:
        clip: (N, C, T, V, M).
        returned: (N, C, T, V, M).
    """
    later = clip[:, :, stride:] - clip[:, :, :-stride]
    return torch.cat([later, torch.zeros_like(clip[:, :, :stride])], dim=2)
