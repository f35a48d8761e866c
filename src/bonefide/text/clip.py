# SPDX-License-Identifier: Apache-2.0
"""The text encoders of CLIP, through transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bonefide.text._extra import loading, needing, versions
from bonefide.types import Array

__all__ = ["CLIP_MODELS", "Clip"]

CLIP_MODELS: Mapping[str, str] = {
    "clip-vit-l14-336": "openai/clip-vit-large-patch14-336",
    "clip-vit-l14": "openai/clip-vit-large-patch14",
    "clip-vit-b16": "openai/clip-vit-base-patch16",
    "clip-vit-b32": "openai/clip-vit-base-patch32",
}
"""Short names to those of the Hugging Face hub. Neuron and STAR encode by the first."""

_TOGETHER = 64


class Clip:
    """The text half of a CLIP model, loaded: the projected vector of the end of the sentence, not normalised.

    No template is put around sentences, as in Neuron and STAR.

    Args:
        name: one of `CLIP_MODELS`, a folder with a model, or its name at the Hugging Face hub; a folder is read without
            looking at the network.
        device: where it computes, as torch names it.

    Shape:
        returned: (n, E) float32, a row a sentence.

    Raises:
        InstallationError: if the extra `text` is not installed.
        DataError: if there is no such model.

    Reference:
        Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021.
        arXiv:2103.00020.
    """

    def __init__(self, name: str = "clip-vit-l14-336", *, device: str = "cpu") -> None:
        place = CLIP_MODELS.get(name, name)
        here = Path(place).is_dir()
        with needing(f"text encoder '{name}'"):
            from transformers import AutoTokenizer, CLIPTextModelWithProjection  # noqa: PLC0415  # seconds, an extra
        with loading(name):
            self._tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=here)
            model = CLIPTextModelWithProjection.from_pretrained(place, local_files_only=here)
        self._model = model.float().to(device).eval()
        self._longest = int(model.config.max_position_embeddings)
        self.name = name
        self.origin: Mapping[str, str] = {
            "model": Path(place).name if here else place,
            "versions": versions("transformers", "torch"),
        }

    def __call__(self, sentences: Sequence[str]) -> Array:
        """Encode. How many are encoded at once changes numbers by rounding only: padding is never looked at."""
        given = list(sentences)
        parts = [self._encode(given[start : start + _TOGETHER]) for start in range(0, len(given), _TOGETHER)]
        return np.concatenate(parts) if parts else np.zeros((0, self._model.config.projection_dim), np.float32)

    def too_long(self, sentences: Sequence[str]) -> int:
        """How many of the sentences are longer than the model reads; their ends do not count."""
        pieces = self._tokenizer(list(sentences), truncation=False, verbose=False)["input_ids"]
        return sum(len(each) > self._longest for each in pieces)

    def _encode(self, sentences: list[str]) -> Array:
        import torch  # noqa: PLC0415  # seconds

        pieces = self._tokenizer(
            sentences, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
        ).to(self._model.device)
        with torch.inference_mode():
            vectors = self._model(input_ids=pieces["input_ids"], attention_mask=pieces["attention_mask"]).text_embeds
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)
