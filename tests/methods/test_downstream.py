# SPDX-License-Identifier: Apache-2.0
"""What follows a pre-training: linear evaluation and fine-tuning."""

from __future__ import annotations

import pytest
import torch

from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.encoders.hcn import HCN
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.finetune import Finetune
from bonefide.methods.linear_probe import LinearProbe
from bonefide.types import Batch

UCLA = layout("ucla20")


def batch() -> Batch:
    clip = torch.randn(6, 3, 16, 20, 2, generator=torch.Generator().manual_seed(0))
    return Batch(clip, torch.arange(6) % 3, torch.arange(6))


def transformer() -> MaskedTransformer:
    torch.manual_seed(0)
    return MaskedTransformer(UCLA, 3, frames=16, width=16, depth=3, heads=2)


def test_a_probed_encoder_stays_as_it_is_in_training_too() -> None:
    torch.manual_seed(0)
    method = LinearProbe(CTRGCN(UCLA, 3, persons=2, base_channels=8), 3)
    method.train()
    assert method.training
    assert not any(module.training for module in method.encoder.modules())
    before = {name: value.clone() for name, value in method.encoder.state_dict().items()}
    method.requires_grad_(True)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = method.losses(batch())["cross_entropy"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(before[name], value) for name, value in method.encoder.state_dict().items())


def test_features_are_normalised_before_they_are_probed_or_not() -> None:
    method = LinearProbe(transformer(), 3)
    with torch.no_grad():
        method.head.weight.copy_(torch.eye(3, 16))
        scaled = method.train().outputs(batch()).logits
        plain = LinearProbe(transformer(), 3, batch_norm=False)
        plain.head.load_state_dict(method.head.state_dict())
        raw = plain.outputs(batch()).logits
    assert scaled is not None
    assert raw is not None
    assert scaled.mean(dim=0).abs().max() < 1e-5
    assert scaled.std(dim=0, correction=0).allclose(torch.ones(3), atol=1e-3)
    assert raw.allclose(method.encoder(batch().clip).pooled[:, :3])


def test_joints_are_told_apart_and_persons_are_averaged() -> None:
    method = Finetune(transformer(), 3, frames=16, hidden=8).eval()
    exchanged = batch()._replace(clip=batch().clip.flip(4))
    first, second = (method.outputs(each).logits for each in (batch(), exchanged))
    assert first is not None
    assert second is not None
    assert first.allclose(second, atol=1e-5)
    features = method.encoder(batch().clip).map
    expected = method.head(features.mean(dim=3).mT.flatten(2).mean(dim=1))
    assert first.allclose(expected, atol=1e-5)


def test_layers_learn_more_slowly_the_earlier_they_are() -> None:
    method = Finetune(transformer(), 3, frames=16, hidden=8, layer_decay=0.5)
    scales = {name: group.lr_scale for group in method.parameter_groups() for name in group.names}
    assert {scales[name] for name in scales if ".position." in name or ".embed." in name} == {0.5**4}
    for block in range(3):
        assert {scales[name] for name in scales if f".blocks.{block}." in name} == {0.5 ** (3 - block)}
    assert {scales[name] for name in scales if name.startswith(("encoder.stack.norm.", "head."))} == {1.0}
    spared = {name for group in method.parameter_groups() if group.weight_decay == 0 for name in group.names}
    assert spared == {name for name, each in method.named_parameters() if each.ndim == 1}


def test_any_encoder_can_be_tuned_where_all_layers_learn_alike() -> None:
    encoder = HCN(UCLA, 3, frames=16, persons=2, base_channels=8)
    method = Finetune(encoder, 3, frames=16, hidden=8, layer_decay=1)
    assert {group.lr_scale for group in method.parameter_groups()} == {1.0}
    assert method.losses(batch())["cross_entropy"].isfinite()
    with pytest.raises(ShapeError, match=r"layer_decay 0.8 needs an encoder with blocks, HCN has none; give 1"):
        Finetune(encoder, 3, frames=16)


def test_dropout_acts_in_training_only() -> None:
    method = Finetune(transformer(), 3, frames=16, hidden=8, dropout=0.5)
    torch.manual_seed(0)
    seen = [method.train(mode).losses(batch())["cross_entropy"].item() for mode in (True, True, False, False)]
    assert seen[0] != seen[1]
    assert seen[2] == seen[3]


def test_refuses_what_cannot_be() -> None:
    for options, told in (
        ({"frames": None}, "needs frames, the clip length"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"layer_decay": 0}, r"layer_decay in \(0, 1\]"),
        ({"dropout": 1}, r"in \[0, 1\), got 1"),
        ({"label_smoothing": -0.1}, r"in \[0, 1\)"),
    ):
        with pytest.raises(ShapeError, match=told):
            Finetune(transformer(), 3, **{"frames": 16, **options})  # type: ignore[arg-type]
