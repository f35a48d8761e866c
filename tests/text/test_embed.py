# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.errors import DataError
from bonefide.text.clip import Clip
from bonefide.text.embed import embed

SENTENCES = {"name": [["sit"], ["wave"]], "body_parts": [["sit, a", "sit, b"], ["wave, a", "sit, a"]]}


def test_every_sentence_gets_its_own_vector(tiny_clip: Path, no_network: None) -> None:
    clip = Clip(str(tiny_clip))
    bank = embed(["sit", "wave"], SENTENCES, str(tiny_clip), origin={"licence": "free", "model": "unknown"})
    assert (bank.classes, bank.kinds, bank.width) == (("sit", "wave"), ("name", "body_parts"), 6)
    assert bank.prompts["body_parts"] == (("sit, a", "sit, b"), ("wave, a", "sit, a"))
    for kind, rows in SENTENCES.items():
        for row, sentences in enumerate(rows):
            np.testing.assert_allclose(bank.of(kind)[row], clip(sentences), atol=1e-5)
    np.testing.assert_array_equal(bank.of("body_parts")[0, 0], bank.of("body_parts")[1, 1])
    assert bank.origin == {"licence": "free", **clip.origin}
    assert bank.encoder == str(tiny_clip)


def test_sentences_must_be_of_the_classes(tiny_clip: Path) -> None:
    with pytest.raises(DataError, match=r"\(K=1"):
        embed(["sit"], SENTENCES, str(tiny_clip))
