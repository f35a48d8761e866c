# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.errors import UnknownNameError
from bonefide.text import encode as module
from bonefide.text.clip import Clip
from bonefide.text.encode import encode, text_encoder


class Loaded:
    def __init__(self, name: str, *, device: str) -> None:
        self.name, self.device = name, device


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("minilm", "SentenceBert"),
        ("all-mpnet-base-v2", "SentenceBert"),
        ("sentence-transformers/clip-ViT-B-32", "SentenceBert"),
        ("clip-vit-l14-336", "Clip"),
        ("openai/clip-vit-base-patch32", "Clip"),
    ],
)
def test_names_choose_the_library(monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    monkeypatch.setattr(module, "Clip", type("Clip", (Loaded,), {}))
    monkeypatch.setattr(module, "SentenceBert", type("SentenceBert", (Loaded,), {}))
    loaded = text_encoder(name, device="cuda:1")
    assert (type(loaded).__name__, vars(loaded)) == (kind, {"name": name, "device": "cuda:1"})


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"config.json": '{"model_type": "clip_text_model"}'}, "Clip"),
        ({"config.json": '{"model_type": "clip"}', "modules.json": "[]"}, "SentenceBert"),
        ({"config.json": '{"model_type": "bert"}'}, "SentenceBert"),
        ({"config.json": "[]"}, "SentenceBert"),
        ({"config.json": "words"}, "SentenceBert"),
        ({}, "SentenceBert"),
    ],
)
def test_files_of_a_folder_choose_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], kind: str
) -> None:
    monkeypatch.setattr(module, "Clip", type("Clip", (Loaded,), {}))
    monkeypatch.setattr(module, "SentenceBert", type("SentenceBert", (Loaded,), {}))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert type(text_encoder(str(tmp_path))).__name__ == kind


def test_misspelt_names_of_clip_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'clip-vit-b32'"):
        text_encoder("clip-vit-b23")


def test_encoding_is_loading_and_calling(tiny_clip: Path, no_network: None) -> None:
    np.testing.assert_array_equal(encode(str(tiny_clip), ["wave", "sit"]), Clip(str(tiny_clip))(["wave", "sit"]))
