# SPDX-License-Identifier: Apache-2.0
"""HCN written down formula by formula, to compare with: nothing merged, nothing reordered. Only for tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PlainHCN(nn.Module):
    """Names as in the re-implementation, so that its state dicts fit."""

    def __init__(
        self,
        joints: int,
        channels: int = 3,
        *,
        frames: int = 64,
        width: int = 64,
        classes: int = 60,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        for suffix in ("", "m"):
            self.add_module(f"conv1{suffix}", nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU()))
            self.add_module(f"conv2{suffix}", nn.Conv2d(width, frames, (3, 1), padding=(1, 0)))
            conv3 = nn.Conv2d(joints, width // 2, 3, padding=1)
            self.add_module(f"conv3{suffix}", nn.Sequential(conv3, nn.MaxPool2d(2)))
            conv4 = nn.Conv2d(width // 2, width, 3, padding=1)
            self.add_module(f"conv4{suffix}", nn.Sequential(conv4, nn.Dropout2d(dropout), nn.MaxPool2d(2)))
        wide = 2 * width
        for name, given, made in (("conv5", wide, wide), ("conv6", wide, 2 * wide)):
            conv = nn.Conv2d(given, made, 3, padding=1)
            self.add_module(name, nn.Sequential(conv, nn.ReLU(), nn.Dropout2d(dropout), nn.MaxPool2d(2)))
        self.fc7 = nn.Sequential(nn.Linear(2 * wide * (frames // 16) ** 2, 512), nn.ReLU(), nn.Dropout(dropout))
        self.fc8 = nn.Linear(512, classes)

    def map(self, clip: Tensor) -> Tensor:
        """(N, M, C, T / 16, W / 16)."""
        maps = []
        for person in clip.unbind(-1):
            motion = F.interpolate(person[:, :, 1:] - person[:, :, :-1], size=person.shape[2:], mode="bilinear")
            towers = []
            for suffix, x in (("", person), ("m", motion)):
                conv1, conv2, conv3, conv4 = (getattr(self, f"conv{number}{suffix}") for number in range(1, 5))
                towers.append(conv4(conv3(conv2(conv1(x)).permute(0, 3, 2, 1).contiguous())))
            maps.append(self.conv6(self.conv5(torch.cat(towers, dim=1))))
        return torch.stack(maps, dim=1)

    def pooled(self, clip: Tensor) -> Tensor:
        first, *others = self.map(clip).unbind(1)
        for other in others:
            first = torch.max(first, other)
        return self.fc7(first.flatten(1))

    def forward(self, clip: Tensor) -> Tensor:
        return self.fc8(self.pooled(clip))
