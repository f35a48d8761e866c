# SPDX-License-Identifier: Apache-2.0
"""CTR-GCN: size and start as published; what the contracts and the golden numbers do not say."""

from __future__ import annotations

import math

import pytest
import torch
from plain_ctrgcn import PlainCTRGCN

from bonefide.conversion import ctrgcn as converter
from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised


@pytest.mark.parametrize(
    ("name", "persons", "classes", "published"),
    [("ntu25", 2, 60, 1_446_672), ("ntu25", 2, 120, 1_462_092), ("ucla20", 1, 10, 1_426_892)],
)
def test_as_many_parameters_as_published(name: str, persons: int, classes: int, published: int) -> None:
    method = Supervised(CTRGCN(layout(name), 3, persons=persons), classes)
    assert sum(each.numel() for each in method.parameters()) == published


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    skeleton = layout("ucla20")
    encoder = CTRGCN(skeleton, 3, persons=1)
    graphs = torch.tensor(skeleton.adjacency("spatial"), dtype=torch.float32)
    for block in encoder.blocks:
        assert torch.equal(block.spatial.graphs, graphs)
        assert block.spatial.alpha.item() == 0
        assert torch.all(block.spatial.norm.weight == 1e-6)
    # Kaiming by fan-out of one subset: 64 channels, not the 3 * 64 that are computed side by side.
    value = encoder.blocks[1].spatial.value
    assert value.weight.std().item() == pytest.approx(math.sqrt(2 / 64), rel=0.05)
    assert not value.bias.any()
    embed = encoder.blocks[9].spatial.embed
    assert embed.weight.std().item() == pytest.approx(math.sqrt(2 / 32), rel=0.05)


@pytest.mark.parametrize("width", [0, 4, 60])
def test_widths_that_do_not_divide(width: int) -> None:
    with pytest.raises(ShapeError, match="multiple of 8"):
        CTRGCN(layout("ucla20"), base_channels=width)


def test_a_clip_of_another_skeleton_names_what_fits() -> None:
    encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
    with pytest.raises(ShapeError, match=r"V=20, M=1\), got \(2, 3, 8, 25, 1\)"):
        encoder(torch.zeros(2, 3, 8, 25, 1))


@pytest.mark.parametrize("training", [True, False])
def test_values_and_gradients_are_those_of_the_formulas(training: bool) -> None:
    torch.manual_seed(0)
    skeleton = layout("ucla20")
    method = Supervised(CTRGCN(skeleton, 3, persons=2, base_channels=8), 5).double().train(training)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    graphs = torch.tensor(skeleton.adjacency("spatial"), dtype=torch.float64)
    plain = PlainCTRGCN(graphs, classes=5, base=8).double().train(training)
    plain.load_state_dict(converter.CTRGCN().to_official(method.state_dict()))
    clip = torch.randn(3, 3, 12, 20, 2, dtype=torch.float64)
    gradients = []
    for network in (lambda: method.head(method.encoder(clip).pooled), lambda: plain(clip)):
        clip.grad = None
        clip.requires_grad_()
        logits = network()
        (logits * torch.linspace(-1, 1, 5, dtype=torch.float64)).sum().backward()
        gradients.append((logits.detach(), clip.grad))
    torch.testing.assert_close(*gradients)
