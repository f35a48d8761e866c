# SPDX-License-Identifier: Apache-2.0
"""Networks are measured at the size they are used in."""

from __future__ import annotations

import pytest
import torch

from bonefide.benchmark.official import OFFICIAL
from bonefide.benchmark.speed import encoder_subject, measure_speed, recipe_subject, recipe_subjects
from bonefide.benchmark.variants import Subject
from bonefide.config.components import component, names
from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.errors import UnknownNameError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised
from bonefide.types import Batch


def _small(name: str) -> Subject:
    method = Supervised(CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), num_classes=10)
    return Subject(
        name, method, Batch(torch.randn(2, 3, 8, 20, 1), torch.tensor([0, 1]), torch.arange(2)), layout("ucla20")
    )


def test_a_row_for_every_network() -> None:
    one, two = _small("one"), _small("two")
    before = {name: value.clone() for name, value in one.method.state_dict().items()}
    table = measure_speed([one, two], rounds=1)
    assert [row["what"] for row in table.facts()["rows"]] == ["one", "two"]
    row = table.facts()["rows"][0]
    assert (row["clip"], row["batch"]) == ("3 x 8 x 20 x 1", 2)
    assert row["parameters"] == sum(each.numel() for each in one.method.parameters())
    assert row["gmac"] > 0
    assert row["forward_per_second"] == pytest.approx(1e3 / row["forward_ms"])
    assert 0 < row["forward_ms"] < row["train_ms"] * 2
    assert all(torch.equal(before[name], value) for name, value in one.method.state_dict().items()), "it was changed"


def test_multiply_adds_are_of_one_sample() -> None:
    small = _small("one")
    doubled = Subject("two", small.method, Batch(*(torch.cat([part, part]) for part in small.batch[:3])), small.layout)
    rows = measure_speed([small, doubled], rounds=1).facts()["rows"]
    assert rows[0]["gmac"] == rows[1]["gmac"]


def test_a_recipe_has_its_own_clip_and_classes() -> None:
    subject = recipe_subject("ctrgcn/nwucla", batch_size=1)
    assert tuple(subject.batch.clip.shape) == (1, 3, 52, 20, 1)
    assert subject.method.outputs(subject.batch).logits is not None
    assert subject.method.head.out_features == 10  # type: ignore[union-attr]


def test_a_recipe_is_measured_once_for_each_method() -> None:
    assert [each.name for each in recipe_subjects("ctrgcn/nwucla_small", batch_size=1)] == ["ctrgcn/nwucla_small"]
    subjects = recipe_subjects("csre/hcn_nwucla_small", batch_size=2)
    assert [each.name for each in subjects] == ["csre/hcn_nwucla_small plain", "csre/hcn_nwucla_small csre"]
    banks = [name for name in subjects[1].method.state_dict() if name == "memory.spatial"]
    assert [len(subjects[1].method.state_dict()[name]) for name in banks] == [5 * 1020], "one row each passing sample"
    rows = measure_speed(subjects, rounds=1).facts()["rows"]
    assert rows[0]["parameters"] < rows[1]["parameters"]
    assert rows[0]["gmac"] == rows[1]["gmac"], "nothing of it is left in recognition"


def test_an_encoder_has_the_clip_of_ntu() -> None:
    subject = encoder_subject("ctrgcn", batch_size=2)
    assert tuple(subject.batch.clip.shape) == (2, 3, 64, 25, 2)
    with pytest.raises(UnknownNameError, match="did you mean 'ctrgcn/nwucla'"):
        recipe_subject("ctrgcn/nwcla", batch_size=1)


def test_steps_are_set_against_the_official_ones() -> None:
    ours, others = _small("ctrgcn"), _small("hcn")
    rows = measure_speed([ours, others, _small("own")], rounds=1).facts()["rows"]
    assert [row["official_over_ctrgcn"] for row in rows] == [1.0, 0.13, None]
    assert rows[0]["train_over_ctrgcn"] == 1
    assert rows[1]["train_over_ctrgcn"] == pytest.approx(rows[1]["train_cpu_ms"] / rows[0]["train_cpu_ms"])
    (alone,) = measure_speed([others], rounds=1).facts()["rows"]
    assert alone["train_over_ctrgcn"] is None


def test_every_encoder_of_clips_has_an_official_cost() -> None:
    clips = {name for name in names("encoders") if not getattr(component("encoders", name), "reads_images", False)}
    # What is hidden decides the cost of the masked transformer, which is measured apart.
    assert set(OFFICIAL) == clips - {"masked_transformer"}


def test_an_encoder_of_images_has_an_image() -> None:
    subject = encoder_subject("descriptor_resnet", batch_size=2)
    clip = subject.batch.clip
    assert tuple(clip.shape) == (2, 1, 3, 112, 112)
    assert (clip.min() >= 0, clip.max() > 200) == (True, True)
    assert subject.method.encoder.images == ("gd",)  # type: ignore[union-attr]
    (given,) = subject.network.inputs(3, subject.network.frames)
    assert tuple(given.shape) == (3, 1, 3, 112, 112)


def test_a_recipe_of_images_has_its_own() -> None:
    subject = recipe_subject("descriptor_fusion/nwucla_small", batch_size=2)
    assert tuple(subject.batch.clip.shape) == (2, 1, 3, 112, 112)
    assert (subject.method.images, subject.method.encoder.images) == (("gd",), ("gd",))  # type: ignore[union-attr]
    assert subject.method.outputs(subject.batch).logits.shape == (2, 10)  # type: ignore[union-attr]
