# SPDX-License-Identifier: Apache-2.0
"""Contrast of two embeddings of the same sample with embeddings of others: they are pushed apart."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bonefide.losses._partners import similarities

__all__ = ["reversed_info_nce"]


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
        >>> import torch
        >>> reversed_info_nce(torch.eye(2), torch.eye(2), -torch.eye(2), temperature=1.0)
        tensor(1.0943)
    """
    near, far = similarities(anchors, own, others, temperature)
    return F.softplus(near - far).mean()
