# SPDX-License-Identifier: Apache-2.0
"""2s-AGCN written down formula by formula, to compare with: nothing merged, nothing reordered. Only for tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PlainTemporal(nn.Module):
    def __init__(self, channels: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, (kernel, 1), (stride, 1), (kernel // 2, 0))
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class PlainGraph(nn.Module):
    def __init__(self, channels: int, width: int, graphs: Tensor) -> None:
        super().__init__()
        self.register_buffer("A", graphs, persistent=False)
        self.PA = nn.Parameter(torch.full_like(graphs, 1e-6))
        self.conv_a = nn.ModuleList(nn.Conv2d(channels, width // 4, 1) for _ in graphs)
        self.conv_b = nn.ModuleList(nn.Conv2d(channels, width // 4, 1) for _ in graphs)
        self.conv_d = nn.ModuleList(nn.Conv2d(channels, width, 1) for _ in graphs)
        self.bn = nn.BatchNorm2d(width)
        self.down = None
        if channels != width:
            self.down = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        count, channels, frames, joints = x.shape
        graphs = self.A + self.PA
        total = None
        for graph, conv_a, conv_b, conv_d in zip(graphs, self.conv_a, self.conv_b, self.conv_d, strict=True):
            a = conv_a(x).permute(0, 3, 1, 2).flatten(2)
            b = conv_b(x).flatten(1, 2)
            attention = torch.softmax(a @ b / a.shape[-1], dim=-2)
            mixed = x.flatten(1, 2) @ (attention + graph)
            z = conv_d(mixed.view(count, channels, frames, joints))
            total = z if total is None else total + z
        return torch.relu(self.bn(total) + (x if self.down is None else self.down(x)))


class PlainBlock(nn.Module):
    def __init__(self, channels: int, width: int, graphs: Tensor, *, stride: int, first: bool) -> None:
        super().__init__()
        self.gcn1 = PlainGraph(channels, width, graphs)
        self.tcn1 = PlainTemporal(width, width, 9, stride)
        self.residual = None
        if not first and (channels != width or stride != 1):
            self.residual = PlainTemporal(channels, width, 1, stride)
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        y = self.tcn1(self.gcn1(x))
        if not self.first:
            y = y + (x if self.residual is None else self.residual(x))
        return torch.relu(y)


class PlainAGCN(nn.Module):
    """Names as in the official code, so that its state dicts fit."""

    def __init__(
        self, graphs: Tensor, channels: int = 3, *, persons: int = 2, classes: int = 60, base: int = 64
    ) -> None:
        super().__init__()
        self.data_bn = nn.BatchNorm1d(persons * channels * graphs.shape[-1])
        sizes = [channels, *(base * each for each in (1, 1, 1, 1, 2, 2, 2, 4, 4, 4))]
        for b in range(10):
            block = PlainBlock(sizes[b], sizes[b + 1], graphs, stride=2 if b in {4, 7} else 1, first=b == 0)
            self.add_module(f"l{b + 1}", block)
        self.fc = nn.Linear(sizes[-1], classes)

    def features(self, clip: Tensor) -> Tensor:
        count, channels, frames, joints, persons = clip.shape
        x = clip.permute(0, 4, 3, 1, 2).reshape(count, persons * joints * channels, frames)
        x = self.data_bn(x).view(count, persons, joints, channels, frames)
        x = x.permute(0, 1, 3, 4, 2).reshape(count * persons, channels, frames, joints)
        for b in range(1, 11):
            x = getattr(self, f"l{b}")(x)
        return x.unflatten(0, (count, persons))

    def forward(self, clip: Tensor) -> Tensor:
        return self.fc(self.features(clip).mean(dim=(3, 4)).mean(dim=1))
