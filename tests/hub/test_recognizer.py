# SPDX-License-Identifier: Apache-2.0
"""Recognisers: the same answers after any way through the disk, and nothing executed on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bonefide.config import load
from bonefide.config.recipe import Recipe
from bonefide.data.datasets import info
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import DataError, ShapeError
from bonefide.hub.fitting import fitting_recipe, fitting_recipes
from bonefide.hub.recognizer import Recognizer
from bonefide.hub.weights import HEADER
from bonefide.types import SkeletonSequence


def recipe() -> Recipe:
    whole = load.recipe("shiftgcn/nwucla", set={"encoder.base_channels": 4})
    return load.single_run(whole, "bone")


def weights(seed: int = 0, *, channels: int = 4, classes: int = 10) -> dict[str, Tensor]:
    from bonefide.encoders.shiftgcn import ShiftGCN
    from bonefide.layouts import layout
    from bonefide.methods.supervised import Supervised

    torch.manual_seed(seed)
    method = Supervised(ShiftGCN(layout("ucla20"), 3, persons=1, base_channels=channels), classes)
    with torch.no_grad():
        method.head.weight.mul_(0.05)
    return method.state_dict()


def sequences(count: int = 5) -> list[SkeletonSequence]:
    generator = np.random.default_rng(0)
    return [
        SkeletonSequence(f"s{number}", 0, generator.normal(size=(1, 30 + number, 20, 3)).cumsum(axis=1))
        for number in range(count)
    ]


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer.from_weights(weights(), recipe(), origin={"file": "made up"})


def test_what_it_carries(recognizer: Recognizer) -> None:
    config = recognizer.config
    assert recognizer.classes == info("nwucla").classes
    assert (config.layout, config.preparation, config.version) == ("ucla20", "nwucla", 1)
    assert (config.in_channels, config.persons, config.frames, config.stream) == (3, 1, 52, "bone")
    assert [each.name for each in config.transform] == ["center", "normalize", "sample_frames", "modality"]
    assert config.origin == {"recipe": "shiftgcn/nwucla", "file": "made up"}


def test_scores_are_probabilities_that_do_not_depend_on_batches(recognizer: Recognizer) -> None:
    scores = recognizer.scores(sequences())
    assert scores.shape == (5, 10)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    assert scores.std(axis=0).min() > 1e-4
    np.testing.assert_allclose(recognizer.scores(sequences(), batch_size=2), scores, rtol=1e-4)
    label, probability = recognizer(sequences()[3])
    assert label == recognizer.classes[scores[3].argmax()]
    assert probability == pytest.approx(scores[3].max(), rel=1e-4)
    assert recognizer.scores([]).shape == (0, 10)
    assert not recognizer.method.training


def test_it_sees_what_testing_would_see(recognizer: Recognizer) -> None:
    """The same clip as a data set with the recipe's test chain."""
    from bonefide.config.components import create
    from bonefide.layouts import layout

    sequence = sequences()[0]
    clip = sequence.joints.transpose(3, 1, 2, 0)
    for each in recipe().data.test:
        given = {"layout": layout("ucla20"), "stream": "bone"}
        clip = create("transforms", each, given)(clip, np.random.default_rng(0))
    with torch.inference_mode():
        features = recognizer.method.encoder(torch.tensor(clip, dtype=torch.float32)[None])
        expected = recognizer.method.head(features.pooled).softmax(1)
    np.testing.assert_allclose(recognizer.scores([sequence]), expected, rtol=1e-4)


