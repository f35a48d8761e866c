# SPDX-License-Identifier: Apache-2.0
"""What is hidden: exactly how many, how likely, and draws that depend on a sample alone."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.errors import ShapeError
from bonefide.methods._masking import (
    Draws,
    Masking,
    hiding_noise,
    motion_score,
    scaled_score,
    visible_tokens,
)


@pytest.mark.parametrize(
    ("tokens", "ratio", "down", "nearest"),
    [(750, 0.9, 74, 75), (750, 0.8, 149, 150), (750, 0.75, 187, 188), (750, 0.5, 375, 375), (100, 0.9, 9, 10)],
)
def test_as_many_as_published_are_visible(tokens: int, ratio: float, down: int, nearest: int) -> None:
    assert visible_tokens(tokens, ratio, "down") == down
    assert visible_tokens(tokens, ratio, "nearest") == nearest


@pytest.mark.parametrize(("tokens", "ratio"), [(10, 0.9), (100, 0.0), (100, 1.0), (100, -0.5), (100, 1.5), (5, 0.95)])
def test_something_must_be_visible_and_something_hidden(tokens: int, ratio: float) -> None:
    with pytest.raises(ShapeError, match="at least one must be visible and one hidden"):
        visible_tokens(tokens, ratio, "down")


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(1, 59), st.integers(0, 10_000))
def test_exactly_so_many_are_visible_and_the_others_hidden(tokens: int, visible: int, seed: int) -> None:
    visible = min(visible, tokens - 1)
    noise = torch.rand(4, tokens, generator=torch.Generator().manual_seed(seed)).mul(5).round()
    masking = Masking.of_noise(noise, visible)
    assert (masking.hidden.sum(1) == tokens - visible).all()
    assert not masking.hidden.gather(1, masking.visible).any()
    shown = noise.gather(1, masking.visible)
    assert (shown.diff(dim=1) >= 0).all()
    assert (shown.amax(1) <= noise.masked_fill(~masking.hidden, torch.inf).amin(1)).all()


def draws(seed: int = 5, *, epoch: int = 0) -> Draws:
    made = Draws(seed).train()
    made.start_epoch(epoch)
    return made


def test_a_sample_draws_alike_whatever_it_is_together_with() -> None:
    whole = draws()(torch.tensor([3, 8, 1, 40_090]), 2, 50).view(4, 2, 50)
    parted = torch.cat([draws()(torch.tensor(part), 2, 50).view(-1, 2, 50) for part in ([40_090, 8], [1], [3])])
    assert torch.equal(whole, parted[[3, 1, 2, 0]])


def test_seeds_epochs_samples_and_persons_draw_differently() -> None:
    one = draws()(torch.tensor([3]), 2, 50)
    others = [
        draws(6)(torch.tensor([3]), 2, 50),
        draws(5 + 2**32)(torch.tensor([3]), 2, 50),
        draws(epoch=1)(torch.tensor([3]), 2, 50),
        draws()(torch.tensor([4]), 2, 50),
        one.flip(0),
    ]
    for other in others:
        assert (one == other).float().mean() < 0.01


def test_in_evaluation_all_epochs_draw_the_same() -> None:
    first, later = draws(epoch=0).eval(), draws(epoch=7).eval()
    index = torch.arange(3)
    assert torch.equal(first(index, 1, 50), later(index, 1, 50))
    assert not torch.equal(first(index, 1, 50), draws()(index, 1, 50))


def test_draws_are_uniform_and_independent() -> None:
    found = draws()(torch.arange(500), 2, 200)
    assert 0 <= found.min() < 1e-4
    assert 1 - 1e-4 < found.max() < 1
    counts = torch.histc(found, 100, 0, 1)
    # The chi-squared statistic of 99 degrees of freedom exceeds 160 once in ten thousand times.
    assert ((counts - 2000) ** 2 / 2000).sum() < 160
    for one, other in ((found[:, 1:], found[:, :-1]), (found[1:], found[:-1]), (found[::2], found[1::2])):
        assert abs(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]) < 0.012


def test_seeds_of_torch_decide_if_none_is_given() -> None:
    torch.manual_seed(11)
    assert Draws(None).seed == 11
    with pytest.raises(ShapeError, match="seed must be at least 0, got -1"):
        Draws(-1)


def test_odds_are_those_of_the_scores() -> None:
    """The first hidden token is one with the probability of the softmax."""
    score = torch.tensor([[0.0, 1.0, 2.0, 4.0]])
    noise = hiding_noise(
        scaled_score(score, 0.8).expand(200_000, -1),
        torch.rand(200_000, 4, generator=torch.Generator().manual_seed(0)),
    )
    found = torch.bincount(noise.argmax(1), minlength=4) / 200_000
    expected = (score[0] / 4 / 0.8).softmax(0)
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)
    assert expected[3] / expected[0] == pytest.approx(math.exp(1 / 0.8), rel=1e-5)


def test_nothing_that_moves_hides_all_alike() -> None:
    assert not scaled_score(torch.zeros(2, 9), 0.8).any()
    small = scaled_score(torch.tensor([[1e-10, 0.0]]), 0.8)
    assert 0.5 < small[0, 0] < 0.6, "as published, scores of hardly any change count less"


def test_motion_is_the_mean_difference_to_the_time_before() -> None:
    patches = torch.zeros(1, 3, 2, 4)
    patches[0, 1, 1] = torch.tensor([1.0, -1.0, 2.0, 0.0])
    assert motion_score(patches)[0].tolist() == [[0, 1], [0, 1], [0, 1]]
    patches[0, 2, 1] = patches[0, 1, 1]
    assert motion_score(patches)[0].tolist() == [[0, 1], [0, 1], [0, 0]]
