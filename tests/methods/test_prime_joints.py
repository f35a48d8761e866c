# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from bonefide.errors import ShapeError
from bonefide.methods._prime_joints import hard_mask, pool_parts, prime_score, soft_mask, stretch


def _change() -> torch.Tensor:
    change = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0))
    change[:, 0] = 0
    change[2] = 0
    return change


def test_who_is_absent_and_the_first_step_have_no_prime_joints() -> None:
    score = prime_score(_change())
    assert score[:2].amax(dim=(1, 2)).tolist() == pytest.approx([1, 1])
    for options in ({}, {"top_k": 2}, {"quantile": 0.5}):
        mask = hard_mask(score, **options)  # type: ignore[arg-type]
        assert not mask[:, 0].any()
        assert not mask[2].any()
        assert mask[:2, 1:].any(dim=2).any(dim=1).all()


def test_prime_joints_are_above_the_mean_or_the_first_or_above_a_quantile() -> None:
    score = prime_score(_change())
    assert torch.equal(hard_mask(score), score > score.mean(dim=2, keepdim=True))
    two = hard_mask(score, top_k=2)[:2, 1:]
    assert (two.sum(dim=2) == 2).all()
    assert (score[:2, 1:].masked_fill(~two, 9).amin(dim=2) > score[:2, 1:].masked_fill(two, 0).amax(dim=2)).all()
    equal = hard_mask(torch.ones(1, 1, 4), top_k=2)
    assert equal.flatten().tolist() == [True, True, False, False]
    assert hard_mask(score, quantile=0.75)[0].sum().item() == 6


def test_soft_shares_add_up_and_sharpen() -> None:
    score = prime_score(_change())
    soft, sharp = soft_mask(score), soft_mask(score, temperature=0.01)
    assert soft.sum(dim=2).allclose(torch.ones(3, 4))
    assert soft[2].allclose(torch.full((4, 6), 1 / 6))
    assert (sharp.amax(dim=2)[:2, 1:] > soft.amax(dim=2)[:2, 1:]).all()


def test_pooling_parts_is_two_weighted_means() -> None:
    features, mask = torch.rand(2, 5, 4, 6), torch.zeros(2, 4, 6)
    mask[:, 1:3, 2] = 1
    prime, others = pool_parts(features, mask)
    assert prime.allclose(features[:, :, 1:3, 2].mean(dim=2), atol=1e-5)
    assert others.allclose((features.sum(dim=(2, 3)) - features[:, :, 1:3, 2].sum(dim=2)) / 22, atol=1e-5)
    assert not pool_parts(features, torch.zeros(2, 4, 6))[0].any()


def test_stretching_keeps_the_ends_and_blends_between() -> None:
    mask = torch.tensor([[[0.0], [1.0], [0.0]]])
    assert stretch(mask, 5).flatten().tolist() == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_refuses_what_cannot_be() -> None:
    score = prime_score(_change())
    for options, told in (
        ({"top_k": 2, "quantile": 0.5}, "not by both"),
        ({"top_k": 7}, "from 1 to the 6 joints, got 7"),
        ({"quantile": 1.0}, r"from 0 to below 1, got 1\.0"),
    ):
        with pytest.raises(ShapeError, match=told):
            hard_mask(score, **options)  # type: ignore[arg-type]
