# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from plain_neuron import plain_match
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import DataError, ShapeError
from bonefide.methods._evolving_prototypes import lowest
from bonefide.methods.neuron import Neuron
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Features

SPATIAL = ("spatial_coarse", "spatial_mid", "spatial_fine")
TEMPORAL = ("temporal_1", "temporal_12", "temporal_123")
CLASSES, CHANNELS = 5, 6
SPLIT = ClassSplit("made", (0, 2, 3), (1, 4))


class Given(nn.Module):
    """Features (N, D', T', V', M) as they are, behind a norm that can be watched."""

    needs_joints = False
    map_axis = "joint"
    out_channels = CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm3d(CHANNELS)

    def map_size(self, frames: int) -> tuple[int, int, int]:
        return CHANNELS, frames, 7

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        return Features(self.norm(clip).permute(0, 4, 1, 2, 3), clip.mean(dim=(2, 3, 4)))


def bank(*, sentences: int = 3, kinds: tuple[str, ...] = SPATIAL + TEMPORAL) -> TextBank:
    generator = np.random.default_rng(0)
    texts = {kind: generator.normal(size=(CLASSES, sentences, 8)) for kind in kinds}
    return TextBank(tuple("abcde"), texts, {}, "random")


def build(texts: TextBank | None = None, **options: Any) -> Neuron:
    torch.manual_seed(0)
    return Neuron(Given(), CLASSES, texts or bank(), SPLIT, frames=4, **{"prototypes": 8, **options})


