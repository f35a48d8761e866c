# SPDX-License-Identifier: Apache-2.0
"""CSRE around encoders: its losses, what is left of it at test time, and in files."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from bonefide.config.build import encoder as build_encoder
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods._method import Method
from bonefide.methods.csre import CSRE
from bonefide.methods.supervised import Supervised
from bonefide.types import Batch

FRAMES, CLASSES, COUNT, PERSONS = 16, 3, 9, 2
LABELS = np.arange(COUNT) % CLASSES
SMALL: dict[str, dict[str, Any]] = {
    "agcn": {"base_channels": 8},
    "blockgcn": {"base_channels": 8},
    "ctrgcn": {"base_channels": 8},
    "hcn": {"base_channels": 8, "dropout": 0.0},
    "hyperformer": {"heads": 1},
    "shiftgcn": {"base_channels": 8},
    "stgcn": {"base_channels": 8},
}
"""Encoders that are as small as can be."""


def csre(name: str = "ctrgcn", *, encoder: dict[str, Any] | None = None, **options: Any) -> CSRE:
    torch.manual_seed(0)
    made = build_encoder(
        name, layout=layout("ucla20"), persons=PERSONS, frames=FRAMES, options=SMALL[name] | (encoder or {})
    )
    settings: dict[str, Any] = {"frames": FRAMES, "train_labels": LABELS, "positives": 2, "negatives": 4, "width": 12}
    return CSRE(made, CLASSES, **settings | options)


def batch(*, persons: int = PERSONS) -> Batch:
    clip = torch.randn(COUNT, 3, FRAMES, 20, PERSONS, generator=torch.Generator().manual_seed(1))
    clip[..., persons:] = 0
    return Batch(clip, torch.from_numpy(LABELS), torch.arange(COUNT), joints=clip)


def losses_of(method: Method, given: Batch) -> dict[str, float]:
    return {name: value.item() for name, value in method.losses(given).items()}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_it_takes_any_encoder(name: str) -> None:
    method = csre(name)
    losses = method.losses(batch())
    assert list(losses) == ["cross_entropy", "spatial", "temporal"]
    (losses["spatial"] + losses["temporal"]).backward()
    missing = [key for key, value in method.decomposition.named_parameters() if value.grad is None]
    assert not missing
    reached = [key for key, value in method.encoder.named_parameters() if value.grad is not None and value.grad.any()]
    assert reached, "the contrast trains the encoder"
    assert method.head.weight.grad is None, "and not the head"


def test_hcn_by_its_points() -> None:
    assert csre("hcn", encoder={"tap": "points"}).decomposition.project_spatial.in_features == 16 // 8 * 20
    assert csre("hcn").decomposition.project_spatial.in_features == 32 // 8 * 1
    assert losses_of(csre("hcn", encoder={"tap": "points"}), batch())["spatial"] > 0


def test_sizes_follow_the_map() -> None:
    """52 frames become 13, which the official code cannot."""
    encoder = build_encoder("hyperformer", layout=layout("ucla20"), persons=1)
    method = CSRE(encoder, 10, frames=52, train_labels=np.arange(10))
    assert method.decomposition.project_temporal.in_features == 27 * 13
    assert method.decomposition.project_spatial.in_features == 27 * 20
    assert sum(each.numel() for each in method.parameters()) == 2_936_080
    assert sum(each.numel() for each in method.decomposition.parameters()) == 240_326


def test_the_objective_is_cross_entropy_and_weighted_contrast() -> None:
    plain, halves, ones = (
        csre(branch_weights=weights, label_smoothing=0.1 if weights == (1, 1) else 0.0)
        for weights in ((0, 0), (0.5, 0.5), (1, 1))
    )
    found = [losses_of(each, batch()) for each in (plain, halves, ones)]
    assert found[0]["spatial"] == found[0]["temporal"] == 0
    assert found[2]["spatial"] == pytest.approx(2 * found[1]["spatial"])
    assert found[2]["temporal"] == pytest.approx(2 * found[1]["temporal"])
    assert found[1]["spatial"] != found[1]["temporal"]
    features = halves.encoder(batch().clip)
    logits = halves.head(features.pooled)
    assert found[1]["cross_entropy"] == pytest.approx(F.cross_entropy(logits, batch().label).item())
    smooth = F.cross_entropy(logits, batch().label, label_smoothing=0.1)
    assert found[2]["cross_entropy"] == pytest.approx(smooth.item())


def test_without_its_weights_it_trains_as_plain_recognition() -> None:
    """The same start and the same steps: what CSRE adds draws nothing from the generator that others use."""
    with_it = csre(branch_weights=(0, 0), dropout=0.3)
    torch.manual_seed(0)
    encoder = build_encoder("ctrgcn", layout=layout("ucla20"), persons=PERSONS, options=SMALL["ctrgcn"])
    plain = Supervised(encoder, CLASSES, dropout=0.3)
    for method in (with_it, plain):
        torch.manual_seed(3)
        optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            torch.stack(list(method.losses(batch()).values())).sum().backward()
            optimizer.step()
    assert with_it.weights().keys() == plain.state_dict().keys()
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in with_it.weights().items())


def test_nothing_of_it_is_left_at_test_time() -> None:
    method = csre()
    method.losses(batch())
    method.eval()
    before = copy.deepcopy(method.memory.state_dict())
    assert list(method.losses(batch())) == ["cross_entropy"]
    assert all(torch.equal(value, before[name]) for name, value in method.memory.state_dict().items())
    plain = Supervised(copy.deepcopy(method.encoder), CLASSES).eval()
    plain.load_state_dict(method.weights(), strict=True)
    with torch.inference_mode():
        ours, theirs = method.outputs(batch()), plain.outputs(batch())
    assert torch.equal(ours.logits, theirs.logits)
    assert ours.branches is None
    assert ours.embedding is None


def test_weights_go_in_without_the_memory() -> None:
    first, second = csre(), csre(seed=3)
    first.losses(batch())
    kept = copy.deepcopy(second.memory.state_dict())
    second.load_weights({name: value + 1 for name, value in first.weights().items()})
    assert all(torch.equal(value, kept[name]) for name, value in second.memory.state_dict().items())
    assert torch.equal(second.head.weight, first.head.weight + 1)
    incomplete = first.weights()
    del incomplete["head.bias"]
    with pytest.raises(RuntimeError, match=r"head\.bias"):
        second.load_weights(incomplete)
    with pytest.raises(RuntimeError, match="strange"):
        second.load_weights(first.weights() | {"strange": torch.zeros(1)})


def test_a_whole_state_is_all_it_needs_to_go_on() -> None:
    first = csre()
    first.losses(batch())
    second = csre(seed=5)
    second.load_state_dict(first.state_dict(), strict=True)
    assert losses_of(first, batch()) == losses_of(second, batch())
    assert losses_of(first, batch())["spatial"] > 0


def test_copies_are_independent() -> None:
    method = csre()
    twin = copy.deepcopy(method)
    assert losses_of(method, batch()) == losses_of(twin, batch())
    assert twin.memory.spatial.data_ptr() != method.memory.spatial.data_ptr()


def test_autocast_leaves_the_contrast_in_float32() -> None:
    exact, mixed = csre(), csre()
    expected = losses_of(exact, batch())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = mixed.losses(batch())
        torch.stack(list(losses.values())).sum().backward()
    assert losses["spatial"].dtype == torch.float32
    assert mixed.memory.spatial.dtype == torch.float32
    for name, value in losses.items():
        assert value.item() == pytest.approx(expected[name], rel=0.02)
    gradients = [each.grad for each in mixed.parameters() if each.grad is not None]
    assert gradients
    assert all(each.isfinite().all() for each in gradients)


def test_empty_persons_can_be_masked() -> None:
    """Averaged over who is there, one person is as good as two alike."""
    two, one = batch(), batch(persons=1)
    two.clip[..., 1] = two.clip[..., 0]
    for masked in (False, True):
        vectors = []
        for given in (two, one):
            method = csre("hcn", mask_empty_persons=masked).train()
            method.losses(given)
            vectors.append(method.memory.spatial.clone())
        assert torch.allclose(*vectors, atol=1e-5) == masked
    nobody = batch(persons=0)
    assert all(np.isfinite(list(losses_of(csre("hcn", mask_empty_persons=True), nobody).values())))


def test_the_seed_is_torchs_unless_given() -> None:
    assert csre().memory.seed == csre().memory.seed == torch.initial_seed()
    assert csre(seed=7).memory.seed == 7
    assert losses_of(csre(seed=7), batch())["spatial"] != losses_of(csre(seed=8), batch())["spatial"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": None}, "needs frames"),
        ({"train_labels": None}, "needs frames, the clip length, and train_labels"),
        ({"train_labels": np.zeros((2, 2), int)}, "train_labels must be integers"),
        ({"train_labels": np.zeros(3)}, "train_labels must be integers"),
        ({"train_labels": np.zeros(0, int)}, "train_labels must be integers"),
        ({"train_labels": np.array([0, 3])}, "below 3 classes, got 0 to 3"),
        ({"train_labels": np.array([-1, 2])}, "below 3 classes, got -1 to 2"),
        ({"branch_weights": (0.5, -1)}, "branch_weights must be at least 0"),
        ({"width": 0}, "width must be at least 1"),
        ({"reduction": 0}, "reduction must be from 1 to the 32 channels"),
        ({"reduction": 33}, "reduction must be from 1 to the 32 channels"),
        ({"positives": 0}, "positives must be at least 1"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        csre(**options)
