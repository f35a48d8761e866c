# SPDX-License-Identifier: Apache-2.0
"""Error on hidden tokens: what counts, and what does not."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.losses.masked_regression import masked_regression


def made(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    predicted, target = torch.randn(2, 3, 7, 12, generator=generator, dtype=torch.float64)
    hidden = torch.rand(3, 7, generator=generator) < 0.5
    hidden[0, 0] = True
    return predicted, target, hidden


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_visible_tokens_do_not_count(seed: int) -> None:
    predicted, target, hidden = made(seed)
    other = torch.where(hidden.unsqueeze(-1), predicted, 1e3)
    assert torch.equal(masked_regression(other, target, hidden), masked_regression(predicted, target, hidden))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 100), st.floats(-10, 10))
def test_scale_and_origin_of_a_normalised_target_do_not_count(seed: int, scale: float, shift: float) -> None:
    predicted, target, hidden = made(seed)
    torch.testing.assert_close(
        masked_regression(predicted, scale * target + shift, hidden),
        masked_regression(predicted, target, hidden),
        rtol=1e-3,
        atol=1e-5,
    )


def test_it_is_the_mean_over_all_hidden_tokens_of_the_batch() -> None:
    predicted, target, hidden = made(0)
    rows = [(predicted[i, j] - target[i, j]).square().mean() for i, j in hidden.nonzero().tolist()]
    found = masked_regression(predicted, target, hidden, normalize=False)
    torch.testing.assert_close(found, torch.stack(rows).mean())
    torch.testing.assert_close(masked_regression(predicted, target, hidden.double(), normalize=False), found)


def test_an_absent_person_is_to_be_predicted_as_zeros() -> None:
    predicted, hidden = torch.ones(1, 4, 12), torch.ones(1, 4)
    assert masked_regression(0 * predicted, torch.zeros(1, 4, 12), hidden) == 0
    assert masked_regression(predicted, torch.zeros(1, 4, 12), hidden) == 1


def test_half_precision_predictions_are_compared_in_full() -> None:
    predicted, target, hidden = made(0)
    found = masked_regression(predicted.bfloat16(), target.float(), hidden)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, masked_regression(predicted.bfloat16().float(), target.float(), hidden))


def test_no_gradient_reaches_the_target() -> None:
    predicted, target, hidden = made(0)
    masked_regression(predicted.requires_grad_(), target.requires_grad_(), hidden).backward()
    assert predicted.grad is not None
    assert target.grad is None
