# SPDX-License-Identifier: Apache-2.0
"""Convolutions as products of matrices against the plain ones with their norms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bonefide.layers.portable_conv import portable_frames, portable_pointwise, portable_residual


@pytest.fixture
def norm() -> nn.BatchNorm2d:
    torch.manual_seed(0)
    made = nn.BatchNorm2d(5).double().eval()
    for each in (made.weight, made.bias, made.running_mean):
        nn.init.normal_(each)
    nn.init.uniform_(made.running_var, 0.5, 2)
    return made


def _frames_first(x: Tensor) -> Tensor:
    """(N, C, T, V) to (T, N, V, C)."""
    return x.permute(2, 0, 3, 1)


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kernel", [1, 3, 9])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 32, 33, 70])
def test_frames(norm: nn.BatchNorm2d, frames: int, stride: int, kernel: int, bias: bool) -> None:
    conv = nn.Conv2d(4, 5, (kernel, 1), stride=(stride, 1), padding=(kernel // 2, 0), bias=bias).double()
    x = torch.randn(2, 4, frames, 3, dtype=torch.float64)
    found = portable_frames(_frames_first(x), conv, norm)
    torch.testing.assert_close(found, _frames_first(norm(conv(x))), rtol=1e-10, atol=1e-10)


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
def test_pointwise(norm: nn.BatchNorm2d, bias: bool) -> None:
    conv = nn.Conv2d(4, 5, 1, bias=bias).double()
    x = torch.randn(2, 4, 6, 3, dtype=torch.float64)
    for found, expected in (
        (portable_pointwise(_frames_first(x), conv), conv(x)),
        (portable_residual(_frames_first(x), nn.Sequential(conv, norm)), norm(conv(x))),
        (portable_residual(_frames_first(x), nn.Identity()), x),
    ):
        torch.testing.assert_close(found, _frames_first(expected), rtol=1e-10, atol=1e-10)