def test_through_the_disk_and_back(recognizer: Recognizer, tmp_path: Path) -> None:
    scores = recognizer.scores(sequences())
    recognizer.save_pretrained(tmp_path / "deep" / "folder")
    recognizer.save(tmp_path / "one.safetensors")
    assert sorted(each.name for each in (tmp_path / "deep" / "folder").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    for place in (
        tmp_path / "deep" / "folder",
        tmp_path / "one.safetensors",
        tmp_path / "deep" / "folder" / "model.safetensors",
    ):
        again = Recognizer.load(place)
        assert again.config == recognizer.config
        assert np.array_equal(again.scores(sequences()), scores)


@pytest.mark.parametrize(
    "joints", [np.zeros((1, 9, 25, 3)), np.zeros((1, 9, 20, 2)), np.zeros((1, 0, 20, 3)), np.zeros(3)]
)
def test_sequences_that_do_not_fit(recognizer: Recognizer, joints: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"odd: expected joints \(M, T, V=20, C=3\), as prepared by nwucla, got"):
        recognizer(SkeletonSequence("odd", 0, joints))
    with pytest.raises(ShapeError, match="batch_size must be at least 1, got 0"):
        recognizer.scores(sequences(), batch_size=0)


def test_further_persons_are_left_out(recognizer: Recognizer) -> None:
    one = sequences()[0]
    two = SkeletonSequence("two", 0, np.concatenate([one.joints, 5 + one.joints]))
    assert recognizer(two) == recognizer(one)


def test_the_recipe_that_fits() -> None:
    found = fitting_recipe("shiftgcn", weights(channels=64))
    assert found is not None
    assert (found.name, found.data.stream) == ("shiftgcn/nwucla", "joint")
    bone = fitting_recipe("shiftgcn", weights(channels=64), stream="bone")
    assert bone is not None
    assert bone.data.stream == "bone"
    assert fitting_recipe("shiftgcn", weights(channels=64, classes=11)) is None
    assert fitting_recipe("ctrgcn", weights(channels=64)) is None
    with pytest.raises(DataError, match="no stream 'bones'; did you mean 'bone'"):
        fitting_recipe("shiftgcn", {}, stream="bones")


def test_all_recipes_that_fit() -> None:
    from bonefide.encoders.shiftgcn import ShiftGCN
    from bonefide.layouts import layout
    from bonefide.methods.supervised import Supervised

    state = Supervised(ShiftGCN(layout("ntu25")), 120).state_dict()
    found = [each.name for each in fitting_recipes("shiftgcn", state)]
    assert found == ["shiftgcn/ntu120_xset", "shiftgcn/ntu120_xsub"]
    assert not list(fitting_recipes("ctrgcn", state))


def test_batches_of_first_frames_in_order(recognizer: Recognizer) -> None:
    whole = torch.cat([batch.clip for batch in recognizer.batches(sequences(), batch_size=2)])
    assert tuple(whole.shape) == (5, 3, 52, 20, 1)
    first = list(recognizer.batches(sequences(), batch_size=3, frames=12))
    assert [len(batch.clip) for batch in first] == [3, 2]
    for batch in first:
        assert batch.joints is not None
        assert batch.joints.shape[2] == 12
    assert torch.equal(torch.cat([batch.clip for batch in first]), whole[:, :, :12])
    longer = torch.cat([batch.clip for batch in recognizer.batches(sequences(), frames=99)])
    assert torch.equal(longer, whole)
    with pytest.raises(ShapeError, match="frames must be at least 1, got 0"):
        list(recognizer.batches(sequences(), frames=0))


def test_untrained_is_the_same_network_with_other_weights(recognizer: Recognizer) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (recognizer.untrained(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected), "the global generator is left alone"
    assert first.config == recognizer.config
    states = [each.method.state_dict() for each in (first, again, other, recognizer)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    for different in states[2:]:
        assert any(not torch.equal(value, different[name]) for name, value in states[0].items())
    assert not first.method.training


def test_the_encoder_is_the_network_without_its_head(recognizer: Recognizer) -> None:
    (batch,) = recognizer.batches(sequences(2))
    with torch.inference_mode():
        pooled = recognizer.encoder(batch.clip, batch.joints).pooled
        logits = recognizer.method.head(pooled)  # type: ignore[operator]
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), recognizer.scores(sequences(2)), rtol=1e-4)
    recognizer.method.encoder = None
    with pytest.raises(DataError, match="the method supervised has no encoder to take features from"):
        recognizer.encoder  # noqa: B018  # it raises


def test_a_store_is_adapted_by_the_preparation_it_learned_from(recognizer: Recognizer, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", info("nwucla"), [Entry(each, 1, 1) for each in sequences()])
    adapted = recognizer.adapt(store)
    np.testing.assert_allclose(adapted.sequence(2).joints, sequences()[2].joints, rtol=1e-6)
    old = recognizer.config.model_copy(update={"version": 7})
    with pytest.raises(DataError, match="learned from version 7 of 'nwucla'"):
        Recognizer(old, recognizer.method).adapt(store)


def test_weights_that_do_not_fit(recognizer: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'encoder.blocks.0.*' should be of shape \(.*\) and is of shape \("):
        Recognizer.from_weights(weights(channels=5), recipe())
    with pytest.raises(DataError, match="'extra' should be absent and is of shape"):
        Recognizer.from_weights(weights() | {"extra": torch.zeros(2)}, recipe())
    recognizer.save_pretrained(tmp_path)
    loaded = load_file(tmp_path / "model.safetensors")
    save_file({"head.bias": loaded["head.bias"]}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match=r"the weights do not fit what is said about them: .* is absent"):
        Recognizer.load(tmp_path)


def test_enormous_networks_are_refused_before_they_take_memory(recognizer: Recognizer, tmp_path: Path) -> None:
    recognizer.save_pretrained(tmp_path)
    change(tmp_path, lambda facts: facts["encoder"].update(base_channels=10**7))
    with pytest.raises(DataError, match="do not fit"):
        Recognizer.load(tmp_path)


def change(folder: Path, how: object) -> None:
    facts = json.loads((folder / "config.json").read_text())
    how(facts)  # type: ignore[operator]
    (folder / "config.json").write_text(json.dumps(facts))


def test_foreign_code_runs_only_if_trusted(
    recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer.save_pretrained(tmp_path)
    (tmp_path / "evil_part.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    change(tmp_path, lambda facts: facts["transform"].append({"name": "evil_part:Evil"}))
    with pytest.raises(DataError, match=r"uses evil_part:Evil, code from outside bonefide.*trust_code"):
        Recognizer.load(tmp_path)
    assert not (tmp_path / "ran").exists()
    Recognizer.load(tmp_path, trust_code=True)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "how",
    [
        lambda facts: facts.pop("classes"),
        lambda facts: facts.update(format=2),
        lambda facts: facts.update(persons=0),
        lambda facts: facts.update(layout="ntu24"),
        lambda facts: facts.update(layout={"name": "x"}),
        lambda facts: facts.update(more=1),
        lambda facts: facts.update(encoder="shiftgcn"),
    ],
)
def test_descriptions_that_are_damaged(recognizer: Recognizer, tmp_path: Path, how: object) -> None:
    recognizer.save_pretrained(tmp_path)
    change(tmp_path, how)
    with pytest.raises(DataError, match="does not describe a recogniser of this version"):
        Recognizer.load(tmp_path)


def test_places_without_a_recogniser(recognizer: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="neither a run nor a recogniser"):
        Recognizer.load(tmp_path / "empty")
    with pytest.raises(DataError, match=r"there is no .*; did you mean 'empty'"):
        Recognizer.load(tmp_path / "emty")
    (tmp_path / "text.safetensors").write_text("text")
    with pytest.raises(DataError, match="not a file of weights"):
        Recognizer.load(tmp_path / "text.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "alone.safetensors", {"paper": "shiftgcn"})
    with pytest.raises(DataError, match="weights alone, without class names"):
        Recognizer.load(tmp_path / "alone.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "text.safetensors", {HEADER: "{"})
    with pytest.raises(DataError, match="does not describe a recogniser"):
        Recognizer.load(tmp_path / "text.safetensors")
    recognizer.save_pretrained(tmp_path / "half")
    (tmp_path / "half" / "model.safetensors").unlink()
    with pytest.raises(DataError, match="no readable weights"):
        Recognizer.load(tmp_path / "half")


def test_a_preparation_that_has_changed(recognizer: Recognizer, tmp_path: Path) -> None:
    recognizer.save_pretrained(tmp_path)
    change(tmp_path, lambda facts: facts.update(version=7))
    with pytest.raises(DataError, match="learned from version 7 of 'nwucla', this bonefide has version 1"):
        Recognizer.load(tmp_path).prepare(tmp_path)


@pytest.mark.parametrize("name", ["ctrgcn/custom"])
def test_recipes_for_one_s_own_data_say_no_classes(name: str) -> None:
    with pytest.raises(ShapeError, match="says nothing about classes"):
        Recognizer.from_weights({}, load.recipe(name))


def test_joints_are_given_to_an_encoder_that_asks() -> None:
    from bonefide.config.build import encoder
    from bonefide.layouts import layout
    from bonefide.methods.supervised import Supervised

    whole = load.recipe("blockgcn/nwucla", set={"encoder.base_channels": 8})
    asked = load.single_run(whole, "bone_motion")
    torch.manual_seed(0)
    made = encoder("blockgcn", layout=layout("ucla20"), persons=1, options={"base_channels": 8})
    recognizer = Recognizer.from_weights(Supervised(made, 10).state_dict(), asked, origin={})
    joint = Recognizer.from_weights(recognizer.method.state_dict(), load.single_run(whole, "joint"), origin={})
    scores = recognizer.scores(sequences())
    np.testing.assert_allclose(recognizer.scores(sequences(), batch_size=2), scores, rtol=1e-3)
    clips = [(recognizer._clip(each), joint._clip(each)) for each in sequences()]
    assert all(np.array_equal(ours.joints, theirs.joints) for ours, theirs in clips)
    assert not any(np.array_equal(ours.stream, theirs.stream) for ours, theirs in clips)
