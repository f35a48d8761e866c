# SPDX-License-Identifier: Apache-2.0
"""ST-GCN written down formula by formula, to compare with: nothing merged, nothing reordered. Only for tests."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PlainBlock(nn.Module):
    def __init__(self, channels: int, width: int, subsets: int, *, stride: int, first: bool, dropout: float) -> None:
        super().__init__()
        self.gcn = nn.Module()
        self.gcn.conv = nn.Conv2d(channels, subsets * width, 1)
        self.tcn = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, (9, 1), (stride, 1), (4, 0)),
            nn.BatchNorm2d(width),
            nn.Dropout(0.0 if first else dropout, inplace=True),
        )
        self.residual = None
        if not first and (channels != width or stride != 1):
            self.residual = nn.Sequential(nn.Conv2d(channels, width, 1, (stride, 1)), nn.BatchNorm2d(width))
        self.first = first

    def forward(self, x: Tensor, graphs: Tensor) -> Tensor:
        subsets = len(graphs)
        g = self.gcn.conv(x).unflatten(1, (subsets, -1))
        h = torch.einsum("nkctv,kvw->nctw", g, graphs).contiguous()
        y = self.tcn(h)
        if not self.first:
            y = y + (x if self.residual is None else self.residual(x))
        return torch.relu(y)


class PlainSTGCN(nn.Module):
    """Names as in the official code, so that its state dicts fit; `classes=None` is the variant without classifier."""

    def __init__(
        self,
        graphs: Tensor,
        channels: int = 3,
        *,
        classes: int | None = 60,
        widths: Sequence[int] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.register_buffer("A", graphs)
        self.data_bn = nn.BatchNorm1d(channels * graphs.shape[-1])
        sizes = [channels, *widths]
        self.st_gcn_networks = nn.ModuleList(
            PlainBlock(
                sizes[b], sizes[b + 1], len(graphs), stride=2 if b in {4, 7} else 1, first=b == 0, dropout=dropout
            )
            for b in range(10)
        )
        self.edge_importance = nn.ParameterList(nn.Parameter(torch.ones_like(graphs)) for _ in range(10))
        self.fcn = None if classes is None else nn.Conv2d(widths[-1], classes, 1)

    def map(self, clip: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        n, c, t, v, m = clip.shape
        x = clip.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t)
        x = self.data_bn(x).view(n, m, v, c, t).permute(0, 1, 3, 4, 2).reshape(n * m, c, t, v)
        kept = [joint for joint in range(v) if joint not in dropped]
        x = x[..., kept]
        for block, importance in zip(self.st_gcn_networks, self.edge_importance, strict=True):
            x = block(x, (self.A * importance)[:, kept][:, :, kept])
        return x.unflatten(0, (n, m))

    def forward(self, clip: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        pooled = self.map(clip, dropped).mean(dim=(3, 4)).mean(dim=1)
        return pooled if self.fcn is None else self.fcn(pooled[..., None, None]).flatten(1)
