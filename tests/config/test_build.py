# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import loaded, tiny_store

import bonefide
from bonefide.config.build import build_data, build_method, encoder, method
from bonefide.data.class_splits import class_split
from bonefide.data.loader import loader
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, RecipeError, ShapeError, UnknownNameError
from bonefide.layouts import layout
from bonefide.text.banks import bank
from bonefide.types import Batch


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return tiny_store(tmp_path_factory.mktemp("stores") / "tiny", persons=2)


def test_parts_do_not_overlap_and_test_as_the_protocol_says(tmp_path: Path, store: SkeletonStore) -> None:
    plain = build_data(loaded(tmp_path), store)
    assert plain.validation is None
    kept = build_data(loaded(tmp_path, data__validation={"share": 0.5}), store)
    assert kept.validation is not None
    names = [set(part.names.tolist()) for part in (kept.train, kept.validation, kept.test)]
    assert names[0] | names[1] == set(plain.train.names.tolist())
    assert not names[0] & names[1]
    assert names[2] == set(plain.test.names.tolist())
    assert kept.digest != plain.digest
    assert plain.classes == store.info.classes


def test_each_part_has_its_own_transforms(tmp_path: Path, store: SkeletonStore) -> None:
    data = build_data(
        loaded(tmp_path, data__train__0__frames=5, data__test__0__frames=7, data__validation={"share": 0.5}), store
    )
    assert data.validation is not None
    assert [part[0].clip.shape for part in (data.train, data.validation, data.test)] == [
        (3, frames, 20, 2) for frames in (5, 7, 7)
    ]


def test_only_training_repeats(tmp_path: Path, store: SkeletonStore) -> None:
    data = build_data(loaded(tmp_path, data__repeat=3, data__validation={"share": 0.5}), store)
    assert data.validation is not None
    assert len(data.train) == 3 * len(data.train.rows)
    assert (len(data.test), len(data.validation)) == (len(data.test.rows), len(data.validation.rows))


def test_a_share_of_the_training_samples(tmp_path: Path, store: SkeletonStore) -> None:
    halves = [build_data(loaded(tmp_path, data__share=0.5, training__seed=seed), store) for seed in (0, 1)]
    assert [len(half.train) for half in halves] == [6, 6]
    assert halves[0].digest != halves[1].digest


def test_the_stream_reaches_the_transforms(tmp_path: Path, store: SkeletonStore) -> None:
    joint, bone = (
        build_data(loaded(tmp_path, data__stream=stream), store).test[0].clip for stream in ("joint", "bone")
    )
    root = store.layout.root
    assert not bone[:, :, root].any()
    child = next(child for child, parent in store.layout.edges() if parent == root)
    np.testing.assert_allclose(bone[:, :, child], joint[:, :, child] - joint[:, :, root], atol=1e-5)


def test_faults_come_before_any_data_is_read(tmp_path: Path, store: SkeletonStore) -> None:
    with pytest.raises(RecipeError, match="widht"):
        build_data(loaded(tmp_path, encoder__widht=3, data__dataset="ntu60"), store)
    with pytest.raises(DataError, match="holds nwucla, the recipe wants ntu60"):
        build_data(loaded(tmp_path, data__dataset="ntu60"), store)


def test_the_method_fits_the_data(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = loaded(tmp_path, encoder={"name": "ctrgcn", "base_channels": 8}, method__dropout=0.5)
    made = build_method(recipe, build_data(recipe, store))
    assert (made.encoder.persons, made.encoder.joints, made.head.out_features, made.dropout.p) == (2, 20, 10, 0.5)


def test_parts_by_name() -> None:
    made = encoder("ctrgcn", layout=layout("utd20"), persons=1, options={"base_channels": 8, "strategy": "uniform"})
    batch = Batch(torch.zeros(2, 3, 8, 20, 1), *torch.zeros(2, 2).long())
    whole = method("supervised", encoder=made, num_classes=7, options={"label_smoothing": 0.1})
    assert whole.outputs(batch).logits.shape == (
        2,
        7,
    )
    with pytest.raises(UnknownNameError, match="encoders: no 'ctrgn'; did you mean 'ctrgcn'"):
        encoder("ctrgn", layout=layout("utd20"))
    with pytest.raises(UnknownNameError, match="methods: no 'supervise'; did you mean 'supervised'"):
        method("supervise", encoder=made, num_classes=7)
    with pytest.raises(RecipeError, match="label_smothing: not an option; did you mean 'label_smoothing'"):
        method("supervised", encoder=made, num_classes=7, options={"label_smothing": 1})
    with pytest.raises(ShapeError, match="multiple of 8, got 12"):
        encoder("ctrgcn", layout=layout("utd20"), options={"base_channels": 12})


def test_zero_shot_methods_by_name() -> None:
    texts, classes = bank("nwucla"), class_split("nwucla10_8_2_bonefide1", dataset="nwucla")
    made = encoder("ctrgcn", layout=layout("ucla20"), persons=1, frames=16, options={"base_channels": 8})
    star = method(
        "star",
        encoder=made,
        num_classes=10,
        frames=16,
        layout=layout("ucla20"),
        texts=texts,
        classes=classes,
        options={"attributes": 4, "width": 8, "hidden": 8},
    )
    assert star.get_buffer("texts.seen").tolist() == list(classes.seen)
    with pytest.raises(RecipeError, match="neuron: is zero-shot; give texts, as of"):
        method("neuron", encoder=made, num_classes=10, frames=16, texts=texts)


def test_public_names_lead_somewhere() -> None:
    assert set(dir(bonefide)) == set(bonefide.__all__)
    for name in bonefide.__all__:
        assert callable(getattr(bonefide, name))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = bonefide.trian


def test_joints_are_given_to_encoders_that_ask(tmp_path: Path, store: SkeletonStore) -> None:
    assert build_data(loaded(tmp_path), store).train[0].joints is None
    recipe = loaded(tmp_path, encoder={"name": "blockgcn", "base_channels": 8}, data__stream="bone_motion")
    data = build_data(recipe, store)
    joint = build_data(loaded(tmp_path, data__stream="joint"), store)
    for part, plain in ((data.train, joint.train), (data.test, joint.test)):
        np.testing.assert_array_equal(part[1].joints, plain[1].clip)
        assert not np.array_equal(part[1].clip, part[1].joints)
    made = build_method(recipe, data)
    batch = next(iter(loader(data.train, batch_size=3)))
    made.losses(batch)["cross_entropy"].backward()
    assert made.encoder.topology.centres.grad.abs().max() > 0
