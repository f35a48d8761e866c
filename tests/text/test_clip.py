# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bonefide.errors import DataError, InstallationError
from bonefide.text.clip import CLIP_MODELS, Clip

SENTENCES = ["wave", "wave, a hand is swung.", "sit", "", "b" * 40]


@pytest.fixture(scope="module")
def clip(tiny_clip: Path, no_network: None) -> Clip:
    return Clip(str(tiny_clip))


def test_vectors_are_projected_ends_of_sentences(clip: Clip, tiny_clip: Path) -> None:
    """By hand: the transformer's last state at the end token, normalised, times the projection; no unit length."""
    import torch
    from transformers import AutoTokenizer, CLIPTextModelWithProjection

    found = clip(SENTENCES[:3])
    assert found.dtype == np.float32
    model = CLIPTextModelWithProjection.from_pretrained(tiny_clip).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_clip)
    for sentence, row in zip(SENTENCES, found, strict=False):
        pieces = tokenizer([sentence], return_tensors="pt")["input_ids"]
        assert pieces[0, -1] == tokenizer.eos_token_id
        with torch.no_grad():
            states = model.text_model(pieces).last_hidden_state[0]
            expected = model.text_projection.weight @ states[-1]
        np.testing.assert_allclose(row, expected.numpy(), atol=1e-5)
    assert (np.abs(np.linalg.norm(found, axis=1) - 1) > 0.01).all()


def test_neither_company_nor_repetition_changes_a_vector(clip: Clip) -> None:
    together = clip(SENTENCES * 20)
    np.testing.assert_array_equal(together, clip(SENTENCES * 20))
    alone = np.concatenate([clip([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(together, np.tile(alone, (20, 1)), atol=1e-5)
    assert len(np.unique(alone.round(4), axis=0)) == len(SENTENCES)


def test_long_sentences_are_cut_and_counted(clip: Clip) -> None:
    assert clip.too_long(SENTENCES) == 1
    np.testing.assert_allclose(clip(["b" * 40]), clip(["b" * 60]), atol=1e-6)


def test_no_sentences_are_no_rows(clip: Clip) -> None:
    assert clip([]).shape == (0, 6)


def test_it_says_what_it_is(clip: Clip, tiny_clip: Path) -> None:
    assert clip.name == str(tiny_clip)
    assert clip.origin["model"] == tiny_clip.name
    assert clip.origin["versions"].startswith("transformers ")


def test_short_names_stand_for_names_of_the_hub(monkeypatch: pytest.MonkeyPatch, tiny_clip: Path) -> None:
    """The loading of a name is that of a folder, up to where the files come from."""
    import transformers

    asked: list[tuple[str, bool]] = []
    tokenizer, model = transformers.AutoTokenizer, transformers.CLIPTextModelWithProjection
    made = tokenizer.from_pretrained(tiny_clip), model.from_pretrained(tiny_clip)

    def load(part: int, place: str, local_files_only: bool) -> object:
        asked.append((place, local_files_only))
        return made[part]

    monkeypatch.setattr(tokenizer, "from_pretrained", lambda place, local_files_only: load(0, place, local_files_only))
    monkeypatch.setattr(model, "from_pretrained", lambda place, local_files_only: load(1, place, local_files_only))
    loaded = Clip("clip-vit-b32")
    assert asked == [("openai/clip-vit-base-patch32", False)] * 2
    assert loaded.name == "clip-vit-b32"
    assert loaded.origin["model"] == CLIP_MODELS["clip-vit-b32"]
    assert loaded(["wave"]).shape == (1, 6)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"cannot be loaded .* give a folder that holds a model"):
        Clip(str(tmp_path))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InstallationError, match=r"'clip-vit-b16' needs transformers: pip install 'bonefide\[text\]'"):
        Clip("clip-vit-b16")
