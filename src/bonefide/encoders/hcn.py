# SPDX-License-Identifier: Apache-2.0
"""HCN: plain convolutions that take joints for channels, so that all of them are seen together."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.layers.exporting import export_target
from bonefide.layers.persons import distinct_persons, unfold_persons
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["HCN"]

_FRAMES = 64
# Four poolings by two.
_MAP_STRIDE = 16


class HCN(nn.Module):
    """Hierarchical co-occurrence network.

    One tower sees positions, one motions (next frame minus this one, resized back to T frames). Each convolves points
    and three frames, into as many channels as there are frames; then joints become channels and the old channels an
    axis to convolve over beside time, so that features of joints that are far apart meet at once. Two convolutions over
    both towers follow; persons are merged by their maximum.

    Args:
        layout: the skeleton; gives V. The bones are not used.
        in_channels: coordinates C.
        frames: clip length T, a multiple of 16, which all clips must have; None for the published 64.
        persons: person slots M.
        base_channels: width of the first convolution, a multiple of 2; the published network has 64.
        pooled_channels: width D of the pooled features, at least 1.
        dropout: share dropped in training, from 0 to below 1: of channels after each of the last three convolutions, of
            the pooled features.
        tap: which activations are the map: "last", of the last convolution, whose second axis is no joint any more; or
            "points", of the position tower before joints become channels.

    Shape:
        clip: (N, C, T, V, M).
        map: (N, M, 4 * base_channels, T / 16, T / 16), time before the folded coordinates; with "points"
            (N, M, T, T, V), channels before time.
        pooled: (N, D).

    Raises:
        ShapeError: if `frames` is no multiple of 16, `base_channels` none of 2, another option is out of its range,
            or a clip does not fit.

    Reference:
        Li, Zhong, Xie, Pu. Co-occurrence Feature Learning from Skeleton Data for Action Recognition and Detection with
        Hierarchical Aggregation. IJCAI 2018. arXiv:1804.06055.

    Differs from the official code:
        None is known; the numbers are those of the re-implementation huguyuehuhu/HCN-pytorch. All persons are computed
        at once, any number of them, there two; what absent persons share is computed once (`layers.persons`). Poolings
        come before rectification and dropout, with which they commute. No check for NaN. No classifier: methods have
        it.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = HCN(layout("ucla20"), 3, frames=32, persons=1, base_channels=8)
        >>> features = encoder(torch.zeros(2, 3, 32, 20, 1))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 1, 32, 2, 2), (2, 512))
    """

    needs_joints = False

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        frames: int | None = None,
        persons: int = 2,
        base_channels: int = 64,
        pooled_channels: int = 512,
        dropout: float = 0.5,
        tap: Literal["last", "points"] = "last",
    ) -> None:
        super().__init__()
        frames = _FRAMES if frames is None else frames
        _check(frames, base_channels, pooled_channels, dropout)
        self.in_channels, self.frames, self.joints, self.persons = in_channels, frames, len(layout.joints), persons
        self.out_channels, self.map_channels = pooled_channels, 4 * base_channels
        self.dropout, self.tap = dropout, tap
        self.map_axis = "joint" if tap == "points" else "coordinate"
        self.position = _Tower(in_channels, frames, self.joints, base_channels)
        self.motion = _Tower(in_channels, frames, self.joints, base_channels)
        wide = 2 * base_channels
        self.fusion = nn.ModuleList([nn.Conv2d(wide, wide, 3, padding=1), nn.Conv2d(wide, 2 * wide, 3, padding=1)])
        self.project = nn.Linear(2 * wide * (frames // _MAP_STRIDE) ** 2, pooled_channels)
        self.apply(_draw)

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of the map.

        Raises:
            ShapeError: if it is built for another number of frames.
        """
        if frames != self.frames:
            raise ShapeError(f"built for clips of {self.frames} frames, got {frames}")
        if self.tap == "points":
            return frames, frames, self.joints
        return self.map_channels, frames // _MAP_STRIDE, frames // _MAP_STRIDE

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode clips; `joints` is not used."""
        fits = (self.in_channels, self.frames, self.joints, self.persons)
        if clip.ndim != 5 or clip.shape[1:] != fits:
            raise ShapeError(
                f"built for clips (N, C={fits[0]}, T={fits[1]}, V={fits[2]}, M={fits[3]}), got {tuple(clip.shape)}"
            )
        # In training too: nothing is normalised by what the batch holds.
        persons = distinct_persons(clip)
        x = persons.select(clip.permute(0, 4, 1, 2, 3).flatten(0, 1))
        points = self.position.points(x)
        towers = [self.position(points), self.motion(self.motion.points(_motion(x)))]
        if self.training:
            # Of each person other channels are dropped, absent ones included.
            towers = [persons.everybody(tower) for tower in towers]
        y = torch.cat([self._drop(tower) for tower in towers], dim=1)
        for conv in self.fusion:
            y = self._drop(torch.relu(F.max_pool2d(conv(y), 2)))
        last = unfold_persons(y if self.training else persons.everybody(y), self.persons)
        pooled = torch.relu(self.project(last.amax(dim=1).flatten(1)))
        feature_map = persons.unfold(points) if self.tap == "points" else last
        return Features(feature_map, F.dropout(pooled, self.dropout, self.training))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout2d(x, self.dropout, self.training)


class _Tower(nn.Module):
    def __init__(self, in_channels: int, frames: int, joints: int, width: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(in_channels, width, 1)
        self.temporal = nn.Conv2d(width, frames, (3, 1), padding=(1, 0))
        self.joint = nn.Conv2d(joints, width // 2, 3, padding=1)
        self.region = nn.Conv2d(width // 2, width, 3, padding=1)

    def points(self, x: Tensor) -> Tensor:
        """(N, C, T, V) to (N, W, T, V): what is said about each joint in each frame."""
        # With so few channels a product is as fast as a convolution, and the same with any number of threads.
        weight = self.point.weight.flatten(1).expand(x.shape[0], -1, -1)
        y = torch.bmm(weight, x.flatten(2)).add_(self.point.get_parameter("bias").unsqueeze(-1))
        return self.temporal(torch.relu_(y).unflatten(2, x.shape[2:]))

    def forward(self, points: Tensor) -> Tensor:
        """(N, W, T, V) to (N, C, T / 4, W / 4), joints as channels.

        They stay last in memory: convolutions and poolings of such images are the fastest on a CPU.
        """
        if export_target() == "floats":
            # Two moves of one axis each: ONNX Runtime has those fast, and only those.
            x = points.flatten(1, 2).transpose(1, 2).unflatten(2, points.shape[1:3]).transpose(2, 3)
        else:
            x = points.permute(0, 3, 2, 1)
        x = x.contiguous(memory_format=torch.channels_last)
        return F.max_pool2d(self.region(F.max_pool2d(self.joint(x), 2)), 2)


def _motion(x: Tensor) -> Tensor:
    """Differences of neighbouring frames, T - 1 of them, linearly resized to T.

    Frame t lies at (t + 1/2) (T - 1) / T - 1/2 of the differences: between t - 1 and t, and never outside.
    """
    frames = x.shape[2]
    before = ((torch.arange(frames, dtype=x.dtype, device=x.device) + 0.5) / frames).unsqueeze(-1)
    steps = x[:, :, 1:] - x[:, :, :-1]
    steps = torch.cat([steps[:, :, :1], steps, steps[:, :, -1:]], dim=2)
    return torch.lerp(steps[:, :, 1:], steps[:, :, :-1], before)


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _check(frames: int, base_channels: int, pooled_channels: int, dropout: float) -> None:
    if frames < _MAP_STRIDE or frames % _MAP_STRIDE:
        raise ShapeError(
            f"frames must be a multiple of {_MAP_STRIDE} (four poolings by two), got {frames}; resize the clips"
        )
    if base_channels < 2 or base_channels % 2:
        raise ShapeError(f"base_channels must be a positive multiple of 2, got {base_channels}")
    if pooled_channels < 1:
        raise ShapeError(f"pooled_channels must be at least 1, got {pooled_channels}")
    if not 0 <= dropout < 1:
        raise ShapeError(f"dropout must be from 0 to below 1, got {dropout}")
