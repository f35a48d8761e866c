# SPDX-License-Identifier: Apache-2.0
"""Nearest class text through a linear map: the plainest zero-shot recognition there is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs

__all__ = ["TextRegression"]

_EPSILON = 1e-6


class TextRegression(Method):
    """A baseline: one linear layer from pooled features to the space of texts, and the nearest text by its angle.

    It learns by cross-entropy over seen classes of the cosines divided by a temperature; the encoder learns nothing
    more. The text of a class is the mean of its sentences' directions; of several kinds, those means side by side. The
    scores are the cosines with all texts.

    Args:
        encoder: from clips to features; always in evaluation mode, and no gradient reaches it.
        num_classes: classes K, seen or not.
        texts: of all classes.
        classes: which are seen.
        kind: of the sentences that are compared with, or several kinds.
        batch_norm: whether features are brought to mean 0 and variance 1 first, as `linear_probe` does.
        temperature: of the cross-entropy, above 0.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K), cosines.
        embedding: (N, E), or as many times E as there are kinds.

    Raises:
        ShapeError: if `num_classes` are not those of the texts, the temperature is not above 0, or no kind is
            named.
        DataError: if there are no texts of that kind.

    Reference:
        The idea is that of DeViSE: Frome, Corrado, Shlens, Bengio, Dean, Ranzato, Mikolov. DeViSE: A Deep
        Visual-Semantic Embedding Model. NIPS 2013.

    Differs from the official code:
        A baseline of our own: DeViSE has images, word vectors and a hinge loss on ranks.

    Example:
        >>> import numpy as np
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> texts = TextBank(("sit", "stand", "walk"), {"definition": np.eye(3, 8)[:, None]}, {}, "made up")
        >>> encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> method = TextRegression(encoder, 3, texts, ClassSplit("mine", (0, 2), (1,)))
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 2]), torch.tensor([0, 1]))
        >>> method.losses(batch)["cross_entropy"].backward()
        >>> [name for name, parameter in method.named_parameters() if parameter.grad is not None]
        ['to_text.weight', 'to_text.bias']
    """

    frozen_encoder = True

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        texts: TextBank,
        classes: ClassSplit,
        *,
        kind: str | tuple[str, ...] = "definition",
        batch_norm: bool = True,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        if num_classes != len(texts.classes):
            raise ShapeError(f"there are {num_classes} classes, but texts of {len(texts.classes)}")
        if temperature <= 0:
            raise ShapeError(f"temperature must be above 0, got {temperature}")
        self.encoder = encoder
        width = encoder.out_channels
        self.norm = nn.BatchNorm1d(width, eps=_EPSILON, affine=False) if batch_norm else nn.Identity()
        self.kinds = (kind,) if isinstance(kind, str) else kind
        if not self.kinds:
            raise ShapeError("kind must name at least one kind of sentences")
        self.texts = ClassTexts(texts, classes, self.kinds)
        self.to_text = nn.Linear(width, len(self.kinds) * texts.width)
        self.temperature = temperature
        self.train()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy over seen classes, under that name."""
        logits = self._cosines(self._mapped(batch))[:, self.texts.seen] / self.temperature
        return {"cross_entropy": F.cross_entropy(logits, self.texts.places[batch.label])}

    def outputs(self, batch: Batch) -> Outputs:
        """Cosines with all texts, and what was compared with them."""
        mapped = self._mapped(batch)
        return Outputs(logits=self._cosines(mapped), embedding=mapped)

    def class_vectors(self) -> Tensor:
        """Texts of all classes, of length 1."""
        means = [F.normalize(self.texts.of(kind), dim=2).mean(dim=1) for kind in self.kinds]
        return F.normalize(torch.cat([F.normalize(mean, dim=1) for mean in means], dim=1), dim=1)

    def _mapped(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pooled = self.encoder(batch.clip, batch.joints).pooled
        return self.to_text(self.norm(pooled))

    def _cosines(self, mapped: Tensor) -> Tensor:
        return F.normalize(mapped, dim=1) @ self.class_vectors().mT
