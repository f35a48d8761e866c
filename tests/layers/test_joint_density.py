# SPDX-License-Identifier: Apache-2.0
"""The density of joints against its formulas, term by term, and what follows from them."""

from __future__ import annotations

import math
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.layers.joint_density import JointDensity, density_change, joint_density

Variant = Literal["code", "paper"]


def made(variant: Variant = "code", *, joints: int = 6, learned: bool = True) -> JointDensity:
    """Nothing at its start, in float64."""
    torch.manual_seed(0)
    density = JointDensity(5, joints, channels=4, variant=variant, learned=learned).double()
    with torch.no_grad():
        for name in ("widths", "channel_weights", "joint_weights"):
            if hasattr(density, name):
                getattr(density, name).add_(0.3 * torch.rand_like(getattr(density, name)))
    return density


def features(*, joints: int = 6) -> Tensor:
    return torch.randn(2, 3, joints, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_the_formulas(density: JointDensity, x: Tensor) -> Tensor:
    """Each sum, product and index as it is written."""
    y = F.conv1d(x.flatten(0, 1).mT, density.weight, density.bias, padding=1).mT.view(*x.shape[:3], 4)
    found = torch.zeros(x.shape[:3], dtype=x.dtype)
    joints = x.shape[2]
    for i in range(joints):
        for j in range(joints):
            if density.variant == "code":
                h = density.widths
                kernel = density.channel_weights / h[i] * torch.exp(-0.5 * ((y[..., j, :] - y[..., i, :]) / h[j]) ** 2)
                found[..., i] += density.joint_weights[j] * kernel.prod(-1)
            else:
                width = density.widths[j].exp()
                kernel = torch.exp(-0.5 * ((y[..., j, :] - y[..., i, :]) / width) ** 2) / width
                found[..., i] += kernel.prod(-1) / joints
    return found * (2 * math.pi) ** -2


@pytest.mark.parametrize("variant", ["code", "paper"])
def test_values_and_gradients_are_those_of_the_formulas(variant: Variant) -> None:
    density, x = made(variant), features()
    expected, found = by_the_formulas(density, x), density.density(x)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    weights = torch.cos(torch.arange(found.numel(), dtype=x.dtype)).view_as(found)
    theirs = torch.autograd.grad((expected * weights).sum(), list(density.parameters()))
    ours = torch.autograd.grad((found * weights).sum(), list(density.parameters()))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert torch.equal(density(x), density_change(found))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.floats(-50, 50), st.integers(0, 10_000))
def test_where_the_origin_is_does_not_matter(joints: int, shift: float, seed: int) -> None:
    y = torch.randn(2, joints, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    widths = torch.full((joints, 3), 0.7, dtype=torch.float64)
    torch.testing.assert_close(joint_density(y + shift, widths=widths), joint_density(y, widths=widths))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10_000))
def test_joints_that_change_places_change_densities(joints: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    y = torch.randn(joints, 3, dtype=torch.float64, generator=generator)
    widths = torch.ones(joints, 3, dtype=torch.float64)
    order = torch.randperm(joints, generator=generator)
    torch.testing.assert_close(joint_density(y[order], widths=widths), joint_density(y, widths=widths)[order])


def test_the_nearer_the_others_the_denser() -> None:
    y = torch.tensor([[0.0], [0.1], [3.0]])
    near, middle, far = joint_density(y, widths=torch.ones(3, 1)).tolist()
    assert near > far < middle


def test_an_absent_person_does_not_change() -> None:
    change = JointDensity(12, 25)(torch.zeros(3, 8, 25, 12))
    assert not change.any()
    moving = torch.randn(1, 8, 25, 12)
    assert JointDensity(12, 25)(moving)[:, 1:].all()
    assert not JointDensity(12, 25)(moving)[:, 0].any()


def test_half_precision_is_not_used_for_it() -> None:
    density, x = JointDensity(5, 6), features().float()
    exact = density(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(density(x), exact)
    torch.testing.assert_close(density(x.bfloat16()), density(x.bfloat16().float()))


def test_not_learned_it_has_nothing_to_train_but_keeps_it_in_files() -> None:
    learned, kept = made(), made(learned=False)
    assert not list(kept.parameters())
    assert kept.state_dict().keys() == learned.state_dict().keys()
    kept.load_state_dict(learned.state_dict())
    assert torch.equal(kept(features()), learned(features()))


def test_it_starts_as_published() -> None:
    density = JointDensity(12, 25)
    assert torch.equal(density.widths, torch.ones(25, 16))
    assert torch.equal(density.channel_weights, torch.ones(16))
    assert torch.equal(density.joint_weights, torch.ones(25))
    assert density.weight.shape == (16, 12, 3)
    assert 0.15 < density.weight.abs().max() <= 1 / 6
    assert not JointDensity(12, 25, variant="paper").widths.any()


@pytest.mark.parametrize("sizes", [(0, 25, 16), (12, 0, 16), (12, 25, 0)])
def test_sizes_that_are_none(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match="must be at least 1"):
        JointDensity(sizes[0], sizes[1], channels=sizes[2])


@pytest.mark.parametrize("shape", [(2, 3, 5, 5), (2, 3, 6, 4), (3, 6, 5)])
def test_features_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"built for features \(B, T, V=6, 5\)"):
        made()(torch.zeros(shape, dtype=torch.float64))
