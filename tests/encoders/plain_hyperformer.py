# SPDX-License-Identifier: Apache-2.0
"""Hyperformer, formula by formula, under the official names: slow, and what ours is held against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["PlainHyperformer"]


class PlainHyperformer(nn.Module):
    def __init__(self, hops: Tensor, labels: Sequence[int], *, persons: int, classes: int, heads: int = 9) -> None:
        super().__init__()
        joints, width = len(hops), 24 * heads
        self.persons = persons
        self.data_bn = nn.BatchNorm1d(persons * joints * 3)
        for block in range(1, 11):
            stride = 2 if block in (5, 8) else 1
            self.add_module(
                f"l{block}", Block(3 if block == 1 else width, width, hops, labels, stride=stride, heads=heads)
            )
        self.fc = nn.Linear(width, classes)

    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count, channels, frames, joints, persons = clip.shape
        x = clip.permute(0, 4, 3, 1, 2).reshape(count, -1, frames)
        x = self.data_bn(x).view(count, persons, joints, channels, frames)
        x = x.permute(0, 1, 3, 4, 2).reshape(count * persons, channels, frames, joints)
        for block in range(1, 11):
            x = getattr(self, f"l{block}")(x)
        feature_map = x.view(count, persons, *x.shape[1:])
        pooled = feature_map.flatten(3).mean(3).mean(1)
        return feature_map, pooled, self.fc(pooled)


class Block(nn.Module):
    def __init__(
        self, channels: int, width: int, hops: Tensor, labels: Sequence[int], *, stride: int, heads: int
    ) -> None:
        super().__init__()
        self.vit1 = Transformer(channels, width, hops, labels, heads)
        self.tcn1 = MultiScale(width, stride)
        self.residual = TimeConv(channels, width, 1, stride) if channels != width or stride != 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.tcn1(self.vit1(x)) + self.residual(x))


class Transformer(nn.Module):
    def __init__(self, channels: int, width: int, hops: Tensor, labels: Sequence[int], heads: int) -> None:
        super().__init__()
        self.labels = torch.tensor(labels)
        self.norm1 = nn.LayerNorm(channels)
        self.attn = Attention(channels, width, hops, heads)
        if channels != width:
            self.skip_proj = nn.Conv2d(channels, width, 1, bias=False)
        self.pe_proj = nn.Conv2d(channels, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = [x[..., self.labels == group].mean(-1) for group in range(int(self.labels.max()) + 1)]
        e = self.pe_proj(torch.stack(means, -1))[..., self.labels]
        normed = self.norm1(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        skip = self.skip_proj(x) if hasattr(self, "skip_proj") else x
        return skip + self.attn(normed, e)


class Attention(nn.Module):
    def __init__(self, channels: int, width: int, hops: Tensor, heads: int) -> None:
        super().__init__()
        self.hops, self.heads = hops, heads
        self.rpe = nn.Parameter(torch.zeros(int(hops.max()) + 1, width))
        self.w1 = nn.Parameter(torch.zeros(heads, width // heads))
        self.outer = nn.Parameter(torch.eye(len(hops)).repeat(heads, 1, 1))
        self.alpha = nn.Parameter(torch.zeros(1))
        self.kv = nn.Conv2d(channels, 2 * width, 1, bias=False)
        self.q = nn.Conv2d(channels, width, 1, bias=False)
        self.proj = nn.Conv2d(width, width, 1, groups=6)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        count, _, frames, joints = x.shape
        shape = (count, self.heads, -1, frames, joints)
        k, v = (each.reshape(shape) for each in self.kv(x).chunk(2, 1))
        q, e = self.q(x).view(shape), e.view(shape)
        table = self.rpe[self.hops].view(joints, joints, self.heads, -1)
        scores = torch.einsum("nhctv,nhctw->nhtvw", q, k)
        scores = scores + torch.einsum("nhctv,vwhc->nhtvw", q, table)
        scores = scores + torch.einsum("nhctv,nhctw->nhtvw", q, e)
        scores = scores + torch.einsum("hc,nhctw->nhtw", self.w1, e).unsqueeze(3)
        attention = (scores * q.shape[2] ** -0.5).softmax(-1)
        mixed = self.alpha * attention + self.outer.unsqueeze(1)
        out = torch.einsum("nhtvw,nhctw->nhctv", mixed, v)
        return self.proj(out.reshape(count, -1, frames, joints))


class TimeConv(nn.Module):
    def __init__(self, channels: int, width: int, kernel: int, stride: int, dilation: int = 1) -> None:
        super().__init__()
        padding = (kernel - 1) * dilation // 2
        self.conv = nn.Conv2d(channels, width, (kernel, 1), (stride, 1), (padding, 0), (dilation, 1))
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class MultiScale(nn.Module):
    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        share = width // 4

        def first() -> list[nn.Module]:
            return [nn.Conv2d(width, share, 1), nn.BatchNorm2d(share), nn.ReLU()]

        self.branches = nn.ModuleList(
            [
                *(nn.Sequential(*first(), TimeConv(share, share, 5, stride, dilation)) for dilation in (1, 2)),
                nn.Sequential(*first(), nn.MaxPool2d((3, 1), (stride, 1), (1, 0)), nn.BatchNorm2d(share)),
                nn.Sequential(nn.Conv2d(width, share, 1, (stride, 1)), nn.BatchNorm2d(share)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)
