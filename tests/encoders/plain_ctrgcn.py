# SPDX-License-Identifier: Apache-2.0
"""CTR-GCN written down formula by formula, to compare with: nothing merged, nothing reordered. Only for tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PlainTemporal(nn.Module):
    def __init__(self, channels: int, width: int, kernel: int, stride: int, dilation: int = 1) -> None:
        super().__init__()
        padding = ((kernel - 1) * dilation // 2, 0)
        self.conv = nn.Conv2d(channels, width, (kernel, 1), (stride, 1), padding, (dilation, 1))
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class PlainMultiScale(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        share = channels // 4

        def begin() -> list[nn.Module]:
            return [nn.Conv2d(channels, share, 1), nn.BatchNorm2d(share), nn.ReLU()]

        pool = [nn.MaxPool2d((3, 1), (stride, 1), (1, 0)), nn.BatchNorm2d(share)]
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*begin(), PlainTemporal(share, share, 5, stride, 1)),
                nn.Sequential(*begin(), PlainTemporal(share, share, 5, stride, 2)),
                nn.Sequential(*begin(), *pool),
                nn.Sequential(nn.Conv2d(channels, share, 1, (stride, 1)), nn.BatchNorm2d(share)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class PlainRefinement(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        relation = 8 if channels in {3, 9} else channels // 8
        self.conv1 = nn.Conv2d(channels, relation, 1)
        self.conv2 = nn.Conv2d(channels, relation, 1)
        self.conv3 = nn.Conv2d(channels, width, 1)
        self.conv4 = nn.Conv2d(relation, width, 1)

    def forward(self, x: Tensor, graph: Tensor, alpha: Tensor) -> Tensor:
        p, q, h = self.conv1(x).mean(dim=2), self.conv2(x).mean(dim=2), self.conv3(x)
        topology = alpha * self.conv4(torch.tanh(p.unsqueeze(-1) - q.unsqueeze(-2))) + graph
        return torch.einsum("ncuv,nctv->nctu", topology, h)


class PlainGraph(nn.Module):
    def __init__(self, channels: int, width: int, graphs: Tensor) -> None:
        super().__init__()
        self.PA = nn.Parameter(graphs.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.convs = nn.ModuleList(PlainRefinement(channels, width) for _ in graphs)
        self.bn = nn.BatchNorm2d(width)
        self.down = None
        if channels != width:
            self.down = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        z = None
        for conv, graph in zip(self.convs, self.PA, strict=True):
            part = conv(x, graph, self.alpha)
            z = part if z is None else z + part
        return torch.relu(self.bn(z) + (x if self.down is None else self.down(x)))


class PlainBlock(nn.Module):
    def __init__(self, channels: int, width: int, graphs: Tensor, *, stride: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.gcn1 = PlainGraph(channels, width, graphs)
        self.tcn1 = PlainMultiScale(width, stride)
        self.residual = None
        if not first and (channels != width or stride != 1):
            self.residual = PlainTemporal(channels, width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.tcn1(self.gcn1(x))
        if not self.first:
            y = y + (x if self.residual is None else self.residual(x))
        return torch.relu(y)


class PlainCTRGCN(nn.Module):
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

    def forward(self, clip: Tensor) -> Tensor:
        count, channels, frames, joints, persons = clip.shape
        x = clip.permute(0, 4, 3, 1, 2).reshape(count, persons * joints * channels, frames)
        x = self.data_bn(x).view(count, persons, joints, channels, frames)
        x = x.permute(0, 1, 3, 4, 2).reshape(count * persons, channels, frames, joints)
        for b in range(1, 11):
            x = getattr(self, f"l{b}")(x)
        return self.fc(x.unflatten(0, (count, persons)).flatten(3).mean(dim=3).mean(dim=1))
