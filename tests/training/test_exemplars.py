# SPDX-License-Identifier: Apache-2.0
"""One-shot recognition through the engine: which samples are the exemplars, and that a recogniser carries them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import loaded, tiny_store
from tiny_words import words

from bonefide.config.build import build_data
from bonefide.config.load import single_run
from bonefide.data import datasets
from bonefide.data.class_splits import class_split
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.evaluation.scores import load_scores
from bonefide.hub.recognizer import Recognizer
from bonefide.text.write_bank import write_bank
from bonefide.training.fit import train_run

SPLIT = class_split("nwucla10_8_2_bonefide1", dataset="nwucla")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return tiny_store(tmp_path_factory.mktemp("stores") / "shots", count=80, classes=10, in_a_row=4)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("texts") / "names.npz"
    write_bank(words(datasets.info("nwucla").classes), file)
    method = {"name": "pgfa", "text": "name", "anchors": "exemplar"}
    return {"data__classes": SPLIT.name, "data__texts": str(file), "method": method}


def test_exemplars_are_the_first_of_each_unseen_class_and_never_tested(
    tmp_path: Path, store: SkeletonStore, settings: dict[str, Any]
) -> None:
    for rehearsal, unseen in ((False, SPLIT.unseen), (True, SPLIT.held_out)):
        data = build_data(loaded(tmp_path, data__rehearsal=rehearsal, **settings), store)
        assert data.exemplars is not None
        assert data.exemplars.labels.tolist() == list(unseen)
        used = [set(part.names.tolist()) for part in (data.exemplars, data.train, data.test)]
        assert not used[0] & (used[1] | used[2])
        if not rehearsal:
            # Even samples train, and each class has four in a row.
            first = [f"sample{4 * label:04}" for label in unseen]
            assert data.exemplars.names.tolist() == first
    plain = dict(settings, method={"name": "pgfa", "text": "name"})
    assert build_data(loaded(tmp_path, **plain), store).exemplars is None


def test_a_recogniser_carries_its_exemplars(tmp_path: Path, store: SkeletonStore, settings: dict[str, Any]) -> None:
    recipe = single_run(loaded(tmp_path, **settings), "main")
    run = train_run(recipe, "main", tmp_path / "run", store=store, device="cpu")
    data = build_data(recipe, store)
    assert data.exemplars is not None
    recognizer = Recognizer.load(run.folder, trust_code=True)
    carried = recognizer.method.state_dict()["texts.exemplars"]
    assert torch.equal(carried, torch.stack([torch.as_tensor(data.exemplars[place].clip) for place in range(2)]))
    scores = load_scores(run.scores_file)
    with pytest.raises(DataError, match="words say nothing to them"):
        recognizer.about(words(datasets.info("nwucla").classes), SPLIT)
    name = str(scores.names[0])
    assert recognizer(store[name])[0] == store.info.classes[int(scores.values[0].argmax())]


def test_a_class_without_any_sample_has_no_exemplar(tmp_path: Path, settings: dict[str, Any]) -> None:
    few = tiny_store(tmp_path / "few", count=24)
    with pytest.raises(DataError, match="training part has none of"):
        build_data(loaded(tmp_path, **settings), few)
