# SPDX-License-Identifier: Apache-2.0
"""Class-name similarity to the nearest seen class: zero-shot recognition by a classifier that never heard of texts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._heads import linear_head
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs

__all__ = ["NearestSeen"]

_EPSILON = 1e-6


class NearestSeen(Method):
    """A baseline: a linear classifier of seen classes, whose answer stands for the class with the most similar text.

    Cross-entropy trains the classifier on pooled features; the encoder learns nothing more, and texts train nothing.
    With the probabilities p of seen classes, and t the mean of the directions of a class's sentences, the scores are

        p(c) for a seen class c
        sum over the `neighbors` most probable seen classes s of p(s) cos(t_c, t_s) for any other

    Both are an expected similarity, in which a seen class is like itself alone. A score of another class is a share of
    the probability of those neighbours, so with one neighbour the most probable seen class outdoes all others unless
    calibration takes something from it: without, generalised recognition never says an unseen class. A trained
    classifier can be given other unseen classes, not other seen ones.

    Args:
        encoder: from clips to features; always in evaluation mode, and no gradient reaches it.
        num_classes: classes K, seen or not.
        texts: of all classes.
        classes: which are seen.
        kind: of the sentences whose similarity counts.
        batch_norm: whether features are brought to mean 0 and variance 1 first, as `linear_probe` does.
        neighbors: seen classes that stand for others, from 1 to all.
        head_deviation: of the normal distribution the classifier's weights start from, at least 0, its biases being
            zero.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K), at most 1.
        embedding: (N, E), the mean of the neighbours' texts, weighted by their probabilities.

    Raises:
        ShapeError: if `num_classes` are not those of the texts, or there are not so many neighbours.
        DataError: if there are no texts of that kind.

    Reference:
        The idea is that of ConSE: Norouzi, Mikolov, Bengio, Singer, Shlens, Frome, Corrado, Dean. Zero-Shot Learning by
        Convex Combination of Semantic Embeddings. ICLR 2014. arXiv:1312.5650.

    Differs from the official code:
        A baseline of our own: ConSE has images and word vectors, divides by the sum of the neighbours' probabilities,
        and ranks by the angle to the combined text, which puts unseen classes in the same order.

    Example:
        >>> import numpy as np
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> texts = TextBank(("sit", "stand", "walk"), {"name": np.eye(3, 8)[:, None]}, {}, "made up")
        >>> encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> method = NearestSeen(encoder, 3, texts, ClassSplit("mine", (0, 2), (1,))).eval()
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 2]), torch.tensor([0, 1]))
        >>> method.outputs(batch).logits[:, [0, 2]].sum(dim=1).round(decimals=4).tolist()
        [1.0, 1.0]
    """

    frozen_encoder = True

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        texts: TextBank,
        classes: ClassSplit,
        *,
        kind: str = "name",
        batch_norm: bool = True,
        neighbors: int = 1,
        head_deviation: float = 0.01,
    ) -> None:
        super().__init__()
        if num_classes != len(texts.classes):
            raise ShapeError(f"there are {num_classes} classes, but texts of {len(texts.classes)}")
        if not 1 <= neighbors <= len(classes.seen):
            raise ShapeError(f"neighbors must be from 1 to {len(classes.seen)}, the seen classes; got {neighbors}")
        self.encoder = encoder
        width = encoder.out_channels
        self.norm = nn.BatchNorm1d(width, eps=_EPSILON, affine=False) if batch_norm else nn.Identity()
        self.texts = ClassTexts(texts, classes, (kind,))
        self.head = linear_head(width, len(classes.seen), deviation=head_deviation)
        self.kind, self.neighbors = kind, neighbors
        self.train()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy over seen classes, under that name."""
        return {"cross_entropy": F.cross_entropy(self._seen_logits(batch), self.texts.places[batch.label])}

    def outputs(self, batch: Batch) -> Outputs:
        """Scores of all classes; see the class."""
        probabilities = self._seen_logits(batch).softmax(dim=1)
        likely, places = probabilities.topk(self.neighbors, dim=1)
        shares = torch.zeros_like(probabilities).scatter(1, places, likely)
        texts, seen = self.class_vectors(), self.texts.seen
        combined = shares @ texts[seen]
        return Outputs(logits=(combined @ texts.mT).index_copy(1, seen, probabilities), embedding=combined)

    def class_vectors(self) -> Tensor:
        """Texts of all classes, of length 1."""
        return F.normalize(F.normalize(self.texts.of(self.kind), dim=2).mean(dim=1), dim=1)

    def _seen_logits(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pooled = self.encoder(batch.clip, batch.joints).pooled
        return self.head(self.norm(pooled))
