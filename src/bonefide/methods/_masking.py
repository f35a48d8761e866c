# SPDX-License-Identifier: Apache-2.0
"""Which tokens are hidden: how many, how likely each is, and draws that depend on a sample alone."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["Draws", "Masking", "Rounding", "hiding_noise", "motion_score", "scaled_score", "visible_tokens"]

Rounding = Literal["down", "nearest"]

_EPSILON = 1e-10
_BITS = 0xFFFFFFFF
# An odd number near 2^32 over the golden ratio: its multiples fall evenly.
_STRIDE = 0x9E3779B9


class Masking(NamedTuple):
    """What is hidden of a batch of sequences.

    Shape:
        visible: (B, K) int64, numbers of the visible tokens, as they are drawn.
        hidden: (B, L) bool.
    """

    visible: Tensor
    hidden: Tensor

    @classmethod
    def of_noise(cls, noise: Tensor, visible: int) -> Masking:
        """Show the tokens whose noise is least, the least first.

        Args:
            noise: of the tokens.
            visible: how many.

        Shape:
            noise: (B, L).
        """
        # Stable, so that equal numbers are told apart alike wherever it is computed.
        shown = noise.argsort(dim=1, stable=True)[:, :visible]
        return cls(shown, torch.ones_like(noise, dtype=torch.bool).scatter(1, shown, False))


class Draws(nn.Module):
    """Uniform numbers that depend on seed, epoch, sample, person and token, and on nothing else.

    However the samples of an epoch are parted into batches, processes or accumulated gradients, and whenever a training
    is resumed, each sample is masked alike. In evaluation mode all epochs draw the same.

    Args:
        seed: at least 0; None takes torch's, as it was last set.

    Raises:
        ShapeError: if the seed is below 0.
    """

    def __init__(self, seed: int | None) -> None:
        super().__init__()
        if seed is not None and seed < 0:
            raise ShapeError(f"seed must be at least 0, got {seed}")
        self.seed = torch.initial_seed() if seed is None else seed
        # A tensor, so that a compiled step does not know the epoch.
        self.epoch: Tensor
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64), persistent=False)

    def start_epoch(self, epoch: int) -> None:
        """Draw anew."""
        self.epoch.fill_(epoch + 1)

    def forward(self, index: Tensor, persons: int, tokens: int) -> Tensor:
        """Numbers from 0 to below 1, multiples of 2^-24.

        Args:
            index: places of the samples in their data set.
            persons: of each sample.
            tokens: of each person.

        Shape:
            index: (N,) int64.
            returned: (N * persons, tokens) float32, persons fast.
        """
        epoch = self.epoch if self.training else torch.zeros_like(self.epoch)
        key = _mixed(_mixed(epoch + (self.seed & _BITS)) + (self.seed >> 32 & _BITS))
        rows = index.unsqueeze(1) * persons + torch.arange(persons, device=index.device)
        keys = _mixed(key + _mixed(rows.flatten() & _BITS)).unsqueeze(1)
        steps = torch.arange(1, tokens + 1, device=index.device) * _STRIDE
        return (_mixed(keys + (steps & _BITS)) >> 8).to(torch.float32) * 2**-24


def visible_tokens(tokens: int, ratio: float, rounding: Rounding) -> int:
    """How many tokens are left when that share is hidden.

    Args:
        tokens: of a sequence.
        ratio: share that is hidden.
        rounding: "down" as the official code does, in double precision: of 750 tokens at 0.9 it keeps 74.

    Raises:
        ShapeError: if all or none would be hidden.

    Example:
        >>> visible_tokens(750, 0.9, "down"), visible_tokens(750, 0.9, "nearest")
        (74, 75)
    """
    left = int(tokens * (1 - ratio)) if rounding == "down" else round(tokens * (1 - ratio))
    if not 0 < ratio < 1 or not 0 < left < tokens:
        raise ShapeError(
            f"mask_ratio {ratio} of {tokens} tokens leaves {max(left, 0)} visible; at least one must be visible and "
            "one hidden: give another ratio or longer clips"
        )
    return left


def motion_score(patches: Tensor) -> Tensor:
    """How much tokens move: mean absolute difference to the time before; the first time gets what the second has.

    Shape:
        patches: (B, T', V', P).
        returned: (B, T', V').
    """
    moved = patches.diff(dim=1).abs().mean(dim=-1)
    return torch.cat([moved[:, :1], moved], dim=1)


def scaled_score(score: Tensor, temperature: float) -> Tensor:
    """Scores of a sequence from 0 to 1 / temperature; smaller where all of them are hardly more than nothing.

    Args:
        score: of tokens, at least 0.
        temperature: above 0.

    Shape:
        score: (B, L).
        returned: (B, L).
    """
    return score / (score.amax(dim=1, keepdim=True) * temperature + _EPSILON)


def hiding_noise(scaled: Tensor, uniform: Tensor) -> Tensor:
    """Noise to sort tokens by, the largest being hidden: Gumbel noise on the logarithm of a softmax of scores.

    That draws the hidden tokens one after the other without putting them back, the likelier the higher their score.

    Args:
        scaled: scores of tokens.
        uniform: numbers from 0 to below 1.

    Shape:
        scaled: (B, L).
        uniform: (B, L).
        returned: (B, L).
    """
    return F.log_softmax(scaled, dim=1) - torch.log(-torch.log(uniform + _EPSILON) + _EPSILON)


def _mixed(number: Tensor) -> Tensor:
    """A permutation of the numbers below 2^32 that spreads any change over all bits; products stay below 2^63."""
    number = number & _BITS
    number = (number ^ (number >> 16)) * 0x21F0AAAD & _BITS
    number = (number ^ (number >> 15)) * 0x735A2D97 & _BITS
    return number ^ (number >> 15)
