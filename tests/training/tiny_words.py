# SPDX-License-Identifier: Apache-2.0
"""A zero-shot method from outside the package: features through a linear map, compared with class names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs


class TinyWords(Method):
    joint_decision = True

    def __init__(self, encoder: Encoder, num_classes: int, texts: TextBank, classes: ClassSplit) -> None:
        super().__init__()
        self.encoder = encoder
        self.texts = ClassTexts(texts, classes, ["name"])
        self.head = nn.Linear(encoder.out_channels, self.texts.width)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        places = self.texts.places[batch.label]
        assert (places >= 0).all(), "an unseen class in training"
        return {"cross_entropy": F.cross_entropy(10 * self._cosines(self._embedded(batch))[:, self.texts.seen], places)}

    def outputs(self, batch: Batch) -> Outputs:
        embedded = self._embedded(batch)
        return Outputs(logits=self._cosines(embedded), embedding=embedded)

    def decide_together(self, outputs: Outputs) -> Tensor:
        """Told from single decisions by what no single sample knows: how many there are."""
        assert outputs.logits is not None
        return outputs.logits + len(outputs.logits)

    def class_vectors(self) -> Tensor:
        return self.texts.of("name")[:, 0]

    def _embedded(self, batch: Batch) -> Tensor:
        found: Tensor = self.head(self.encoder(batch.clip).pooled)
        return found

    def _cosines(self, embedded: Tensor) -> Tensor:
        return F.normalize(embedded, dim=1) @ F.normalize(self.texts.of("name")[:, 0], dim=1).T


def words(classes: tuple[str, ...]) -> TextBank:
    vectors = torch.randn(len(classes), 1, 6, generator=torch.Generator().manual_seed(0)).numpy()
    return TextBank(classes, {"name": vectors}, {"name": tuple((each,) for each in classes)}, "made up")
