# SPDX-License-Identifier: Apache-2.0
"""Supervised recognition: a linear head and cross-entropy on any encoder."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders._encoder import Encoder
from bonefide.methods._heads import linear_head
from bonefide.methods._method import Method
from bonefide.types import Batch, Outputs

__all__ = ["Supervised"]


class Supervised(Method):
    """Cross-entropy on the pooled features of an encoder.

    Args:
        encoder: from clips to features.
        num_classes: classes K.
        label_smoothing: share of the target spread evenly over all classes, from 0 to below 1; the papers use none.
        dropout: share of the pooled features dropped in training, from 0 to below 1.
        head_deviation: of the normal distribution the head's weights start from, at least 0, its biases being zero;
            None is sqrt(2 / K), with the biases of any linear layer.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K).

    Reference:
        The training of ST-GCN, 2s-AGCN, Shift-GCN, CTR-GCN, Hyperformer and BlockGCN.

    Differs from the official code:
        Nothing known.

    Example:
        >>> import torch
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> method = Supervised(CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), num_classes=10)
        >>> batch = Batch(torch.zeros(2, 3, 16, 20, 1), torch.tensor([0, 9]), torch.tensor([0, 1]))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).logits.shape)
        (['cross_entropy'], (2, 10))
    """

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        *,
        label_smoothing: float = 0.0,
        dropout: float = 0.0,
        head_deviation: float | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = linear_head(encoder.out_channels, num_classes, deviation=head_deviation)
        self.label_smoothing = label_smoothing

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, under that name."""
        logits = self._logits(batch)
        return {"cross_entropy": F.cross_entropy(logits, batch.label, label_smoothing=self.label_smoothing)}

    def outputs(self, batch: Batch) -> Outputs:
        """Logits."""
        return Outputs(logits=self._logits(batch))

    def _logits(self, batch: Batch) -> Tensor:
        return self.head(self.dropout(self.encoder(batch.clip, batch.joints).pooled))
