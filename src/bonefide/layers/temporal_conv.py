# SPDX-License-Identifier: Apache-2.0
"""Convolutions along time: plain, and the multi-scale one of CTR-GCN, Hyperformer and BlockGCN."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bonefide.layers.init import kaiming_fan_out_

__all__ = ["MultiScaleTemporalConv", "TemporalConv"]


class TemporalConv(nn.Module):
    """Convolution along time and batch normalisation, without activation.

    Args:
        in_channels: channels in.
        out_channels: channels out.
        kernel: frames the kernel spans, odd.
        stride: temporal stride.
        dilation: frames between the taps.

    Shape:
        x: (N, C, T, V).
        returned: (N, C', ceil(T / stride), V).
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            (kernel, 1),
            stride=(stride, 1),
            padding=((kernel - 1) * dilation // 2, 0),
            dilation=(dilation, 1),
        )
        self.norm = nn.BatchNorm2d(out_channels)
        kaiming_fan_out_(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and normalise."""
        return self.norm(self.conv(x))


class MultiScaleTemporalConv(nn.Module):
    """Four branches on a quarter of the channels each: one convolution per dilation, a maximum, a plain projection.

    Args:
        in_channels: channels in.
        out_channels: channels out, a multiple of the number of branches.
        stride: temporal stride.
        kernel: frames each convolution spans, odd.
        dilations: one convolution branch each.

    Shape:
        x: (N, C, T, V).
        returned: (N, C', ceil(T / stride), V).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        kernel: int = 5,
        dilations: Sequence[int] = (1, 2),
    ) -> None:
        super().__init__()
        width = out_channels // (len(dilations) + 2)
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                *_project(in_channels, width),
                TemporalConv(width, width, kernel=kernel, stride=stride, dilation=dilation),
            )
            for dilation in dilations
        )
        self.maximum = nn.Sequential(
            *_project(in_channels, width),
            nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0)),
            nn.BatchNorm2d(width),
        )
        self.plain = TemporalConv(in_channels, width, kernel=1, stride=stride)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        branches = [branch(x) for branch in self.convolutions]
        return torch.cat([*branches, self.maximum(x), self.plain(x)], dim=1)


def _project(in_channels: int, out_channels: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 1)
    kaiming_fan_out_(conv)
    return conv, nn.BatchNorm2d(out_channels), nn.ReLU()
