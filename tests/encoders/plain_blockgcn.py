# SPDX-License-Identifier: Apache-2.0
"""BlockGCN formula by formula, under the official names: slow and plain, to hold the encoder against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bonefide.types import Array, Features

_HEADS, _SUBSETS, _ELEMENTS = 8, 3, 64
_WIDTHS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2)
_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)


class PlainBlockGCN(nn.Module):
    """`hops` is the hop matrix of the graph; `mixing` keeps the batch behaviour of the official topology branch."""

    def __init__(self, hops: Array, *, persons: int, classes: int, width: int = 128, mixing: bool = True) -> None:
        super().__init__()
        joints = len(hops)
        self.mixing = mixing
        self.pos_embedding = nn.Parameter(torch.randn(1, joints, width))
        self.data_bn = nn.BatchNorm1d(persons * joints * width)
        self.to_joint_embedding = nn.Linear(3, width)
        for block in range(10):
            sizes = (_WIDTHS[block] * width, _WIDTHS[block + 1] * width)
            setattr(self, f"l{block + 1}", _Block(*sizes, torch.as_tensor(hops), _STRIDES[block]))
            setattr(self, f"t{block}", _Topology(sizes[0]))
        self.topo = nn.Module()
        self.topo.pl = _Elements()
        self.fc = nn.Linear(sizes[1], classes)

    def forward(self, clip: Tensor, joints: Tensor) -> Features:
        count, _, frames, number, persons = clip.shape
        x = self.to_joint_embedding(clip.permute(0, 4, 2, 3, 1)) + self.pos_embedding
        flat = self.data_bn(x.permute(0, 1, 3, 4, 2).reshape(count, -1, frames))
        x = flat.view(count * persons, number, -1, frames).permute(0, 2, 3, 1).contiguous()
        topology = self.topo.pl(bars(joints, mixing=self.mixing), mixing=self.mixing)
        # The official code tiles where it should repeat each clip for its persons.
        rows = topology.repeat(persons, 1) if self.mixing else topology.repeat_interleave(persons, 0)
        for block in range(10):
            x = getattr(self, f"l{block + 1}")(x + getattr(self, f"t{block}")(rows)[:, :, None, None])
        feature_map = x.view(count, persons, *x.shape[1:])
        return Features(feature_map, feature_map.mean(dim=(3, 4)).mean(dim=1))


def distances(joints: Array | Tensor, *, mixing: bool) -> Tensor:
    """(N, V, V): mean difference of every two joints, its length, scaled to 0..1 over the batch or the clip."""
    joints = torch.as_tensor(joints).detach()
    mean = (joints.unsqueeze(4) - joints.unsqueeze(3)).mean(dim=(2, 5))
    length = mean.norm(dim=1)
    low, high = (length.amin((0, 1, 2)), length.amax((0, 1, 2))) if mixing else (0, length.amax((1, 2), True))
    return (length - low) / (high - low)


def bars(joints: Array | Tensor, *, mixing: bool) -> Tensor:
    """(N, V - 1): edges of a minimum spanning tree over the rows of the distances, shortest first."""
    points = distances(joints, mixing=mixing)
    far = (points.unsqueeze(2) - points.unsqueeze(1)).norm(dim=-1)
    return torch.stack([torch.tensor(sorted(_tree(each.tolist())), dtype=far.dtype) for each in far])


def _tree(far: list[list[float]]) -> list[float]:
    """Prim's algorithm."""
    reach, lengths = dict(enumerate(far[0][1:], 1)), []
    while reach:
        nearest = min(reach, key=reach.__getitem__)
        lengths.append(reach.pop(nearest))
        reach = {joint: min(length, far[nearest][joint]) for joint, length in reach.items()}
    return lengths


class _Elements(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.rand(_ELEMENTS, 2))
        self.sharpness = nn.Parameter(torch.full((_ELEMENTS, 2), 3.0))

    def forward(self, lengths: Tensor, *, mixing: bool) -> Tensor:
        rows = []
        counts = (lengths > 0).sum(dim=1)
        for each in lengths:
            death = each[each > 0]
            point = torch.stack([torch.zeros_like(death), death], dim=1)
            spread = self.sharpness[:, None] * (self.centres[:, None] - point)
            rows.append(torch.exp(-spread.square().sum(dim=2)).sum(dim=1))
        return torch.stack(rows) + ((counts.max() - counts)[:, None] if mixing else 0)


class _Topology(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp = nn.Linear(_ELEMENTS, channels)
        self.bn = nn.BatchNorm1d(channels)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.relu(self.bn(self.mlp(rows)))


class _Block(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, hops: Tensor, stride: int) -> None:
        super().__init__()
        self.gcn1 = _BlockGC(in_channels, out_channels, hops)
        self.tcn1 = _MultiScale(out_channels, stride)
        self.residual: nn.Module = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.residual = _Conv(in_channels, out_channels, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.tcn1(self.gcn1(x)) + self.residual(x))


class _BlockGC(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, hops: Tensor) -> None:
        super().__init__()
        number = len(hops)
        self.register_buffer("hops", hops, persistent=False)
        self.fc1 = nn.Parameter(torch.eye(number).repeat(_SUBSETS, _HEADS, 1, 1))
        self.rpe = nn.Parameter(torch.zeros(_SUBSETS, _HEADS, int(hops.max()) + 1))
        self.fc2 = nn.ModuleList(nn.Conv2d(in_channels, out_channels, 1, groups=_HEADS) for _ in range(_SUBSETS))
        self.bn = nn.BatchNorm2d(out_channels)
        self.down: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.down = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        count, channels, frames, number = x.shape
        y: Tensor | float = 0
        for subset in range(_SUBSETS):
            free, bound = self.fc1[subset], self.rpe[subset][:, self.hops]
            weight = free / (free.norm(dim=1, keepdim=True) + 1e-4) + bound / (bound.norm(dim=1, keepdim=True) + 1e-4)
            z = torch.matmul(x.view(count, _HEADS, -1, number), weight).view(count, channels, frames, number)
            y = y + self.fc2[subset](z)
        return torch.relu(self.bn(y) + self.down(x))


class _MultiScale(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        quarter = channels // 4
        self.branches = nn.ModuleList()
        for dilation in (1, 2):
            self.branches.append(
                nn.Sequential(
                    nn.Conv2d(channels, quarter, 1),
                    nn.BatchNorm2d(quarter),
                    nn.ReLU(),
                    _Conv(quarter, quarter, kernel=5, stride=stride, dilation=dilation),
                )
            )
        self.branches.append(
            nn.Sequential(
                nn.Conv2d(channels, quarter, 1),
                nn.BatchNorm2d(quarter),
                nn.ReLU(),
                nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0)),
                nn.BatchNorm2d(quarter),
            )
        )
        self.branches.append(
            nn.Sequential(nn.Conv2d(channels, quarter, 1, stride=(stride, 1)), nn.BatchNorm2d(quarter))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class _Conv(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 1, stride: int, dilation: int = 1) -> None:
        super().__init__()
        padding = (kernel - 1) * dilation // 2
        self.conv = nn.Conv2d(
            in_channels, out_channels, (kernel, 1), (stride, 1), padding=(padding, 0), dilation=(dilation, 1)
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))
