# SPDX-License-Identifier: Apache-2.0
"""CTR-GCN: size and start as published; what the contracts and the golden numbers do not say."""

from __future__ import annotations

import math

import pytest
import torch

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
