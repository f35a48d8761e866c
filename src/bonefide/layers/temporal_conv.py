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
    """Branches on equal shares of the channels: one convolution per dilation, a maximum, a plain projection.

    All but the last begin with a projection, which are computed as one.

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
        projected = len(dilations) + 1
        width = out_channels // (projected + 1)
        self.project = nn.Conv2d(in_channels, projected * width, 1)
        self.project_norm = nn.BatchNorm2d(projected * width)
        kaiming_fan_out_(self.project, branches=projected)
        self.convolutions = nn.ModuleList(
            TemporalConv(width, width, kernel=kernel, stride=stride, dilation=dilation) for dilation in dilations
        )
        self.maximum = nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0))
        self.maximum_norm = nn.BatchNorm2d(width)
        self.plain = TemporalConv(in_channels, width, kernel=1, stride=stride)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        *to_convolve, to_pool = torch.relu(self.project_norm(self.project(x))).chunk(len(self.convolutions) + 1, dim=1)
        convolved = [conv(each) for conv, each in zip(self.convolutions, to_convolve, strict=True)]
        return torch.cat([*convolved, self.maximum_norm(self.maximum(to_pool)), self.plain(x)], dim=1)