def batch(frames: int = 4, joints: int = 7, persons: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    clip = torch.randn(4, CHANNELS, frames, joints, persons, generator=generator)
    labels = torch.tensor([0, 3, 2, 3])
    return Batch(clip, labels, labels)


@pytest.mark.parametrize(
    ("frames", "joints", "options"),
    [
        (4, 7, {}),
        (12, 25, {"prototypes": 80, "independent_init": True}),
        (1, 1, {"windows": (1, 1)}),
        (9, 20, {"windows": (2, 4), "scale": 3.0, "top_k": 2}),
    ],
)
def test_equals_the_plain_formulas(frames: int, joints: int, options: dict[str, Any]) -> None:
    method, given = build(**options).double(), batch(frames, joints)
    given = given._replace(clip=given.clip.double())
    cube = method.encoder(given.clip).map.mean(dim=1)
    plain = {"windows": (*options.get("windows", (5, 10)), None), "scale": options.get("scale", 0.1)}
    texts = [[method.texts.of(kind) for kind in kinds] for kinds in (SPATIAL, TEMPORAL)]
    branches = plain_match(method, cube, texts, **plain, top_k=options.get("top_k", 10))
    places = torch.tensor([0, 2, 1, 2])
    expected = {
        name: sum(F.cross_entropy(logits[:, list(SPLIT.seen)], places) for logits in branch[2]) / 6
        for name, branch in zip(("spatial", "temporal"), branches, strict=True)
    }
    found = method.losses(given)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    outputs = method.outputs(given)
    for name, branch in zip(("spatial", "temporal"), branches, strict=True):
        torch.testing.assert_close(outputs.branches[name], branch[2][2], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(outputs.embedding, torch.cat([branch[1][2] for branch in branches], dim=1))
    torch.testing.assert_close(outputs.logits, branches[0][2][2] + branches[1][2][2])
    learned = {name: each for name, each in method.named_parameters() if not name.startswith("encoder.")}
    ours = torch.autograd.grad(sum(found.values()), learned.values())
    plainly = torch.autograd.grad(sum(expected.values()), learned.values())
    for name, one, other in zip(learned, ours, plainly, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-14, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("count", [2, 4, 6])
def test_the_lowest_are_those_of_a_stable_sort(count: int) -> None:
    values = torch.randint(4, (3, 8, 5), generator=torch.Generator().manual_seed(count)).float()
    found = lowest(values, count)
    first = values.argsort(dim=1, stable=True)[:, :count]
    assert torch.equal(found, torch.zeros_like(values, dtype=torch.bool).scatter(1, first, True))


def test_the_encoder_learns_nothing() -> None:
    for norms, moves in (("evaluation", False), ("train", True)):
        method = build(encoder_norms=norms).train()
        sum(method.losses(batch()).values()).backward()
        assert all(each.grad is None for each in method.encoder.parameters())
        assert all(each.grad is not None for each in method.spatial.parameters())
        assert bool(method.encoder.norm.num_batches_tracked) == moves
        assert not method.encoder.training
        method.eval()
        assert not method.encoder.norm.training


def test_absent_persons_can_be_left_out() -> None:
    given = batch()
    given.clip[0, ..., 1] = 0
    given.clip[1] = 0
    alone = given._replace(clip=given.clip[:1, ..., :1])
    here, everywhere = build(present_only=True).eval(), build().eval()
    for method in (here, everywhere):
        nn.init.ones_(method.encoder.norm.bias)
    found = here.outputs(given).logits
    assert found.isfinite().all()
    torch.testing.assert_close(found[:1], everywhere.outputs(alone).logits)
    assert not torch.allclose(found[0], everywhere.outputs(given).logits[0])
    torch.testing.assert_close(found[2:], everywhere.outputs(given).logits[2:])


def test_networks_of_a_kind_start_equal_unless_asked_otherwise() -> None:
    alike, apart = build(), build(independent_init=True)
    for same, method in ((True, alike), (False, apart)):
        for networks in (method.spatial.update, method.temporal.memory, method.temporal.recall):
            assert torch.equal(networks[0].first.weight, networks[2].first.weight) == same
        assert torch.equal(method.spatial.update[0].second.weight, method.temporal.memory[1].second.weight) == same
        assert torch.equal(method.spatial.update[0].second.weight, method.temporal.recall[1].second.weight) == same
        assert not torch.equal(method.spatial.update[0].first.weight, method.temporal.update[0].first.weight)


def test_scores_are_products_with_the_vectors_of_classes() -> None:
    method = build(bank(sentences=4), scale=2.0).eval()
    outputs = method.outputs(batch())
    torch.testing.assert_close(2 * outputs.embedding @ method.class_vectors().mT, outputs.logits)
    torch.testing.assert_close(outputs.embedding.square().sum(dim=1), torch.full((4,), 2.0))


def test_recognition_needs_the_last_texts_only() -> None:
    whole = build(texts := bank())
    few = build(TextBank(texts.classes, {kind: texts.of(kind) for kind in (SPATIAL[2], TEMPORAL[2])}, {}, "few"))
    few.load_weights(whole.weights())
    torch.testing.assert_close(few.eval().outputs(batch()).logits, whole.eval().outputs(batch()).logits)
    assert not any("coarse" in name or name.removeprefix("texts.") == "temporal_12" for name in whole.weights())
    with pytest.raises(DataError, match="trains with texts 'spatial_coarse'"):
        few.losses(batch())


def test_it_learns_what_tells_seen_classes_apart() -> None:
    method = build(scale=10.0)
    labels = torch.tensor([0, 2, 3] * 4)
    clip = torch.rand(12, CHANNELS, 4, 7, 1, generator=torch.Generator().manual_seed(0))
    clip[torch.arange(12), labels] += 2
    given = Batch(clip, labels, labels)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.stack(list(method.losses(given).values())).sum()
        loss.backward()
        optimizer.step()
    seen = method.eval().outputs(given).logits[:, list(SPLIT.seen)].argmax(dim=1)
    assert loss < 1
    assert (torch.tensor(SPLIT.seen)[seen] == labels).float().mean() > 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prototypes": 6}, "prototypes must be a multiple of 4, got 6"),
        ({"prototypes": 0}, "prototypes must be a multiple of 4, got 0"),
        ({"windows": (0, 2)}, "windows must see at least 1 place"),
        ({"scale": 0.0}, "scale must be above 0"),
        ({"top_k": 0}, "top_k must be at least 1"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        build(**options)


def test_texts_of_other_classes() -> None:
    with pytest.raises(ShapeError, match="there are 4 classes, but texts of 5"):
        Neuron(Given(), 4, bank(), SPLIT, frames=4)
    with pytest.raises(DataError, match="no 'temporal_123'"):
        build(bank(kinds=SPATIAL))
