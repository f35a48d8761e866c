# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from bonefide.losses.info_nce import info_nce
from bonefide.losses.reversed_info_nce import reversed_info_nce


def _given(count: int = 5, others: int = 7) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    sizes = (count, count, others)
    return [F.normalize(torch.randn(size, 6, generator=generator, dtype=torch.float64), dim=1) for size in sizes]


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_both_are_their_formulas(temperature: float) -> None:
    anchors, own, others = _given()
    pulled = pushed = 0.0
    for a, p in zip(anchors, own, strict=True):
        near = math.exp(float(a @ p) / temperature)
        far = sum(math.exp(float(a @ q) / temperature) for q in others)
        pulled -= math.log(near / (near + far)) / len(anchors)
        pushed -= math.log(far / (near + far)) / len(anchors)
    assert info_nce(anchors, own, others, temperature=temperature).item() == pytest.approx(pulled)
    assert reversed_info_nce(anchors, own, others, temperature=temperature).item() == pytest.approx(pushed)


def test_one_pulls_and_the_other_pushes() -> None:
    anchors, own, others = _given()
    for loss, sign in ((info_nce, 1), (reversed_info_nce, -1)):
        moved = anchors.clone().requires_grad_()
        loss(moved, own, others).backward()
        assert moved.grad is not None
        before, after = ((each * own).sum() for each in (anchors, anchors - 0.01 * moved.grad))
        assert sign * (after - before) > 0


def test_nothing_overflows() -> None:
    one = torch.ones(1, 4)
    for loss in (info_nce, reversed_info_nce):
        assert loss(one, one, -one, temperature=1e-3).isfinite()
        assert loss(one, -one, one, temperature=1e-3).isfinite()
