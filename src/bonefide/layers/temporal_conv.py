# SPDX-License-Identifier: Apache-2.0
"""Convolutions along time: plain, and the multi-scale one of CTR-GCN, Hyperformer and BlockGCN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.layers.batch_norm import BatchNorm2d
from bonefide.layers.init import kaiming_fan_out_

__all__ = ["MultiScaleTemporalConv", "TemporalConv", "temporal_maximum"]


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
        self.norm = BatchNorm2d(out_channels)
        kaiming_fan_out_(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and normalise."""
        return self.norm(_convolve(x, self.conv))


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
        self.project_norm = BatchNorm2d(projected * width)
        kaiming_fan_out_(self.project, branches=projected)
        self.convolutions = nn.ModuleList(
            TemporalConv(width, width, kernel=kernel, stride=stride, dilation=dilation) for dilation in dilations
        )
        self.stride = stride
        self.maximum_norm = BatchNorm2d(width)
        self.plain = TemporalConv(in_channels, width, kernel=1, stride=stride)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        if self.stride == 1 and _is_eager(x):
            # All see the same frames, so one product makes the projections of all branches.
            weight = torch.cat([self.project.weight, self.plain.conv.weight])
            bias = torch.cat([each for each in (self.project.bias, self.plain.conv.bias) if each is not None])
            projected, plain = F.conv2d(x, weight, bias).split(
                [self.project.out_channels, self.plain.conv.out_channels], dim=1
            )
            plain = self.plain.norm(plain)
        else:
            projected, plain = self.project(x), self.plain(x)
        *to_convolve, to_pool = self.project_norm(projected).relu_().chunk(len(self.convolutions) + 1, dim=1)
        convolved = [conv(each) for conv, each in zip(self.convolutions, to_convolve, strict=True)]
        maximum = self.maximum_norm(temporal_maximum(to_pool, stride=self.stride))
        return torch.cat([*convolved, maximum, plain], dim=1)


def temporal_maximum(x: Tensor, *, stride: int = 1) -> Tensor:
    """The largest of each frame and its two neighbours; of equal ones the first gets the gradient.

    As torch's pooling with a kernel of three frames. On a CPU joints are made its channels, which lie last in memory:
    so read, it is six times as fast there. Compilers and exporters see the plain one.

    Args:
        x: activations.
        stride: frames between results.

    Shape:
        x: (N, C, T, V).
        returned: (N, C, ceil(T / stride), V).
    """
    if not _is_eager(x):
        return F.max_pool2d(x, (3, 1), (stride, 1), (1, 0))
    joints_as_channels = x.flatten(0, 1).unsqueeze(2).permute(0, 3, 1, 2)
    largest = F.max_pool2d(joints_as_channels, (3, 1), (stride, 1), (1, 0))
    return largest.permute(0, 2, 3, 1).squeeze(2).unflatten(0, x.shape[:2])


def _is_eager(x: Tensor) -> bool:
    """On a CPU and not compiled: where the order of the same operations decides how fast they are."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def _convolve(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """A convolution along time; where only every other frame is seen, of these alone, which a CPU has faster."""
    stride, dilation, kernel = conv.stride[0], conv.dilation[0], conv.kernel_size[0]
    if stride == 1 or (kernel > 1 and dilation % stride) or not _is_eager(x):
        return cast(Tensor, conv(x))
    seen = x[:, :, ::stride].contiguous()
    dilation = max(dilation // stride, 1)
    return F.conv2d(seen, conv.weight, conv.bias, 1, ((kernel - 1) * dilation // 2, 0), (dilation, 1))
