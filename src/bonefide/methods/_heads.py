# SPDX-License-Identifier: Apache-2.0
"""Heads that methods share."""

from __future__ import annotations

from torch import nn

from bonefide.layers.init import head_

__all__ = ["linear_head"]


def linear_head(width: int, num_classes: int, *, deviation: float | None) -> nn.Linear:
    """From pooled features to logits.

    Args:
        width: features D.
        num_classes: classes K.
        deviation: of the normal distribution its weights start from, at least 0, its biases being zero; None is
            sqrt(2 / K), with the biases of any linear layer.
    """
    head = nn.Linear(width, num_classes)
    if deviation is None:
        head_(head.weight)
    else:
        nn.init.normal_(head.weight, 0, deviation)
        nn.init.zeros_(head.bias)
    return head
