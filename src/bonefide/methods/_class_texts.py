# SPDX-License-Identifier: Apache-2.0
"""Texts of classes inside a method: vectors that travel with its weights, and which of the classes are seen."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bonefide.data.class_splits import ClassSplit
from bonefide.text.bank import TextBank

__all__ = ["ClassTexts"]


class ClassTexts(nn.Module):
    """Buffers of the texts a method reads.

    A method keeps them as its child `texts`, and nothing else that depends on which classes there are leaves a
    training; so a recogniser can be given other classes.

    Args:
        texts: of all classes K.
        classes: which of them are seen.
        kinds: of sentences the method reads.

    Shape:
        of(kind): (K, P, E), as the encoder gave them.
        seen, unseen: (S,), (U,) int64, labels.
        places: (K,) int64, place of a label among the seen ones, -1 for the others.

    Raises:
        DataError: if the bank lacks one of the kinds.
    """

    seen: Tensor
    unseen: Tensor
    places: Tensor

    def __init__(self, texts: TextBank, classes: ClassSplit, kinds: Sequence[str]) -> None:
        super().__init__()
        self.width = texts.width
        for kind in kinds:
            # A copy, or weights that are loaded would change the bank.
            self.register_buffer(kind, torch.tensor(texts.of(kind), dtype=torch.float32))
        self.register_buffer("seen", torch.tensor(classes.seen), persistent=False)
        self.register_buffer("unseen", torch.tensor(classes.unseen), persistent=False)
        places = torch.full((len(texts.classes),), -1)
        places[self.seen] = torch.arange(len(classes.seen))
        self.register_buffer("places", places, persistent=False)

    def of(self, kind: str) -> Tensor:
        """Vectors of one kind, (K, P, E)."""
        return self.get_buffer(kind)
