# SPDX-License-Identifier: Apache-2.0
"""Features of networks that learn no more."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.encoders.shiftgcn import ShiftGCN
from bonefide.errors import ShapeError
from bonefide.evaluation.frozen import measure_statistics, pooled_features
from bonefide.layers.batch_norm import BatchNorm2d
from bonefide.layouts import layout
from bonefide.types import Batch, Features


class Small(nn.Module):
    def __init__(self, momentum: float | None = 0.1) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, momentum=momentum)
        self.dropout = nn.Dropout(0.5)

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        x = self.dropout(self.norm(clip[..., 0]))
        return Features(x[:, None], x.mean(dim=(2, 3)))


def batches(*sizes: int, persons: int = 1, frames: int = 8, seed: int = 0) -> list[Batch]:
    generator = torch.Generator().manual_seed(seed)
    clips = [2 + 3 * torch.randn(size, 3, frames, 20, persons, generator=generator) for size in sizes]
    return [Batch(clip, torch.zeros(len(clip)).long(), torch.zeros(len(clip)).long()) for clip in clips]


def test_features_are_those_of_evaluation_in_order() -> None:
    encoder = Small().train()
    given = batches(4, 3)
    found = pooled_features(encoder, given)
    assert encoder.training, "the mode is left as it was"
    assert found.shape == (7, 3)
    assert found.dtype == "float32"
    whole = torch.cat([batch.clip for batch in given])[..., 0] / (1 + encoder.norm.eps) ** 0.5
    torch.testing.assert_close(torch.from_numpy(found), whole.mean(dim=(2, 3)))
    assert int(encoder.norm.num_batches_tracked) == 0


def test_features_of_nothing_and_of_what_has_diverged() -> None:
    with pytest.raises(ShapeError, match="features of no clips"):
        pooled_features(Small(), [])
    encoder = Small().train()
    nn.init.constant_(encoder.norm.weight, torch.nan)
    with pytest.raises(ShapeError, match="not finite"):
        pooled_features(encoder, batches(2))
    assert encoder.training


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_statistics_are_those_of_all_clips(momentum: float | None) -> None:
    encoder, given = Small(momentum), batches(6, 6, 3)
    state = {name: value.clone() for name, value in encoder.named_parameters()}
    measure_statistics(encoder, given)
    assert not encoder.training
    assert encoder.norm.momentum == momentum
    assert all(torch.equal(value, state[name]) for name, value in encoder.named_parameters())
    whole = torch.cat([batch.clip for batch in given])[..., 0].transpose(0, 1).flatten(1)
    torch.testing.assert_close(encoder.norm.running_mean, whole.mean(dim=1), rtol=1e-5, atol=1e-5)
    # Each batch counts its variance without bias, so it is off by less than one part in a batch's size.
    torch.testing.assert_close(encoder.norm.running_var, whole.var(dim=1), rtol=2e-3, atol=0)


def test_statistics_do_not_depend_on_those_before() -> None:
    first, second = Small(), Small()
    measure_statistics(first, batches(5, seed=9))
    for encoder in (first, second):
        measure_statistics(encoder, batches(4, 4))
    torch.testing.assert_close(first.state_dict(), second.state_dict())


def test_our_own_norm_measures_as_torchs_does() -> None:
    def around(norm: nn.BatchNorm2d) -> Small:
        encoder = Small()
        encoder.norm = norm
        measure_statistics(encoder, batches(4, 2))
        return encoder

    ours, theirs = around(BatchNorm2d(3)), around(nn.BatchNorm2d(3))
    torch.testing.assert_close(ours.norm.running_var, theirs.norm.running_var, rtol=1e-5, atol=0)
    torch.testing.assert_close(ours.norm.running_mean, theirs.norm.running_mean, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [ShiftGCN, CTRGCN])
def test_a_fresh_network_is_normal_afterwards(kind: type[ShiftGCN] | type[CTRGCN]) -> None:
    torch.manual_seed(0)
    encoder = kind(layout("ucla20"), 3, persons=2, base_channels=8)
    given = batches(8, 8, persons=2)
    before = pooled_features(encoder, given)
    measure_statistics(encoder, given)
    seen: list[Tensor] = []
    norm = next(module for module in encoder.modules() if isinstance(module, nn.BatchNorm1d))
    norm.register_forward_hook(lambda *arguments: seen.append(arguments[2]))
    after = pooled_features(encoder, given)
    normed = torch.cat(seen).transpose(0, 1).flatten(1)
    assert normed.mean(dim=1).abs().max() < 0.05
    torch.testing.assert_close(normed.std(dim=1), torch.ones(len(normed)), rtol=0.05, atol=0)
    assert abs(after - before).max() > 0.1


def test_statistics_of_nothing() -> None:
    with pytest.raises(ShapeError, match="statistics of no clips"):
        measure_statistics(Small(), [])
    without = nn.Sequential()
    measure_statistics(without, [])
    assert not without.training
