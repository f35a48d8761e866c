# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation by plain sums against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bonefide.layers.batch_norm import BatchNorm2d


def pair(dtype: torch.dtype = torch.float64) -> tuple[BatchNorm2d, nn.BatchNorm2d]:
    torch.manual_seed(0)
    ours, theirs = BatchNorm2d(6), nn.BatchNorm2d(6)
    for norm in (ours, theirs):
        with torch.no_grad():
            norm.weight.copy_(torch.linspace(-1, 2, 6))
            norm.bias.copy_(torch.linspace(3, -1, 6))
    return ours.to(dtype), theirs.to(dtype)


def steps(norm: nn.BatchNorm2d, clips: list[Tensor]) -> dict[str, Tensor]:
    found = {}
    for number, clip in enumerate(clips):
        x = clip.clone().requires_grad_()
        y = norm(x)
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y).cos()).sum().backward()
        found |= {f"y{number}": y.detach(), f"x{number}": x.grad}
    return found | {"weight": norm.weight.grad, "bias": norm.bias.grad} | norm.state_dict()


def test_it_is_that_of_torch_with_its_gradients_and_statistics() -> None:
    ours, theirs = pair()
    clips = [3 * torch.randn(4, 6, 5, 7, dtype=torch.float64) + number for number in range(3)]
    found, expected = steps(ours, clips), steps(theirs, clips)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-10, atol=1e-12)
    ours.eval()
    theirs.eval()
    torch.testing.assert_close(ours(clips[0]), theirs(clips[0]))


def test_some_channels_of_a_larger_tensor_have_the_same_gradients() -> None:
    found = []
    for norm in pair():
        whole = torch.randn(4, 9, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        whole.requires_grad_()
        y = norm(whole.split([6, 3], dim=1)[0])
        torch.cat([y, whole], dim=1).cos().sum().backward()
        found.append((y, whole.grad, norm.weight.grad, norm.bias.grad, norm.running_var))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_its_sums_are_exact_enough_far_from_zero() -> None:
    ours, exact = pair(torch.float32)[0], pair()[1]
    clip = 1000 + torch.randn(16, 6, 32, 25)
    torch.testing.assert_close(ours(clip).double(), exact(clip.double()), rtol=0, atol=2e-3)
    torch.testing.assert_close(ours.running_var.double(), exact.running_var, rtol=1e-3, atol=0)


def test_channels_that_are_one_number_give_their_bias() -> None:
    ours = pair(torch.float32)[0]
    flat = torch.linspace(-2, 2, 6)[:, None, None].expand(3, 6, 4, 5).contiguous()
    torch.testing.assert_close(ours(flat), ours.bias[:, None, None].expand_as(flat), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "change",
    [lambda x: x.to(torch.bfloat16), lambda x: x.transpose(2, 3), lambda x: x.to(memory_format=torch.channels_last)],
    ids=["half precision", "another order", "channels last"],
)
def test_what_torch_does_better_is_left_to_it(change: object) -> None:
    ours, theirs = pair(torch.float32)
    clip = change(torch.randn(4, 6, 5, 7))
    assert torch.equal(ours(clip), theirs(clip))
    assert torch.equal(ours.running_var, theirs.running_var)


def test_one_number_a_channel_has_no_deviation() -> None:
    with pytest.raises(ValueError, match="more than 1 value"):
        pair()[0](torch.zeros(1, 6, 1, 1, dtype=torch.float64))


def test_it_compiles_without_a_break() -> None:
    ours, theirs = pair(torch.float32)
    clip = torch.randn(4, 6, 5, 7)
    compiled = torch.compile(ours, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(clip), theirs(clip))
