# SPDX-License-Identifier: Apache-2.0
"""Which joints are prime: those around which the density of joints changes most.

The rule is a choice of this package: the paper's is not published.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["hard_mask", "pool_parts", "prime_score", "soft_mask", "stretch"]

_TINY = 1e-30
_EPSILON = 1e-5


def prime_score(change: Tensor) -> Tensor:
    """Change of the density, as a share of the largest of the sequence; zeros for persons who are not there.

    Shape:
        change: (B, T, V), at least 0.
        returned: (B, T, V), 0 to 1.
    """
    return change / (change.amax(dim=(1, 2), keepdim=True) + _TINY)


def hard_mask(score: Tensor, *, top_k: int | None = None, quantile: float | None = None) -> Tensor:
    """Prime or not: joints above the mean of their time step, so none where nothing changes.

    Args:
        score: from `prime_score`.
        top_k: instead, so many joints of each time step at most; of equals those with lower numbers.
        quantile: instead, joints above that quantile of the sequence.

    Shape:
        score: (B, T, V).
        returned: (B, T, V) bool.

    Raises:
        ShapeError: if both are given, or one is out of its range.
    """
    if top_k is not None and quantile is not None:
        raise ShapeError("prime joints are chosen by top_k or by quantile, not by both")
    if top_k is not None:
        if not 1 <= top_k <= score.shape[2]:
            raise ShapeError(f"top_k must be from 1 to the {score.shape[2]} joints, got {top_k}")
        order = score.argsort(dim=2, descending=True, stable=True)[..., :top_k]
        return torch.zeros_like(score, dtype=torch.bool).scatter(2, order, True) & (score > 0)
    if quantile is not None:
        if not 0 <= quantile < 1:
            raise ShapeError(f"quantile must be from 0 to below 1, got {quantile}")
        return score > score.flatten(1).quantile(quantile, dim=1).view(-1, 1, 1)
    return score > score.mean(dim=2, keepdim=True)


def soft_mask(score: Tensor, *, temperature: float = 0.1) -> Tensor:
    """How prime: a softmax over the joints of a time step, differentiable.

    Args:
        score: from `prime_score`.
        temperature: above 0; the lower, the fewer joints share it.

    Shape:
        score: (B, T, V).
        returned: (B, T, V), the sum over joints being 1.
    """
    return (score / temperature).softmax(dim=2)


def pool_parts(features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Means of features, weighted by a mask and by what it leaves: of prime joints, and of the others.

    Shape:
        features: (B, D, T, V).
        mask: (B, T, V), 0 to 1.
        returned: (B, D) and (B, D).
    """
    parts = torch.stack([mask, 1 - mask])
    sums = torch.einsum("bdtv,pbtv->pbd", features, parts)
    prime, others = sums / (parts.sum(dim=(2, 3)).unsqueeze(-1) + _EPSILON)
    return prime, others


def stretch(mask: Tensor, frames: int) -> Tensor:
    """A mask for as many frames as a clip has: in between it is blended, first and last stay first and last.

    Shape:
        mask: (B, T', V).
        returned: (B, frames, V).
    """
    return F.interpolate(mask.mT, size=frames, mode="linear", align_corners=True).mT
