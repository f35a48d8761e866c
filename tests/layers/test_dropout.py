# SPDX-License-Identifier: Apache-2.0
"""Dropout: the shares, the scale, the gradient, the seed."""

from __future__ import annotations

import pytest
import torch

from bonefide.layers.dropout import dropout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("shape", [(101, 103), (4, 8, 33, 25)])
def test_a_share_is_dropped_and_the_mean_stays(share: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.ones(shape, requires_grad=True)
    y = dropout(x, share, training=True)
    kept = y != 0
    deviation = (share * (1 - share) / x.numel()) ** 0.5
    assert 1 - kept.double().mean().item() == pytest.approx(share, abs=5 * deviation)
    torch.testing.assert_close(y[kept], torch.full_like(y[kept], 1 / (1 - share)))
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_decisions_are_independent() -> None:
    torch.manual_seed(0)
    kept = (dropout(torch.ones(400_000), 0.5, training=True) != 0).double() - 0.5
    for lag in (1, 2, 3, 4, 5):
        assert abs((kept[lag:] * kept[:-lag]).mean().item()) < 0.25 * 5 / 400_000**0.5


def test_nothing_happens_without_training_or_share() -> None:
    x = torch.randn(5)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x


def test_seeds_decide() -> None:
    x = torch.ones(1000)
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(dropout(x, 0.5, training=True))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


@pytest.mark.parametrize("lies", ["channels last", "transposed", "expanded"])
def test_however_it_lies(lies: str) -> None:
    torch.manual_seed(0)
    x = torch.rand(4, 6, 5, 3) + 1
    x = {
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.transpose(0, 2),
        "expanded": x[:1].expand(9, -1, -1, -1),
    }[lies]
    y = dropout(x, 0.5, training=True)
    kept = y != 0
    assert 0.2 < kept.double().mean() < 0.8
    torch.testing.assert_close(y[kept], 2 * x[kept])
