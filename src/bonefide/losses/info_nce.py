# SPDX-License-Identifier: Apache-2.0
"""Contrast of two embeddings of the same sample with embeddings of others: they are pulled together."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bonefide.losses._partners import similarities

__all__ = ["info_nce"]


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
        >>> import torch
        >>> info_nce(torch.eye(2), torch.eye(2), -torch.eye(2), temperature=1.0)
        tensor(0.4076)
    """
    near, far = similarities(anchors, own, others, temperature)
    return F.softplus(far - near).mean()
