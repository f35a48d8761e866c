# SPDX-License-Identifier: Apache-2.0
"""How far predictions of hidden tokens are from what was hidden (MAE, MAMP, STJD-MP)."""

from __future__ import annotations

from torch import Tensor

__all__ = ["masked_regression"]

_EPSILON = 1e-6


def masked_regression(predicted: Tensor, target: Tensor, hidden: Tensor, *, normalize: bool = True) -> Tensor:
    """Mean squared error over the numbers of a token, and over all hidden tokens of a batch.

    Calculated in float32 at least, also of half-precision predictions.

    Args:
        predicted: numbers of tokens.
        target: what they should be.
        hidden: which tokens count, 1 or true; those of absent persons count like others.
        normalize: whether each token of the target is brought to mean 0 and variance 1 first, by its own unbiased
            variance plus 1e-6.

    Shape:
        predicted: (B, L, P).
        target: (B, L, P), P at least 2 to be normalised.
        hidden: (B, L), bool or numbers, of which not all are zero.
        returned: scalar.

    Reference:
        He, Chen, Xie, Li, Dollar, Girshick. Masked Autoencoders Are Scalable Vision Learners. CVPR 2022.
        arXiv:2111.06377. As maoyunyao/MAMP has it.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[1.0, 3.0], [5.0, 5.0]]])
        >>> masked_regression(target, target, torch.tensor([[True, False]]), normalize=False)
        tensor(0.)
        >>> masked_regression(torch.zeros(1, 2, 2), target, torch.tensor([[True, False]]))
        tensor(0.5000)
    """
    predicted, target = predicted.to(target.dtype), target.detach()
    if normalize:
        mean = target.mean(dim=-1, keepdim=True)
        target = (target - mean) * (target.var(dim=-1, keepdim=True) + _EPSILON).rsqrt()
    counted = hidden.to(target.dtype)
    return ((predicted - target).square().mean(dim=-1) * counted).sum() / counted.sum()
