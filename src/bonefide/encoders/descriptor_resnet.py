# SPDX-License-Identifier: Apache-2.0
"""The image network of the descriptor paper: a short, wide residual network, one trunk for all images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.layers.batch_norm import BatchNorm2d
from bonefide.types import Features

__all__ = ["DescriptorResNet"]

_ALL = ("gd", "fdd", "jdd", "add", "lad")
_Norm = Callable[[int], nn.Module]
_POOL = 4
# Two poolings by four; the stride of the last stage rounds up, and the last pooling takes what is left.
_SMALLEST = _POOL**2


class DescriptorResNet(nn.Module):
    """Residual network that reads images of descriptors instead of clips.

    One convolution, then two stages of two residual blocks, each stage twice as wide as what it reads; means over
    4 x 4 pixels before, between and after the stages leave one vector an image. All images of a sample go through the
    same trunk. While it trains each kind of image has batch statistics of its own.

    What is kept of them for evaluation is what `statistics` is about. As published there is one set, updated by one
    image after another, so that it fits none of several kinds: a network that knows its training data by heart is near
    chance in evaluation. With a set for each kind, evaluation does what training did.

    Args:
        images: names of the images of a sample, in their order.
        in_channels: colours C of an image.
        base_width: channels W of the first convolution, at least 1; the published network has 256.
        statistics: of batch norms, kept for evaluation: "shared" by all images, as published, or each has its "own".
            With one image they are the same.

    Shape:
        clip: (N, I, C, H, W) images, 0..255 and not scaled, colours as OpenCV reads them (blue, green, red); float32 or
            uint8, at least 16 x 16; published 112 x 112.
        map: (N, I, 4 * base_width, H', W'), 4 x 4 for 112 x 112.
        pooled: (N, I * 4 * base_width), one image after another.

    Raises:
        ShapeError: if there is no image, two have one name, `base_width` is below 1, or a batch does not fit.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition. Information Sciences, 2025.

    Differs from the official code:
        The half of the weights that no output depends on (`layer3`, `layer4`, `fc`) is left out. The last pooling is
        over all that is left, which is the same for the published size, so that other sizes work too. No classifier:
        methods have it.

    Example:
        >>> encoder = DescriptorResNet(("gd", "jdd"), base_width=4)
        >>> features = encoder(torch.zeros(2, 2, 3, 112, 112))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 2, 16, 4, 4), (2, 32))
    """

    needs_joints = False
    reads_images = True
    map_axis = "column"

    def __init__(
        self,
        images: tuple[str, ...] = _ALL,
        in_channels: int = 3,
        *,
        base_width: int = 256,
        statistics: Literal["shared", "own"] = "shared",
    ) -> None:
        super().__init__()
        if not images or len(set(images)) < len(images):
            raise ShapeError(f"images must be different names, at least one, got {', '.join(images) or 'none'}")
        if base_width < 1:
            raise ShapeError(f"base_width must be at least 1, got {base_width}")
        self.images, self.in_channels = images, in_channels
        self.map_channels = 4 * base_width
        self.out_channels = len(images) * self.map_channels
        self.conv = nn.Conv2d(in_channels, base_width, 3, padding=1, bias=False)
        self.shares = statistics == "shared" or len(images) == 1
        norm: _Norm = BatchNorm2d if self.shares else partial(_NormOfImages, len(images))
        self.norm = norm(base_width)
        self.stages = nn.ModuleList([_stage(base_width, norm, stride=1), _stage(2 * base_width, norm, stride=2)])

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', H', W') of the map.

        Args:
            frames: rows, and columns, of the images; there is no other time here.

        Raises:
            ShapeError: if they are too small.
        """
        if frames < _SMALLEST:
            raise ShapeError(f"images must be at least {_SMALLEST} x {_SMALLEST}, got {frames} x {frames}")
        side = (frames // _POOL // _POOL + 1) // 2
        return self.map_channels, side, side

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode images; `joints` is not used."""
        expected = (len(self.images), self.in_channels)
        if clip.ndim != 5 or clip.shape[1:3] != expected or min(clip.shape[3:]) < _SMALLEST:
            raise ShapeError(
                f"built for images (N, I={expected[0]}, C={expected[1]}, H, W) of {_SMALLEST} x {_SMALLEST} or more, "
                f"got {tuple(clip.shape)}"
            )
        images = clip.to(self.conv.weight.dtype)
        if self.training and self.shares:
            found = torch.stack([self._map(image) for image in images.unbind(dim=1)], dim=1)
        else:
            found = self._map(images.flatten(0, 1)).unflatten(0, clip.shape[:2])
        return Features(found, found.mean(dim=(3, 4)).flatten(1))

    def _map(self, image: Tensor) -> Tensor:
        if self.training:
            # A narrow network trains a quarter faster so; in evaluation it would pay for reordered weights.
            image = image.contiguous(memory_format=torch.channels_last)
        x = torch.relu(self.norm(self.conv(image)))
        for stage in self.stages:
            x = stage(F.avg_pool2d(x, _POOL))
        return x


class _NormOfImages(nn.BatchNorm2d):
    """Batch norm of images (N * I, C, H, W), those of a sample together, each of the I with statistics of its own."""

    def __init__(self, images: int, channels: int) -> None:
        super().__init__(channels)
        self.images = images
        self.register_buffer("running_mean", torch.zeros(images * channels))
        self.register_buffer("running_var", torch.ones(images * channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise: the images of a sample side by side are so many more channels."""
        weight, bias = self.weight.repeat(self.images), self.bias.repeat(self.images)
        y = F.batch_norm(
            x.unflatten(0, (-1, self.images)).flatten(1, 2),
            self.get_buffer("running_mean"),
            self.get_buffer("running_var"),
            weight,
            bias,
            self.training,
            self.momentum or 0.0,
            self.eps,
        )
        return y.unflatten(1, (self.images, -1)).flatten(0, 1)


class _Block(nn.Module):
    def __init__(self, in_channels: int, channels: int, norm: _Norm, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.norm1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = norm(channels)
        self.down: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.down = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False), norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.down(x))


def _stage(in_channels: int, norm: _Norm, *, stride: int) -> nn.Sequential:
    channels = 2 * in_channels
    return nn.Sequential(_Block(in_channels, channels, norm, stride=stride), _Block(channels, channels, norm, stride=1))
