# SPDX-License-Identifier: Apache-2.0
"""Convolutions in tiles against the plain ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bonefide.layers.tiled_conv import convolve_frames, convolve_tiles, tiles_pay


def _case(frames: int, kernel: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(frames)
    x = torch.randn(2, 4, frames, 3, generator=generator, dtype=dtype)
    weight = torch.randn(5, 4, kernel, 1, generator=generator, dtype=dtype)
    return x, weight, torch.randn(5, generator=generator, dtype=dtype)


@pytest.mark.parametrize("kernel", [1, 3, 5, 9])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 2, 3, 13, 16, 31, 32, 33, 47, 48, 49, 64, 300])
def test_equal_to_the_plain_convolution(frames: int, stride: int, kernel: int) -> None:
    inputs = [each.requires_grad_() for each in _case(frames, kernel)]
    x, weight, bias = inputs
    expected = F.conv2d(x, weight, bias, stride=(stride, 1), padding=(kernel // 2, 0))
    found = convolve_tiles(x.transpose(0, 2), weight, bias, stride=stride).transpose(0, 2)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    wave = torch.cos(torch.arange(expected.numel(), dtype=torch.float64)).view_as(expected)
    ours, theirs = (torch.autograd.grad(y, inputs, wave) for y in (found, expected))
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-10, atol=1e-10)


def test_errors_in_single_precision_are_those_of_sums() -> None:
    x, weight, bias = _case(64, 9)
    exact = F.conv2d(x, weight, bias, padding=(4, 0))
    plain = F.conv2d(x.float(), weight.float(), bias.float(), padding=(4, 0))
    tiled = convolve_tiles(x.float().transpose(0, 2), weight.float(), bias.float()).transpose(0, 2)
    assert (tiled - exact).abs().max() < 4 * max((plain - exact).abs().max(), 1e-6)


def test_without_a_bias_and_however_it_lies() -> None:
    x, weight, _ = _case(40, 9)
    expected = F.conv2d(x, weight, padding=(4, 0)).transpose(0, 2)
    frames_first = x.transpose(0, 2)
    for each in (frames_first, frames_first.contiguous(), frames_first.contiguous(memory_format=torch.channels_last)):
        before = each.clone()
        found = convolve_tiles(each, weight, None)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(each, before)


def test_training_after_inference() -> None:
    x, weight, bias = _case(21, 7)
    with torch.inference_mode():
        convolve_tiles(x.transpose(0, 2), weight, bias)
    weight.requires_grad_()
    convolve_tiles(x.transpose(0, 2), weight, bias).sum().backward()
    assert weight.grad is not None


def test_either_way_through_a_layer() -> None:
    conv = nn.Conv2d(4, 6, (9, 1), stride=(2, 1), padding=(4, 0))
    x = torch.randn(2, 4, 37, 3)
    as_it_lies = convolve_frames(x, conv, frames_first=False)
    frames_first = convolve_frames(x.transpose(0, 2), conv, frames_first=True)
    torch.testing.assert_close(frames_first.transpose(0, 2), as_it_lies, rtol=1e-4, atol=1e-5)


def test_when_they_pay() -> None:
    x = torch.zeros(1)
    assert tiles_pay(x)
    assert tiles_pay(x.double())
    assert not tiles_pay(x.half())
    assert not tiles_pay(x.to("meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not tiles_pay(x)
    seen = []
    torch.compile(lambda y: seen.append(tiles_pay(y)) or y + 1, backend="eager")(x)
    assert seen in ([], [False])
