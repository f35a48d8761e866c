# SPDX-License-Identifier: Apache-2.0
"""Temporal convolutions against their definition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bonefide.layers.temporal_conv import MultiScaleTemporalConv, TemporalConv, temporal_maximum


@pytest.mark.parametrize(("frames", "stride", "expected"), [(13, 1, 13), (13, 2, 7), (12, 2, 6), (1, 2, 1)])
def test_frames_are_halved_upwards(frames: int, stride: int, expected: int) -> None:
    x = torch.zeros(2, 8, frames, 5)
    assert TemporalConv(8, 16, kernel=5, stride=stride)(x).shape == (2, 16, expected, 5)
    assert MultiScaleTemporalConv(8, 16, stride=stride)(x).shape == (2, 16, expected, 5)


def test_it_looks_along_time_only_and_as_far_as_the_kernel() -> None:
    conv = TemporalConv(1, 1, kernel=5, dilation=2).eval()
    nn.init.ones_(conv.conv.weight)
    impulse = torch.zeros(1, 1, 21, 3)
    impulse[0, 0, 10, 1] = 1
    reached = conv(impulse)[0, 0].abs() > 1e-6
    assert reached[:, 1].nonzero().ravel().tolist() == [6, 8, 10, 12, 14]
    assert not reached[:, [0, 2]].any()


def test_branches_are_what_the_paper_says() -> None:
    """Two convolutions, a maximum, a projection, in this order; three begin with a rectified projection."""
    torch.manual_seed(0)
    layer = MultiScaleTemporalConv(8, 16).eval()
    x = torch.randn(2, 8, 9, 4)
    narrow = torch.relu(layer.project_norm(layer.project(x)))
    expected = [
        layer.convolutions[0](narrow[:, 0:4]),
        layer.convolutions[1](narrow[:, 4:8]),
        layer.maximum_norm(nn.functional.max_pool2d(narrow[:, 8:12], (3, 1), 1, (1, 0))),
        layer.plain(x),
    ]
    torch.testing.assert_close(layer(x), torch.cat(expected, 1))
    assert [conv.conv.dilation for conv in layer.convolutions] == [(1, 1), (2, 1)]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 2, 13])
def test_the_maximum_is_that_of_torch_and_so_is_its_gradient_among_equals(frames: int, stride: int) -> None:
    torch.manual_seed(0)
    whole = torch.randn(3, 8, frames, 5).relu().round().requires_grad_()
    x = whole.chunk(2, dim=1)[1]
    ours, theirs = temporal_maximum(x, stride=stride), nn.functional.max_pool2d(x, (3, 1), (stride, 1), (1, 0))
    assert torch.equal(ours, theirs)
    assert ours.is_contiguous()
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad(each, whole, weight)[0] for each in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (5, 1), (5, 2), (3, 4)])
@pytest.mark.parametrize("frames", [1, 2, 13, 16])
def test_frames_that_are_not_seen_may_be_left_out(kernel: int, dilation: int, frames: int) -> None:
    torch.manual_seed(0)
    layer = TemporalConv(4, 6, kernel=kernel, stride=2, dilation=dilation).double()
    x = torch.randn(2, 4, frames, 5, dtype=torch.float64, requires_grad=True)
    expected = layer.norm(layer.conv(x)) if frames > 2 else layer.eval().norm(layer.conv(x))
    ours = layer(x)
    torch.testing.assert_close(ours, expected)
    weight = torch.randn_like(ours)
    for one, other in zip(
        *(torch.autograd.grad(each, (x, layer.conv.weight), weight) for each in (ours, expected)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_all_projections_at_once_are_those_one_by_one() -> None:
    torch.manual_seed(0)
    layer = MultiScaleTemporalConv(8, 16).double()
    x = torch.randn(3, 8, 9, 4, dtype=torch.float64)
    narrow = torch.relu(layer.project_norm(layer.project(x))).chunk(3, dim=1)
    convolved = [conv(each) for conv, each in zip(layer.convolutions, narrow, strict=False)]
    pooled = layer.maximum_norm(nn.functional.max_pool2d(narrow[2], (3, 1), 1, (1, 0)))
    expected = torch.cat([*convolved, pooled, layer.plain(x)], dim=1)
    ours = layer(x)
    torch.testing.assert_close(ours, expected)
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad((each * weight).sum(), list(layer.parameters())) for each in (ours, expected)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-7)
