# SPDX-License-Identifier: Apache-2.0
"""Linear evaluation: a linear classifier on the features of an encoder that learns nothing more."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders._encoder import Encoder
from bonefide.methods._heads import linear_head
from bonefide.methods._method import Method
from bonefide.types import Batch, Outputs

__all__ = ["LinearProbe"]

_EPSILON = 1e-6


class LinearProbe(Method):
    """Cross-entropy of a linear layer on pooled features; the encoder stays as it is, dropout and batch norms too.

    Args:
        encoder: from clips to features; always in evaluation mode, and no gradient reaches it.
        num_classes: classes K.
        batch_norm: whether features are brought to mean 0 and variance 1 first, as MAMP and STJD-MP do; AimCLR does
            not.
        head_deviation: of the normal distribution the head's weights start from, at least 0, its biases being zero.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K).

    Reference:
        Mao, Deng, Zhou, Fang, Ouyang, Li. Masked Motion Predictors are Strong 3D Action Representation Learners. ICCV
        2023. arXiv:2308.07092.

    Differs from the official code:
        Nothing known. It trains distributed only, which is not needed here.

    Example:
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> method = LinearProbe(CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), num_classes=10)
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 9]), torch.tensor([0, 1]))
        >>> method.losses(batch)["cross_entropy"].backward()
        >>> [name for name, parameter in method.named_parameters() if parameter.grad is not None]
        ['head.weight', 'head.bias']
    """

    frozen_encoder = True

    def __init__(
        self, encoder: Encoder, num_classes: int, *, batch_norm: bool = True, head_deviation: float = 0.01
    ) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.out_channels
        self.norm = nn.BatchNorm1d(width, eps=_EPSILON, affine=False) if batch_norm else nn.Identity()
        self.head = linear_head(width, num_classes, deviation=head_deviation)
        self.train()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, under that name."""
        return {"cross_entropy": F.cross_entropy(self._logits(batch), batch.label)}

    def outputs(self, batch: Batch) -> Outputs:
        """Logits."""
        return Outputs(logits=self._logits(batch))

    def _logits(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            features = self.encoder(batch.clip, batch.joints).pooled
        return self.head(self.norm(features))
