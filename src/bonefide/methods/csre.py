# SPDX-License-Identifier: Apache-2.0
"""CSRE: contrastive enhancement of what an encoder says about space and about time; a plug-in around any encoder."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.methods._decomposition import Decomposition
from bonefide.methods._heads import linear_head
from bonefide.methods._memory import Memory
from bonefide.methods._method import Method
from bonefide.types import Array, Batch, Outputs

__all__ = ["CSRE"]


class CSRE(Method):
    """Cross-entropy, and contrast of two vectors of each sample with a memory of all training samples.

    The encoder's map is decomposed into a spatial vector, of joints averaged over time, and a temporal one, of frames
    averaged over joints. Each is contrasted with the rows of its own bank, which holds what every training sample was
    when it was last seen: with the least similar ones of its class, and with the most similar and random ones of other
    classes. Contrast begins by itself, class by class, when the banks hold enough.

    At test time nothing of it is left: recognition, and the weights that leave a run, are those of `supervised`.

    Args:
        encoder: from clips to features; its map and `map_size` are used.
        num_classes: classes K.
        frames: clip length T.
        train_labels: classes of the training samples, in the order `batch.index` counts them.
        label_smoothing: of the cross-entropy: share of the target spread evenly over all classes, from 0 to below 1.
        dropout: share of the pooled features dropped in training, from 0 to below 1.
        head_deviation: of the normal distribution the head's weights start from, at least 0, its biases being zero;
            None is sqrt(2 / K), with the biases of any linear layer.
        width: of both vectors, at least 1.
        reduction: how many channels of the map are squeezed into one, from 1 to as many as there are.
        positives: hard positives of an anchor, at least 1.
        negatives: hard negatives of an anchor, and random ones, at least 1.
        temperature: of the contrast, above 0.
        branch_weights: factors of the spatial and the temporal contrast, at least 0; the paper's text has 1 and 1.
        mask_empty_persons: average over the persons that are there instead of all slots.
        seed: of the random negatives, at least 0; None takes torch's, as it was last set.

    Shape:
        batch.clip: (N, C, T, V, M).
        train_labels: (S,) int64.
        logits: (N, K).

    Raises:
        ShapeError: if `frames` or `train_labels` is not given, a label is no class, or an option is out of its range.

    Reference:
        Zhang, Yin, Dang. A generically Contrastive Spatiotemporal Representation Enhancement for 3D skeleton action
        recognition. Pattern Recognition 164 (2025) 111521. arXiv:2312.15144.

    Differs from the official code:
        It has Hyperformer only; here any encoder is taken, by the size of its map (there T' = 16 always, which fits no
        clips of NW-UCLA). Vectors without direction are left out; there one of them silences the contrast until its
        sample comes again. Banks, and the state of the random draws, are part of the checkpoint. Gradients may be
        accumulated. Vectors and contrast are float32 under autocast too. Before enough is remembered the contrast is a
        zero whose gradients are zero, so weight decay moves the decomposition; there it has none.

    Example:
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> method = CSRE(encoder, 2, frames=16, train_labels=np.array([0, 1, 0, 1]), positives=1, negatives=2)
        >>> batch = Batch(torch.ones(4, 3, 16, 20, 1), torch.tensor([0, 1, 0, 1]), torch.arange(4))
        >>> {name: loss.item() > 0 for name, loss in method.losses(batch).items()}
        {'cross_entropy': True, 'spatial': True, 'temporal': True}
    """

    recognizes_as = "supervised"
    only_training = ("decomposition.", "memory.")

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        *,
        frames: int,
        train_labels: Array,
        label_smoothing: float = 0.0,
        dropout: float = 0.0,
        head_deviation: float | None = None,
        width: int = 256,
        reduction: int = 8,
        positives: int = 128,
        negatives: int = 512,
        temperature: float = 0.8,
        branch_weights: tuple[float, float] = (0.5, 0.5),
        mask_empty_persons: bool = False,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        labels = _checked(frames, train_labels, num_classes)
        if min(branch_weights) < 0:
            raise ShapeError(f"branch_weights must be at least 0, got {branch_weights}")
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = linear_head(encoder.out_channels, num_classes, deviation=head_deviation)
        self.decomposition = Decomposition(encoder.map_size(frames), width=width, reduction=reduction)
        self.memory = Memory(
            labels,
            num_classes,
            width=width,
            positives=positives,
            negatives=negatives,
            temperature=temperature,
            seed=torch.initial_seed() % 2**63 if seed is None else seed,
        )
        self.label_smoothing, self.branch_weights = label_smoothing, branch_weights
        self.mask_empty_persons = mask_empty_persons

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy and, weighted, the contrast of both branches; cross-entropy alone in evaluation mode."""
        features = self.encoder(batch.clip, batch.joints)
        logits = self.head(self.dropout(features.pooled))
        found = {"cross_entropy": F.cross_entropy(logits, batch.label, label_smoothing=self.label_smoothing)}
        if not self.training:
            # What is measured besides the training is no training sample.
            return found
        present = batch.clip.ne(0).any(dim=3).any(dim=2).any(dim=1) if self.mask_empty_persons else None
        with torch.autocast(batch.clip.device.type, enabled=False):
            spatial, temporal = self.memory(*self.decomposition(features.map, present), batch.label, batch.index)
        return found | {
            "spatial": self.branch_weights[0] * spatial,
            "temporal": self.branch_weights[1] * temporal,
        }

    def outputs(self, batch: Batch) -> Outputs:
        """Logits."""
        return Outputs(logits=self.head(self.dropout(self.encoder(batch.clip, batch.joints).pooled)))

    def counters(self) -> dict[str, Tensor]:
        """How many vectors had no direction and were left out, so far."""
        return {"left_out": self.memory.left_out}


def _checked(frames: int | None, train_labels: Array | None, num_classes: int) -> Array:
    if frames is None or train_labels is None:
        raise ShapeError("CSRE needs frames, the clip length, and train_labels, the classes of the training samples")
    labels = np.asarray(train_labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise ShapeError(f"train_labels must be integers (S,), at least one, got {labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ShapeError(f"train_labels must be below {num_classes} classes, got {labels.min()} to {labels.max()}")
    return labels
