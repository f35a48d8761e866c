# SPDX-License-Identifier: Apache-2.0
"""HCN: size and start; equal to the plain formulas; what the contracts and golden numbers do not say."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from plain_hcn import PlainHCN
from torch import nn

from bonefide.conversion import hcn
from bonefide.encoders.hcn import HCN
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

converter = hcn.HCN()


def _pair(frames: int, persons: int, *, base: int = 8) -> tuple[PlainHCN, Supervised]:
    """The formulas and the method with the same weights in float64."""
    torch.manual_seed(0)
    encoder = HCN(layout("ucla20"), 3, frames=frames, persons=persons, base_channels=base, dropout=0.0)
    method = Supervised(encoder, 5).double()
    with torch.no_grad():
        for key, each in method.named_parameters():
            if key.endswith("bias"):
                each.uniform_(-0.2, 0.2)
    plain = PlainHCN(20, frames=frames, width=base, classes=5, dropout=0.0).double()
    plain.load_state_dict(converter.to_official(method.state_dict()))
    return plain, method


@pytest.mark.parametrize(
    ("name", "frames", "persons", "classes", "published"),
    [
        ("ntu25", None, 2, 60, 2_647_868),
        ("ntu25", 32, 2, 60, 1_062_652),
        ("ntu25", 64, 2, 120, 2_678_648),
        ("ucla20", 32, 1, 10, 1_034_122),
        ("ucla20", 64, 1, 10, 2_619_338),
    ],
)
def test_as_many_parameters_as_published(
    name: str, frames: int | None, persons: int, classes: int, published: int
) -> None:
    method = Supervised(HCN(layout(name), 3, frames=frames, persons=persons), classes)
    assert sum(each.numel() for each in method.parameters()) == published


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("frames", "persons"), [(16, 1), (32, 2), (48, 3)])
def test_equal_to_the_formulas(frames: int, persons: int, training: bool) -> None:
    plain, method = (each.train(training) for each in _pair(frames, persons))
    clip = torch.randn(3, 3, frames, 20, persons, dtype=torch.float64, requires_grad=True)
    gradients = []
    for logits in (method.head(method.encoder(clip).pooled), plain(clip)):
        clip.grad = None
        (logits * torch.cos(0.2 * torch.arange(15).view(3, 5))).sum().backward()
        gradients.append(clip.grad)
    torch.testing.assert_close(method.encoder(clip).map, plain.map(clip), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(method.encoder(clip).pooled, plain.pooled(clip), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)
    ours = converter.to_official({key: each.grad for key, each in method.named_parameters()})
    for key, each in plain.named_parameters():
        torch.testing.assert_close(ours[key], each.grad, rtol=1e-9, atol=1e-12, msg=key)


def test_absent_persons_are_computed_once_in_training_too() -> None:
    plain, method = (each.train() for each in _pair(16, 2))
    clip = torch.randn(4, 3, 16, 20, 2, dtype=torch.float64)
    clip[1:, ..., 1] = 0
    computed: list[int] = []
    method.encoder.position.temporal.register_forward_hook(lambda *of: computed.append(len(of[-1])))
    for logits in (method.head(method.encoder(clip).pooled), plain(clip)):
        (logits * torch.cos(0.2 * torch.arange(20).view(4, 5))).sum().backward()
    assert computed == [6], "of four clips the first persons, one second person and one who is absent"
    ours = converter.to_official({key: each.grad for key, each in method.named_parameters()})
    for key, each in plain.named_parameters():
        torch.testing.assert_close(ours[key], each.grad, rtol=1e-9, atol=1e-12, msg=key)


def test_absent_persons_lose_channels_of_their_own() -> None:
    torch.manual_seed(0)
    encoder = HCN(layout("ucla20"), 3, frames=16, persons=2, base_channels=8).train()
    for each in encoder.parameters():
        torch.nn.init.normal_(each, 0, 0.1)
    clip = torch.zeros(3, 3, 16, 20, 2)
    assert len(encoder(clip).map.flatten(2).flatten(0, 1).unique(dim=0)) == 6


def test_two_equal_persons_share_the_gradient() -> None:
    """As of one person seen twice, which is what NTU RGB+D 120 stores for one."""
    plain, method = _pair(16, 2)
    one = torch.randn(2, 3, 16, 20, 1, dtype=torch.float64)
    gradients = []
    for network in (method, plain):
        clip = one.repeat(1, 1, 1, 1, 2).requires_grad_()
        pooled = network.encoder(clip).pooled if network is method else network.pooled(clip)
        pooled.sum().backward()
        gradients.append(clip.grad)
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)
    assert torch.equal(gradients[0][..., 0], gradients[0][..., 1])


def test_dropout_falls_on_whole_channels_and_on_the_pooled() -> None:
    torch.manual_seed(0)
    encoder = HCN(layout("ucla20"), frames=32, persons=1, base_channels=16, dropout=0.25)
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.bias, 1.0)
    clip = torch.randn(40, 3, 32, 20, 1)
    features = encoder.eval()(clip)
    dropped = encoder.train()(clip)
    empty = (dropped.map == 0).flatten(3).all(dim=-1)
    assert (features.map == 0).flatten(3).all(dim=-1).float().mean() < 0.2
    assert empty.float().mean().item() > 0.22
    pooled_zero, before = (dropped.pooled == 0).float().mean(), (features.pooled == 0).float().mean()
    assert pooled_zero - before > 0.05
    still = HCN(layout("ucla20"), frames=32, persons=1, base_channels=16, dropout=0.0).train()
    assert torch.equal(still(clip).pooled, still(clip).pooled)


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    encoder = HCN(layout("ntu25"))
    assert not any(each.bias.any() for each in encoder.modules() if isinstance(each, nn.Conv2d | nn.Linear))
    bound = math.sqrt(6 / (9 * 128 + 9 * 256))
    weight = encoder.fusion[1].weight
    assert 0.99 * bound < weight.abs().max().item() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_the_map_may_be_what_still_has_joints() -> None:
    torch.manual_seed(0)
    last = HCN(layout("ucla20"), frames=32, base_channels=8).eval()
    torch.manual_seed(0)
    points = HCN(layout("ucla20"), frames=32, base_channels=8, tap="points").eval()
    clip = torch.randn(2, 3, 32, 20, 2)
    assert torch.equal(points(clip).pooled, last(clip).pooled)
    assert (points.map_axis, last.map_axis) == ("joint", "coordinate")
    assert points(clip).map.shape == (2, 2, *points.map_size(32)) == (2, 2, 32, 32, 20)
    plain = PlainHCN(20, frames=32, width=8, classes=3).eval()
    head = {"head.weight": torch.zeros(3, 512), "head.bias": torch.zeros(3)}
    plain.load_state_dict(
        converter.to_official({f"encoder.{key}": each for key, each in points.state_dict().items()} | head)
    )
    torch.testing.assert_close(points(clip).map[:, 1], plain.conv2(plain.conv1(clip[..., 1])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 52}, "frames must be a multiple of 16 .*, got 52"),
        ({"frames": 0}, "got 0"),
        ({"base_channels": 7}, "base_channels must be a positive multiple of 2, got 7"),
        ({"base_channels": 0}, "got 0"),
        ({"pooled_channels": 0}, "pooled_channels must be at least 1, got 0"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1, got 1.0"),
        ({"dropout": -0.5}, "got -0.5"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        HCN(layout("ucla20"), **options)


def test_other_lengths_are_refused() -> None:
    encoder = HCN(layout("ucla20"), frames=32, persons=1, base_channels=2)
    with pytest.raises(ShapeError, match="built for clips of 32 frames, got 64"):
        encoder.map_size(64)
    with pytest.raises(ShapeError, match=r"T=32, V=20, M=1\), got \(2, 3, 64, 20, 1\)"):
        encoder(torch.zeros(2, 3, 64, 20, 1))


def test_it_compiles_whole_and_exports_with_any_batch() -> None:
    torch.manual_seed(0)
    encoder = HCN(layout("ucla20"), frames=16, base_channels=4).eval()
    clip = torch.randn(5, 3, 16, 20, 2)
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(clip).pooled, encoder(clip).pooled, rtol=1e-4, atol=1e-6)
    program = torch.export.export(encoder, (clip[:2],), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for count in (1, 5):
        found = program.module()(clip[:count])
        torch.testing.assert_close(found.pooled, encoder(clip[:count]).pooled, rtol=1e-4, atol=1e-6)
    compiled.train()(clip).pooled.sum().backward()
    assert all(each.grad is not None for each in encoder.parameters())
