# SPDX-License-Identifier: Apache-2.0
"""What contrasts of partners with others begin with."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["similarities"]


def similarities(anchors: Tensor, own: Tensor, others: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """(N,) with the partner, and the logarithm of the sum of the exponentials of those with others."""
    near = (anchors * own).sum(dim=1) / temperature
    return near, torch.logsumexp(anchors @ others.T / temperature, dim=1)
