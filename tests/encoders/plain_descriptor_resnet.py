# SPDX-License-Identifier: Apache-2.0
"""The networks of the descriptor paper as their formulas read, under the official names, for one image and for five."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["PlainNetwork"]


class PlainNetwork(nn.Module):
    """Logits of all heads by name; layers that nothing depends on are there too, if asked for."""

    def __init__(self, images: tuple[str, ...], classes: int, *, width: int, dead: bool = False) -> None:
        super().__init__()
        self.images = images
        self.conv1 = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.layer1 = _layer(width, 2 * width, 1)
        self.layer2 = _layer(2 * width, 4 * width, 2)
        if dead:
            self.layer3, self.layer4 = _layer(4 * width, 2 * width, 2), _layer(2 * width, 4 * width, 2)
            self.fc = nn.Linear(4 * width, classes)
        self.convf = nn.Conv2d(4 * width * len(images), classes, 1, bias=False)
        if len(images) > 1:
            self.convf1 = nn.Conv2d(4 * width, classes, 1, bias=False)
            self.convf12 = nn.Conv2d(8 * width, classes, 1, bias=False)
            self.convf345 = nn.Conv2d(12 * width, classes, 1, bias=False)

    def features(self, image: Tensor) -> Tensor:
        x = F.avg_pool2d(self.conv1(image), 4)
        x = F.avg_pool2d(self.layer1(x), 4)
        return F.avg_pool2d(self.layer2(x), 4)

    def forward(self, images: list[Tensor]) -> dict[str, Tensor]:
        f = [self.features(image) for image in images]
        heads = {"fused": self.convf(torch.cat(f, 1))}
        if len(f) > 1:
            heads |= {name: self.convf1(each) for name, each in zip(self.images, f, strict=True)}
            heads["gd+fdd"] = self.convf12(torch.cat(f[:2], 1))
            heads["jdd+add+lad"] = self.convf345(torch.cat(f[2:], 1))
        return {name: each.flatten(1) for name, each in heads.items()}


class _Block(nn.Module):
    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(channels, wide, 3, stride, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, 1, 1, bias=False),
            nn.BatchNorm2d(wide),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != wide:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.left(x) + self.shortcut(x))


def _layer(channels: int, wide: int, stride: int) -> nn.Sequential:
    return nn.Sequential(_Block(channels, wide, stride), _Block(wide, wide, 1))
