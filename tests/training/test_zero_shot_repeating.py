# SPDX-License-Identifier: Apache-2.0
"""Zero-shot trainings: equal seeds, equal results; stopped and continued, the same; and labels of unseen classes, which
nothing looks at before the last evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stopping import StoppedError, assert_equal, same_weights, stop_at_step
from tiny import loaded, tiny_store

from bonefide.config.load import single_run
from bonefide.config.recipe import Recipe
from bonefide.data import datasets
from bonefide.data.class_splits import class_split
from bonefide.data.store import SkeletonStore
from bonefide.evaluation.audit import load_card
from bonefide.evaluation.scores import load_scores
from bonefide.hub.recognizer import Recognizer
from bonefide.run import Run
from bonefide.text.bank import TextBank
from bonefide.text.descriptions import KINDS
from bonefide.text.write_bank import write_bank
from bonefide.training.fit import train_run
from bonefide.types import Array

SPLIT = class_split("nwucla10_8_2_bonefide1", dataset="nwucla")
METHODS: dict[str, dict[str, Any]] = {
    "nearest_seen": {},
    "neuron": {"prototypes": 4},
    "pgfa": {},
    "smie": {"widths": [8, 8], "hidden_frames": 2},
    "star": {"attributes": 4, "width": 8, "heads": 2, "hidden": 8},
    "text_regression": {},
}
RUNS = {"rehearsal": {"data.rehearsal": True}, "main": {}}


class Mislabelled(SkeletonStore):
    """In its test part each unseen class is called the other one."""

    @property
    def labels(self) -> Array:
        labels = super().labels.copy()
        first, second = (labels == label for label in SPLIT.unseen)
        tested = np.arange(len(labels)) % 2 == 1
        labels[first & tested], labels[second & tested] = SPLIT.unseen[1], SPLIT.unseen[0]
        return labels


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return tiny_store(tmp_path_factory.mktemp("stores") / "words", count=80, classes=10, in_a_row=4)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    generator, classes = np.random.default_rng(5), datasets.info("nwucla").classes
    vectors = {kind: generator.normal(size=(10, count, 6)).astype(np.float32) for kind, count in KINDS.items()}
    file = tmp_path_factory.mktemp("texts") / "texts.npz"
    write_bank(TextBank(classes, vectors, {}, "made up"), file)
    return str(file)


def recipe(folder: Path, method: str, texts: str, *, seed: int = 0) -> Recipe:
    settings = {"data__classes": SPLIT.name, "data__texts": texts, "data__batch_size": 8, "training__epochs": 2}
    return loaded(folder, runs=RUNS, method={"name": method, **METHODS[method]}, training__seed=seed, **settings)


def trained(whole: Recipe, place: Path, store: SkeletonStore, *, run: str = "main") -> Run:
    return train_run(single_run(whole, run), run, place / run, store=store, device="cpu")


@pytest.mark.parametrize("method", METHODS)
def test_seeds_decide_and_stops_do_not(
    tmp_path: Path, store: SkeletonStore, texts: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = recipe(tmp_path, method, texts)
    whole = trained(asked, tmp_path / "whole", store)
    with monkeypatch.context() as patched:
        stop_at_step(patched, 6)
        with pytest.raises(StoppedError):
            trained(asked, tmp_path / "stopped", store)
    assert len(Run(tmp_path / "stopped" / "main").log()) == 1, "in the second epoch"
    assert_equal(trained(asked, tmp_path / "stopped", store), whole)
    assert not same_weights(trained(recipe(tmp_path, method, texts, seed=1), tmp_path / "other", store), whole)


def test_labels_of_unseen_classes_change_nothing_but_the_figures(
    tmp_path: Path, store: SkeletonStore, texts: str
) -> None:
    asked = recipe(tmp_path, "pgfa", texts)
    assert asked.training.test_every == 1, "looked at after each epoch, for the log alone"
    pairs = []
    for name, kind in (("true", SkeletonStore), ("false", Mislabelled)):
        opened = kind(store.path)
        trained(asked, tmp_path / name, opened, run="rehearsal")
        pairs.append(trained(asked, tmp_path / name, opened))
    first, second = (load_scores(run.scores_file) for run in pairs)
    unseen = np.isin(first.labels, SPLIT.unseen)
    assert (first.labels != second.labels).tolist() == unseen.tolist()
    assert same_weights(*pairs)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.branches["transductive"], second.branches["transductive"])
    ours, theirs = (Recognizer.load(run.folder, trust_code=True).config.zero_shot for run in pairs)
    assert ours == theirs
    cards = [load_card(run.report_file).zero_shot for run in pairs]
    assert cards[0] is not None
    assert cards[1] is not None
    assert cards[0].gamma == cards[1].gamma
    assert cards[0].gamma_chosen_on == "rehearsal"
    assert cards[0].acc_inductive + cards[1].acc_inductive == pytest.approx(100), "two classes, each called the other"
