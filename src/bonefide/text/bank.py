# SPDX-License-Identifier: Apache-2.0
"""Text banks: the sentences about classes as vectors, with where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bonefide.errors import DataError, did_you_mean
from bonefide.types import Array

__all__ = ["TextBank"]


@dataclass(frozen=True, eq=False)
class TextBank:
    """Vectors of sentences about classes, by kind of sentence.

    Args:
        classes: names, K of them; the place is the row.
        embeddings: kind to vectors, as the encoder gives them.
        prompts: kind to the sentences, K times P; nothing for kinds whose sentences are not known.
        encoder: name of the text encoder.
        origin: in words: versions, who wrote the sentences, licence; nothing depends on it.

    Shape:
        embeddings: each (K, P, E) float32; P may differ between kinds.

    Raises:
        DataError: if sizes do not agree.

    Example:
        >>> bank = TextBank(("sit", "stand"), {"name": np.eye(2)[:, None]}, {"name": (("sit",), ("stand",))}, "one-hot")
        >>> bank.of("name").shape, bank.width
        ((2, 1, 2), 2)
    """

    classes: tuple[str, ...]
    embeddings: Mapping[str, Array]
    prompts: Mapping[str, tuple[tuple[str, ...], ...]]
    encoder: str
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.embeddings:
            raise DataError("a text bank needs at least one kind of sentence")
        for kind, vectors in self.embeddings.items():
            if vectors.ndim != 3 or len(vectors) != len(self.classes) or vectors.shape[2] != self.width:
                raise DataError(
                    f"texts '{kind}' must be (K={len(self.classes)}, P, E={self.width}), got {vectors.shape}"
                )
        for kind, sentences in self.prompts.items():
            if len(sentences) != len(self.classes):
                raise DataError(f"sentences '{kind}' are of {len(sentences)} classes, not of {len(self.classes)}")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of sentences there are."""
        return tuple(self.embeddings)

    @property
    def width(self) -> int:
        """E, the same for all kinds."""
        return int(next(iter(self.embeddings.values())).shape[-1])

    @property
    def digest(self) -> str:
        """SHA-256 of classes and vectors."""
        found = hashlib.sha256("\n".join(self.classes).encode())
        for kind in sorted(self.kinds):
            found.update(kind.encode() + np.ascontiguousarray(self.embeddings[kind], dtype=np.float32).tobytes())
        return found.hexdigest()

    def of(self, kind: str) -> Array:
        """Vectors of one kind, (K, P, E).

        Raises:
            DataError: if the bank has none.
        """
        if kind not in self.embeddings:
            raise DataError(
                f"these texts of {self.encoder} have no '{kind}'{did_you_mean(kind, self.kinds)}; they have: "
                f"{', '.join(self.kinds)}"
            )
        return self.embeddings[kind]

    def rows(self, labels: Sequence[int]) -> TextBank:
        """The same of some classes, in this order."""
        return TextBank(
            tuple(self.classes[label] for label in labels),
            {kind: np.ascontiguousarray(vectors[list(labels)]) for kind, vectors in self.embeddings.items()},
            {kind: tuple(sentences[label] for label in labels) for kind, sentences in self.prompts.items()},
            self.encoder,
            self.origin,
        )
