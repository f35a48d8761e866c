# SPDX-License-Identifier: Apache-2.0
"""Cross-entropy with one target for the true class and another for each of the rest."""

from __future__ import annotations

from torch import Tensor

__all__ = ["soft_cross_entropy"]


def soft_cross_entropy(logits: Tensor, label: Tensor, *, right: float, wrong: float) -> Tensor:
    """Cross-entropy with soft targets that need not sum to one, mean over the batch.

    With targets of sum S it is S times label smoothing of share wrong * K / S, so a sum other than one scales loss and
    gradient, no more.

    Args:
        logits: of all classes.
        label: true classes, 0-based.
        right: target of the true class; the descriptor paper's code has 0.8.
        wrong: target of every other class; the descriptor paper's code has 0.1.

    Shape:
        logits: (N, K).
        label: (N,) int64.
        returned: scalar.

    Reference:
        The training of adjkamel/imdar, commit 724d9e4; there log-probabilities are float32 and sums float64.

    Example:
        >>> import torch
        >>> soft_cross_entropy(torch.zeros(3, 4), torch.tensor([0, 1, 3]), right=1.0, wrong=0.0)
        tensor(1.3863)
    """
    found = logits.log_softmax(dim=1)
    true = found.gather(1, label.unsqueeze(1)).squeeze(1)
    return -(wrong * found.sum(dim=1) + (right - wrong) * true).mean()
