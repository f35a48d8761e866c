# SPDX-License-Identifier: Apache-2.0
"""A lower bound of the information that two things have about each other, by Jensen and Shannon (SMIE)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

__all__ = ["mutual_information"]


def mutual_information(joint: Tensor, marginal: Tensor) -> Tensor:
    """How well a score s tells pairs that belong together from pairs that do not.

    It is the mean of -softplus(-s) of the first less the mean of softplus(s) of the second: at most 0, and larger is
    better.

    Args:
        joint: scores of pairs that belong together.
        marginal: scores of other pairs.

    Shape:
        joint: (N,) or any.
        marginal: any.
        returned: scalar.

    Reference:
        Hjelm, Fedorov, Lavoie-Marchildon, Grewal, Bachman, Trischler, Bengio. Learning Deep Representations by Mutual
        Information Estimation and Maximization. ICLR 2019. arXiv:1808.06670; as YujieOuO/SMIE has it.

    Example:
        >>> import torch
        >>> mutual_information(torch.zeros(3), torch.zeros(3))
        tensor(-1.3863)
        >>> mutual_information(torch.tensor([20.0]), torch.tensor([-20.0])).round(decimals=4)
        tensor(-0.)
    """
    return F.logsigmoid(joint).mean() - F.softplus(marginal).mean()
