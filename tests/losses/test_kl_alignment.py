# SPDX-License-Identifier: Apache-2.0
"""PGFA's loss and its variants, against their formulas written out; values of the official code are golden checks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bonefide.errors import ShapeError
from bonefide.losses.kl_alignment import Alignment, kl_alignment

LABEL = torch.tensor([0, 1, 0, 2])


def features(seed: int = 0) -> Tensor:
    return torch.randn(4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain(logits: Tensor) -> float:
    """Sums over pairs, one by one."""
    total = 0.0
    for way in (logits, logits.T):
        for row in range(4):
            weights = [math.exp(10.0 * (LABEL[row] == LABEL[column])) for column in range(4)]
            target = [weight / sum(weights) for weight in weights]
            found = way[row].softmax(0)
            total += sum(p * math.log(p / float(found[column])) for column, p in enumerate(target)) / 4
    return total / 2


def cosines(first: Tensor, second: Tensor) -> Tensor:
    return first @ second.T / first.norm(dim=1)[:, None] / second.norm(dim=1)


def test_soft_targets_both_ways() -> None:
    found = kl_alignment(features(), features(1), LABEL, scale=7.0)
    assert float(found) == pytest.approx(plain(7 * cosines(features(), features(1))), rel=1e-9)


def test_margins_hold_only_where_classes_are_the_same() -> None:
    same = LABEL[:, None] == LABEL
    cosine = cosines(features(), features(1))
    clamped = torch.where(same, cosine.clamp(max=0.7), cosine)
    found = kl_alignment(features(), features(1), LABEL, scale=7.0, loss="kl+margin", margin=0.3)
    assert float(found) == pytest.approx(plain(7 * clamped), rel=1e-9)
    angles = torch.arccos(cosine)
    # Twice the angle, carried on downwards beyond a right one.
    wider = torch.where(angles > math.pi / 2, -torch.cos(2 * angles) - 2, torch.cos(2 * angles))
    found = kl_alignment(features(), features(1), LABEL, scale=7.0, loss="kl+sphereface", margin=2.0)
    assert float(found) == pytest.approx(plain(7 * torch.where(same, wider, cosine)), rel=1e-9)
    unchanged = kl_alignment(features(), features(1), LABEL, scale=7.0, loss="kl+sphereface", margin=1.0)
    assert float(unchanged) == pytest.approx(plain(7 * cosine), rel=1e-6)


@pytest.mark.parametrize("loss", ["klv2", "kl+mse", "kl+kd"])
def test_second_parts_are_weighed(loss: Alignment) -> None:
    none, one, two = (
        kl_alignment(features(), features(1), LABEL, loss=loss, weight=weight) for weight in (0.0, 1.0, 2.0)
    )
    assert none.allclose(kl_alignment(features(), features(1), LABEL))
    assert (two - none).allclose(2 * (one - none))
    assert one > none


def test_gradients_reach_features_and_scale() -> None:
    inputs = features().requires_grad_()
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, s: kl_alignment(x, features(1), LABEL, scale=s), (inputs, scale))


def test_perfect_features_of_the_sphere_have_finite_gradients() -> None:
    inputs = torch.eye(4).requires_grad_()
    kl_alignment(inputs, torch.eye(4), torch.arange(4), loss="kl+sphereface", margin=2.0).backward()
    assert inputs.grad is not None
    assert inputs.grad.isfinite().all()


def test_a_margin_too_small_for_the_sphere() -> None:
    with pytest.raises(ShapeError, match=r"must be at least 1, got 0\.5"):
        kl_alignment(features(), features(1), LABEL, loss="kl+sphereface", margin=0.5)
