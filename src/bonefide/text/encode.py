# SPDX-License-Identifier: Apache-2.0
"""Sentences to vectors, by any text encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bonefide.errors import UnknownNameError
from bonefide.text.clip import CLIP_MODELS, Clip
from bonefide.text.sentence_bert import MINILM, SentenceBert
from bonefide.types import Array

__all__ = ["TextEncoder", "encode", "text_encoder"]


class TextEncoder(Protocol):
    """What turns sentences into vectors.

    Shape:
        returned: (n, E) float32, a row a sentence; equal sentences have equal rows.
    """

    name: str
    origin: Mapping[str, str]
    """Model and versions, in words."""

    def __call__(self, sentences: Sequence[str], /) -> Array: ...

    def too_long(self, sentences: Sequence[str], /) -> int: ...


def text_encoder(name: str, *, device: str = "cpu") -> TextEncoder:
    """Load a text encoder.

    Args:
        name: "minilm"; "clip-vit-l14-336" and the others of `bonefide.text.clip`; a folder with a model of CLIP or of
            sentence-transformers; or a name of the Hugging Face hub, of CLIP if it begins with "openai/clip-".
        device: where it computes, as torch names it.

    Raises:
        UnknownNameError: if the name begins as those of CLIP do, and there is none like it.
        InstallationError: if the extra `text` is not installed.
        DataError: if there is no such model.
    """
    if Path(name).is_dir():
        return Clip(name, device=device) if _holds_clip(Path(name)) else SentenceBert(name, device=device)
    if name in CLIP_MODELS or name.startswith("openai/clip-"):
        return Clip(name, device=device)
    if name.startswith("clip-"):
        raise UnknownNameError("text encoders", name, [MINILM, *CLIP_MODELS])
    return SentenceBert(name, device=device)


def encode(encoder: str, sentences: Sequence[str], *, device: str = "cpu") -> Array:
    """Load a text encoder and encode.

    Args:
        encoder: as `text_encoder` takes it.
        sentences: n of them.
        device: where it computes, as torch names it.

    Shape:
        returned: (n, E) float32.
    """
    return text_encoder(encoder, device=device)(sentences)


def _holds_clip(folder: Path) -> bool:
    file = folder / "config.json"
    if (folder / "modules.json").is_file() or not file.is_file():
        return False
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(facts, dict) and str(facts.get("model_type", "")).startswith("clip")
