# SPDX-License-Identifier: Apache-2.0
"""Contrast of two embeddings of the same sample with embeddings of others: pulled together, or pushed apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["info_nce", "reversed_info_nce"]


def info_nce(anchors: Tensor, own: Tensor, others: Tensor, *, temperature: float = 0.07) -> Tensor:
    """How hard an anchor's own partner is to tell from others, mean over the batch.

    With unit vectors a, p and q and temperature t it is the mean of -log exp(a p / t) / (exp(a p / t) + sum over q of
    exp(a q / t)). Nothing is detached and nothing normalised here.

    Args:
        anchors: of the samples.
        own: their partners.
        others: what they are told from, the same for all.
        temperature: above 0.

    Shape:
        anchors: (N, E).
        own: (N, E).
        others: (Q, E).
        returned: scalar.

    Reference:
        van den Oord, Li, Vinyals. Representation Learning with Contrastive Predictive Coding. arXiv:1807.03748; with a
        queue of others as in He, Fan, Wu, Xie, Girshick. Momentum Contrast. CVPR 2020. arXiv:1911.05722.

    Example:
        >>> info_nce(torch.eye(2), torch.eye(2), -torch.eye(2), temperature=1.0)
        tensor(0.4076)
    """
    near, far = _similarities(anchors, own, others, temperature)
    return F.softplus(far - near).mean()


def reversed_info_nce(anchors: Tensor, own: Tensor, others: Tensor, *, temperature: float = 0.07) -> Tensor:
    """How hard others are to tell from an anchor's own partner: the anchor shall be like others rather than like it.

    It is the mean of -log (sum over q of exp(a q / t)) / (exp(a p / t) + sum over q of exp(a q / t)).

    Args:
        anchors: of the samples.
        own: their partners.
        others: what they shall rather be like, the same for all.
        temperature: above 0.

    Shape:
        anchors: (N, E).
        own: (N, E).
        others: (Q, E).
        returned: scalar.

    Reference:
        A choice of this package for STJD-CL, whose own loss is not published.

    Example:
        >>> reversed_info_nce(torch.eye(2), torch.eye(2), -torch.eye(2), temperature=1.0)
        tensor(1.0943)
    """
    near, far = _similarities(anchors, own, others, temperature)
    return F.softplus(near - far).mean()


def _similarities(anchors: Tensor, own: Tensor, others: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """(N,) with the partner, and the logarithm of the sum of the exponentials of those with others."""
    near = (anchors * own).sum(dim=1) / temperature
    return near, torch.logsumexp(anchors @ others.T / temperature, dim=1)
