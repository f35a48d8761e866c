# SPDX-License-Identifier: Apache-2.0
"""Seen and unseen classes through the engine: who trains, who tests, and what a run leaves."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from tiny import loaded, tiny_store
from tiny_words import words

from bonefide.config.build import Experiment, build_data, build_method
from bonefide.config.load import dump, single_run
from bonefide.config.recipe import Recipe
from bonefide.data import datasets
from bonefide.data.class_splits import class_split
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, RecipeError, RunError, UnknownNameError
from bonefide.evaluation import test as testing
from bonefide.evaluation.audit import load_card
from bonefide.evaluation.calibration import calibration_of
from bonefide.evaluation.scores import load_scores, save_scores
from bonefide.hub.recognizer import Recognizer
from bonefide.methods._method import Method
from bonefide.run import Run
from bonefide.text.write_bank import write_bank
from bonefide.training.fit import train_run
from bonefide.training.start import located
from bonefide.types import Array

SPLIT = class_split("nwucla10_8_2_bonefide1", dataset="nwucla")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return tiny_store(tmp_path_factory.mktemp("stores") / "words", count=80, classes=10, in_a_row=4)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("texts") / "names.npz"
    write_bank(words(datasets.info("nwucla").classes), file)
    return {"data__classes": SPLIT.name, "data__texts": str(file), "method__name": "tiny_words:TinyWords"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, store: SkeletonStore, settings: dict[str, Any]) -> Run:
    place = tmp_path_factory.mktemp("finished")
    runs = {"rehearsal": {"data.rehearsal": True}, "main": {}}
    recipe = loaded(place, runs=runs, **settings)
    for name in runs:
        run = train_run(single_run(recipe, name), name, place / name, store=store, device="cpu")
    return run


def labels_of(rows: Array, store: SkeletonStore) -> set[int]:
    return set(store.labels[rows].tolist())


def test_seen_classes_train_and_all_are_tested(tmp_path: Path, store: SkeletonStore, settings: dict[str, Any]) -> None:
    data = build_data(loaded(tmp_path, **settings), store)
    plain = build_data(loaded(tmp_path), store)
    assert labels_of(data.train.rows, store) == set(SPLIT.seen)
    assert data.train.labels.tolist() == store.labels[data.train.rows].tolist(), "labels stay the data set's own"
    np.testing.assert_array_equal(data.test.rows, plain.test.rows)
    assert data.classes == store.info.classes
    assert data.split == SPLIT
    assert data.hashes.keys() == {"split", "preparation", "texts"}


def test_a_method_without_texts_knows_seen_classes_alone(tmp_path: Path, store: SkeletonStore) -> None:
    data = build_data(loaded(tmp_path, data__classes=SPLIT.name), store)
    assert labels_of(data.train.rows, store) == labels_of(data.test.rows, store) == set(SPLIT.seen)
    for part in (data.train, data.test, data.known):
        assert [SPLIT.seen[label] for label in part.labels] == store.labels[part.rows].tolist()
        assert part[len(part) - 1].label == part.labels[-1]
    assert data.classes == tuple(store.info.classes[label] for label in SPLIT.seen)
    assert build_method(loaded(tmp_path, data__classes=SPLIT.name), data).head.out_features == 8  # type: ignore[union-attr]
    assert (data.split, data.texts) == (None, None)


def test_a_rehearsal_stays_within_the_training_part(
    tmp_path: Path, store: SkeletonStore, settings: dict[str, Any]
) -> None:
    real = build_data(loaded(tmp_path, **settings), store)
    data = build_data(loaded(tmp_path, data__rehearsal=True, **settings), store)
    within = set(build_data(loaded(tmp_path), store).train.rows.tolist())
    assert {*data.train.rows.tolist(), *data.test.rows.tolist()} <= within
    assert labels_of(data.train.rows, store) == set(SPLIT.seen) - set(SPLIT.held_out)
    assert labels_of(data.test.rows, store) == set(SPLIT.seen), "no class that is really unseen"
    assert data.split == SPLIT.rehearsal
    pretend = np.isin(store.labels[data.test.rows], SPLIT.held_out)
    trained, others = (set(store.subjects[rows].tolist()) for rows in (data.train.rows, data.test.rows[~pretend]))
    assert not trained & others
    assert data.digest != real.digest


def test_a_run_leaves_scores_of_all_classes_and_a_joint_decision(finished: Run) -> None:
    scores, card = load_scores(finished.scores_file), load_card(finished.report_file)
    unseen = np.isin(scores.labels, SPLIT.unseen)
    joint = scores.branches["transductive"]
    np.testing.assert_allclose(joint[unseen], scores.values[unseen] + unseen.sum(), rtol=1e-6)
    np.testing.assert_array_equal(joint[~unseen], scores.values[~unseen])
    restricted = scores.values[unseen][:, list(SPLIT.unseen)].argmax(axis=1)
    right = 100 * (np.array(SPLIT.unseen)[restricted] == scores.labels[unseen]).mean()
    assert card.accuracy == pytest.approx(right) == pytest.approx(finished.log()[-1]["test_top1"])
    assert card.zero_shot is not None
    assert card.zero_shot.gamma_chosen_on == "rehearsal"
    with np.load(finished.features_file, allow_pickle=False) as features:
        assert features["features"].shape == (len(scores.names), 6)
        assert features["texts"].shape == (10, 6)
        assert features["names"].tolist() == scores.names.tolist()


def test_features_and_scores_are_of_one_pass(
    finished: Run, store: SkeletonStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def hooked(recipe: Recipe, data: Experiment) -> Method:
        method = build_method(recipe, data)
        method.get_submodule("encoder").register_forward_hook(lambda _, given, __: counts.append(len(given[0])))
        return method

    again = Run(shutil.copytree(finished.folder, tmp_path / "main"))
    for file in (again.scores_file, again.features_file, again.weights_file):
        file.unlink()
    monkeypatch.setattr("bonefide.training.fit.build_method", hooked)
    train_run(again.recipe, "main", again.folder, store=store, device="cpu")
    size, whole = again.recipe.data.test_batch_size, len(load_scores(again.scores_file).names)
    assert counts == [min(size, whole - start) for start in range(0, whole, size)]
    with np.load(again.features_file) as features, np.load(finished.features_file) as before:
        for name in ("names", "labels", "features", "texts"):
            np.testing.assert_array_equal(features[name], before[name])


def test_weights_chosen_by_test_labels_know_what_the_rehearsal_chose(
    finished: Run, store: SkeletonStore, settings: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(finished.folder.parent / "rehearsal", tmp_path / "rehearsal")
    runs = {"main": {"training.select": "best_on_test"}}
    recipe = single_run(loaded(tmp_path, runs=runs, **settings), "main")
    run = train_run(recipe, "main", tmp_path / "main", store=store, device="cpu")
    card = load_card(finished.report_file)
    for file in (run.weights_file, run.chosen_file):
        with safe_open(file, "pt") as opened:
            header = opened.metadata()
        told = json.loads(header["recognizer"])["zero_shot"]
        assert (told["gamma"], told["floor"]) == calibration_of(finished.folder, "main", finished.recipe.data)
        assert told["floor"] is not None
        assert told["gamma"] == card.zero_shot.gamma  # type: ignore[union-attr]
        assert int(header["epoch"]) == max(run.log(), key=lambda row: row["test_top1"])["epoch"]
    assert load_card(run.report_file).zero_shot is None, "its figures are none"


def test_a_diverged_rehearsal_is_told_before_main_trains(
    finished: Run, store: SkeletonStore, settings: dict[str, Any], tmp_path: Path
) -> None:
    rehearsal = Run(shutil.copytree(finished.folder.parent / "rehearsal", tmp_path / "rehearsal"))
    scores = load_scores(rehearsal.scores_file)
    save_scores(replace(scores, values=np.full_like(scores.values, np.nan)), rehearsal.scores_file)
    recipe = single_run(loaded(tmp_path / "recipe", **settings), "main")
    with pytest.raises(RunError, match=r"rehearsal: .* diverged; lower .*; or remove the rehearsal"):
        train_run(recipe, "main", tmp_path / "main", store=store, device="cpu")
    assert not (tmp_path / "main").exists()
    shutil.rmtree(rehearsal.folder)
    run = train_run(recipe, "main", tmp_path / "main", store=store, device="cpu")
    assert load_card(run.report_file).zero_shot.gamma_chosen_on == "nothing"  # type: ignore[union-attr]


def test_tested_again_it_says_the_same(finished: Run, store: SkeletonStore) -> None:
    again, before = testing.test(finished, store=store), load_scores(finished.scores_file)
    np.testing.assert_array_equal(again.values, before.values)
    np.testing.assert_array_equal(again.branches["transductive"], before.branches["transductive"])


def test_its_recogniser_needs_no_file_of_texts(finished: Run, store: SkeletonStore, tmp_path: Path) -> None:
    Recognizer.load(finished.folder, trust_code=True).save_pretrained(tmp_path / "kept")
    recognizer = Recognizer.load(tmp_path / "kept", trust_code=True)
    scores = load_scores(finished.scores_file)
    name = str(scores.names[0])
    known = recognizer.config.zero_shot
    assert known is not None
    assert known.gamma == load_card(finished.report_file).zero_shot.gamma  # type: ignore[union-attr]
    np.testing.assert_allclose(recognizer.values([store[name]])[0], scores.values[0], rtol=1e-5)
    handicapped = scores.values[0] - known.gamma * np.isin(np.arange(10), SPLIT.seen)
    assert recognizer(store[name])[0] == store.info.classes[int(handicapped.argmax())]


def test_weights_that_saw_unseen_classes_are_no_start(tmp_path: Path, settings: dict[str, Any]) -> None:
    def trained(name: str, **others: Any) -> Path:
        place = tmp_path / name
        place.mkdir()
        (place / "recipe.yaml").write_text(dump(loaded(tmp_path, **others)))
        (place / "weights.safetensors").touch()
        return place

    classes = {"data__classes": SPLIT.name}
    everything, main = trained("everything"), trained("main", **classes)
    rehearsal = trained("rehearsal", data__rehearsal=True, **classes)
    elsewhere = trained("elsewhere", data__dataset="utdmhad", data__protocol="xsub")
    starts = {"start_from": {"recipe": "encoder"}}
    asked = loaded(tmp_path / "main", **settings, **starts)
    names = ", ".join(datasets.info("nwucla").classes[label] for label in SPLIT.unseen)
    with pytest.raises(RunError, match=f"was trained with samples of {names}, which this training takes for unseen"):
        located(asked, tmp_path, path=everything)
    rehearsing = loaded(tmp_path / "main", data__rehearsal=True, **settings, **starts)
    with pytest.raises(RunError, match="which this rehearsal takes for unseen"):
        located(rehearsing, tmp_path, path=main)
    other_seed = rehearsing.model_copy(update={"training": rehearsing.training.model_copy(update={"seed": 4})})
    with pytest.raises(RunError, match="subjects that this rehearsal holds out; start from a rehearsal of the same s"):
        located(other_seed, tmp_path, path=rehearsal)
    for recipe, place in ((asked, main), (asked, rehearsal), (rehearsing, rehearsal), (asked, elsewhere)):
        assert located(recipe, tmp_path, path=place).start_from.path == str(place)  # type: ignore[union-attr]
    file = everything / "weights.safetensors"
    assert located(asked, tmp_path, path=file).start_from.path == str(file)  # type: ignore[union-attr]
    assert located(loaded(tmp_path, **starts), tmp_path, path=everything).start_from is not None, "nothing is unseen"


def test_what_does_not_fit_is_refused(tmp_path: Path, store: SkeletonStore, settings: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match="class splits of nwucla"):
        build_data(loaded(tmp_path, **settings | {"data__classes": "nowhere"}), store)
    with pytest.raises(RecipeError, match="nothing to choose with"):
        build_data(loaded(tmp_path, data__validation={"share": 0.5}, **settings), store)
    with pytest.raises(RecipeError, match="rehearsal needs classes"):
        loaded(tmp_path, data__rehearsal=True)
    other = tmp_path / "other.npz"
    write_bank(words(("a", "b")), other)
    with pytest.raises(DataError, match="other classes"):
        build_data(loaded(tmp_path, **settings | {"data__texts": str(other)}), store)
