# SPDX-License-Identifier: Apache-2.0
"""Recipes that learn from images of descriptors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tiny import loaded, tiny_recipe, tiny_store

from bonefide.config import load
from bonefide.config.build import build_data, build_method, make_images
from bonefide.config.components import check_recipe
from bonefide.config.recipe import DataRecipe, Recipe
from bonefide.data.descriptor_dataset import DescriptorDataset
from bonefide.data.store import SkeletonStore
from bonefide.data.write_descriptors import describe_store, descriptor_folder
from bonefide.errors import DataError, RecipeError, RunError, ShapeError
from bonefide.evaluation.scores import load_scores
from bonefide.evaluation.test import test as score_run
from bonefide.hub.recognizer import Recognizer
from bonefide.run import Run
from bonefide.training.fit import plan_runs, train_run
from bonefide.training.parallel import train_all
from bonefide.types import SkeletonSequence

IMAGES: dict[str, Any] = {
    "encoder": {"name": "descriptor_resnet", "base_width": 2},
    "method": {"name": "descriptor_fusion"},
    "data__images": ["lad", "fdd"],
    "data__train": [],
    "data__test": [],
    "training__epochs": 1,
}


def image_recipe(folder: Path, **settings: Any) -> Recipe:
    return load.single_run(loaded(folder, **(IMAGES | settings)), "main")


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return tiny_store(tmp_path_factory.mktemp("images") / "store", count=12)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shared_store: SkeletonStore) -> Run:
    folder = tmp_path_factory.mktemp("run")
    return train_run(image_recipe(folder), "main", folder / "main", store=shared_store, device="cpu")


def test_the_data_are_images_in_the_order_asked_for(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store", count=12)
    recipe = image_recipe(tmp_path)
    data = build_data(recipe, store)
    assert isinstance(data.train, DescriptorDataset)
    assert isinstance(data.test, DescriptorDataset)
    images = data.train.descriptors
    assert images.path == descriptor_folder(store)
    assert images.info.stored == ("jdd", "add", "lad")
    row = int(data.test.rows[1])
    np.testing.assert_array_equal(data.test[1].clip, images.planes(["lad", "fdd"], row))
    assert data.train.labels.tolist() == store.labels[data.train.rows].tolist()
    method = build_method(recipe, data)
    assert method.images == ("lad", "fdd")
    assert (method.encoder.images, method.encoder.in_channels) == (("lad", "fdd"), 3)


def test_corrected_images_are_others_and_make_another_run(tmp_path: Path, shared_store: SkeletonStore) -> None:
    official, corrected = (image_recipe(tmp_path, data__corrected=each) for each in (False, True))
    assert load.recipe_digest(official) != load.recipe_digest(corrected)
    data = build_data(corrected, shared_store)
    assert isinstance(data.train, DescriptorDataset)
    assert data.train.descriptors.info.corrected
    assert data.train.fingerprint != build_data(official, shared_store).train.fingerprint


def test_other_images_beside_them_change_nothing(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store", count=12)
    before = build_data(image_recipe(tmp_path), store).train.fingerprint
    describe_store(store, ["gd"])
    assert build_data(image_recipe(tmp_path), store).train.fingerprint == before


def test_a_store_of_other_data_is_not_described(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store", "ntu60", count=12)
    with pytest.raises(DataError, match="the recipe wants nwucla"):
        make_images(image_recipe(tmp_path), store)
    assert not descriptor_folder(store).exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data__images": ["gd", "gd"]}, "images must be different ones"),
        ({"data__images": []}, "at least 1 item"),
        ({"data__images": ["xdd"]}, "'gd', 'jdd', 'add', 'lad' or 'fdd'"),
        ({"data__stream": "bone"}, "images are not transformed and have no streams"),
        ({"data__train": [{"name": "modality"}]}, "images are not transformed"),
        ({"data__images": None, "data__corrected": True}, "corrected is for images"),
    ],
)
def test_recipes_that_cannot_be(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        image_recipe(tmp_path, **settings)


def test_clips_need_transforms() -> None:
    with pytest.raises(ValidationError, match="train and test must list the transforms"):
        DataRecipe(dataset="nwucla", protocol="xview")
    with pytest.raises(ValidationError, match="test must list the transforms"):
        DataRecipe(dataset="nwucla", protocol="xview", train=())


def test_encoders_and_data_must_fit(tmp_path: Path) -> None:
    clips = image_recipe(tmp_path, data__images=None)
    with pytest.raises(RecipeError, match="descriptor_resnet reads images of descriptors: name some"):
        check_recipe(clips)
    images = image_recipe(tmp_path, encoder={"name": "tiny_net:TinyNet"}, method={"name": "supervised"})
    with pytest.raises(RecipeError, match="tiny_net:TinyNet reads clips, not images"):
        check_recipe(images)


def test_runs_that_know_nothing_of_images_keep_their_digest(tmp_path: Path) -> None:
    plain = load.single_run(loaded(tmp_path), "main")
    written = load.dump(plain)
    assert "images: null" in written
    older = tmp_path / "older.yaml"
    older.write_text(written.replace("  images: null\n", "").replace("  corrected: false\n", ""))
    assert load.recipe_digest(load.recipe(older)) == load.recipe_digest(plain)


def test_a_run_leaves_scores_that_testing_repeats(finished: Run, shared_store: SkeletonStore) -> None:
    kept, again = load_scores(finished.scores_file), score_run(finished, store=shared_store)
    np.testing.assert_array_equal(again.values, kept.values)
    assert kept.names.tolist() == again.names.tolist()


def test_a_run_knows_its_images_again(finished: Run, shared_store: SkeletonStore) -> None:
    folder = descriptor_folder(shared_store)
    facts = (folder / "descriptors.json").read_text()
    try:
        (folder / "descriptors.json").write_text(facts.replace('"lad.npy": "', '"lad.npy": "0'))
        with pytest.raises(RunError, match="the preparation is not the one"):
            score_run(finished, store=shared_store)
    finally:
        (folder / "descriptors.json").write_text(facts)


def test_its_recogniser_sees_the_same_images(finished: Run, shared_store: SkeletonStore) -> None:
    recognizer = Recognizer.load(finished.folder)
    assert (recognizer.config.images, recognizer.config.frames) == (("lad", "fdd"), 112)
    scores = load_scores(finished.scores_file)
    found = recognizer.scores([shared_store[str(name)] for name in scores.names], batch_size=5)
    exponents = np.exp(scores.values - scores.values.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, exponents / exponents.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-6)
    with pytest.raises(ShapeError, match="odd: "):
        recognizer(SkeletonSequence("odd", 0, np.ones((1, 5, 25, 3))))


def test_recognisers_of_official_weights_see_images_too(tmp_path: Path, shared_store: SkeletonStore) -> None:
    recipe = image_recipe(tmp_path)
    method = build_method(recipe, build_data(recipe, shared_store))
    recognizer = Recognizer.from_weights(method.state_dict(), recipe)
    recognizer.save_pretrained(tmp_path / "saved")
    sequence = shared_store[0]
    np.testing.assert_array_equal(Recognizer.load(tmp_path / "saved").scores([sequence]), recognizer.scores([sequence]))


def test_side_by_side_they_are_described_once(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store", count=8)
    file = tiny_recipe(tmp_path / "recipes", **IMAGES)
    whole = load.recipe(file, set={"runs": {"main": {}, "other": {"data.images": ["jdd", "gd"]}}})
    done = train_all(plan_runs(whole, tmp_path / "runs"), store=store, device="cpu", parallel=2)
    assert [run.finished for run in done] == [True, True]
