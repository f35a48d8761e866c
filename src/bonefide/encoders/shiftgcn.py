# SPDX-License-Identifier: Apache-2.0
"""Shift-GCN: joints and frames exchange channels by shifts instead of graph and temporal convolutions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from bonefide.encoders._shiftgcn_portable import portable_map
from bonefide.encoders._temporal_shift import ShiftGradient, TemporalShift
from bonefide.errors import ShapeError
from bonefide.layers.joint_shift import joint_shift
from bonefide.layers.persons import PersonBatchNorm, distinct_persons
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["ShiftGCN"]

# Channels of the ten blocks in units of `base_channels`, and where time is halved.
_WIDTHS = (1, 1, 1, 1, 2, 2, 2, 4, 4, 4)
_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
_MAP_STRIDE = 4


class ShiftGCN(nn.Module):
    """Shift graph convolutional network.

    Channel c of joint v comes from joint v + c, counted in a circle, so that a map of every joint alone mixes all of
    them; the channels are weighted by a learned mask before and shifted back behind it. Along time every channel looks
    a learned, fractional number of frames ahead or back, before and behind another map of the channels:

        spatial: relu(norm(back(linear((tanh(mask) + 1) * there(x)))) + down(x))
        temporal: norm(shift(relu(linear(shift(norm(x))))))

    Args:
        layout: the skeleton; only the number of its joints counts.
        in_channels: coordinates C.
        persons: person slots M.
        base_channels: width of the first blocks, at least 1; the published network has 64.
        shift_gradient: "sign": the temporal shifts move by the sign of their derivative, as published; not to be used
            with a scaled loss (float16). "true": by their derivative.
        replicas: parts of the batch whose signs are added: 4 for the published training on NTU RGB+D, which ran on 4
            devices, 1 for one device.

    Shape:
        clip: (N, C, T, V, M), T a multiple of 4; absent persons are zeros and are processed like any other.
        map: (N, M, 4 * base_channels, T / 4, V).
        pooled: (N, 4 * base_channels).

    Raises:
        ShapeError: if `base_channels` or `replicas` is below 1, or a clip does not fit.
        UnknownNameError: if there is no such `shift_gradient`.

    Reference:
        Cheng, Zhang, He, Chen, Cheng, Lu. Skeleton-Based Action Recognition with Shift Graph Convolutional Network.
        CVPR 2020, pages 183-192.

    Differs from the official code:
        Plain torch instead of a compiled extension, channels last: equal up to the order of float sums. Joints were
        shifted in time only; the position along the joints, 1e-8 at first and never trained, is left out. Any number of
        joints, there 25. In evaluation absent persons are computed once (`layers.persons`). No classifier: methods have
        it.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = ShiftGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> features = encoder(torch.zeros(2, 3, 16, 20, 1))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 1, 32, 4, 20), (2, 32))
    """

    needs_joints = False
    map_axis = "joint"

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        persons: int = 2,
        base_channels: int = 64,
        shift_gradient: ShiftGradient = "sign",
        replicas: int = 1,
    ) -> None:
        super().__init__()
        if base_channels < 1:
            raise ShapeError(f"base_channels must be at least 1, got {base_channels}")
        self.persons, self.joints = persons, len(layout.joints)
        self.input_norm = PersonBatchNorm(in_channels, self.joints, persons)
        widths = [in_channels, *(base_channels * width for width in _WIDTHS)]
        self.blocks = nn.ModuleList(
            _Block(
                widths[number],
                widths[number + 1],
                self.joints,
                residual=number > 0,
                stride=stride,
                gradient=shift_gradient,
                replicas=replicas,
            )
            for number, stride in enumerate(_STRIDES)
        )
        self.out_channels = widths[-1]

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of the map.

        Raises:
            ShapeError: if `frames` is no multiple of 4.
        """
        _check_frames(frames)
        return self.out_channels, frames // _MAP_STRIDE, self.joints

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode clips; `joints` is not used."""
        if clip.ndim == 5:
            _check_frames(clip.shape[2])
        x = self.input_norm(clip)
        persons = distinct_persons(clip, self)
        x = persons.select(x)
        if torch.compiler.is_exporting() and not self.training:
            feature_map = persons.unfold(portable_map(x, self.blocks))
            return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))
        x = x.permute(0, 2, 3, 1).contiguous()
        for block in self.blocks:
            x = block(x)
        x = persons.unfold(x)
        return Features(x.permute(0, 1, 4, 2, 3), x.flatten(1, 3).mean(dim=1))


def _check_frames(frames: int) -> None:
    if frames % _MAP_STRIDE or frames == 0:
        raise ShapeError(
            f"Shift-GCN halves time twice, so it takes clips of a multiple of {_MAP_STRIDE} frames; got {frames}"
        )


class _Block(nn.Module):
    """All of it channels last: x is (N * M, T, V, C)."""

    def __init__(
        self, in_channels: int, out_channels: int, joints: int, *, residual: bool, stride: int, **shift: Any
    ) -> None:
        super().__init__()
        self.spatial = _Spatial(in_channels, out_channels, joints)
        self.temporal = _Temporal(out_channels, stride=stride, **shift)
        self.residual: nn.Module | None = None
        if residual and (in_channels != out_channels or stride != 1):
            self.residual = _Projection(in_channels, out_channels, stride=stride)
        elif residual:
            self.residual = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.temporal(self.spatial(x))
        if self.residual is not None:
            y = y + self.residual(x)
        return torch.relu(y)


class _Spatial(nn.Module):
    there: Tensor
    there_back: Tensor
    back: Tensor
    back_there: Tensor

    def __init__(self, in_channels: int, out_channels: int, joints: int) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.zeros(joints, in_channels))
        self.linear = nn.Linear(in_channels, out_channels)
        self.norm = nn.BatchNorm1d(joints * out_channels)
        self.down: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.down = _Projection(in_channels, out_channels)
        nn.init.normal_(self.linear.weight, 0, math.sqrt(1 / out_channels))
        nn.init.zeros_(self.linear.bias)
        shifts = {
            "there": joint_shift(joints, in_channels),
            "there_back": joint_shift(joints, in_channels, back=True),
            "back": joint_shift(joints, out_channels, back=True),
            "back_there": joint_shift(joints, out_channels),
        }
        for name, shift in shifts.items():
            self.register_buffer(name, shift, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        shifted = _move(x.flatten(0, 1).flatten(1), self.there, self.there_back)
        masked = shifted * (torch.tanh(self.mask) + 1).flatten().to(x.dtype)
        y = self.linear(masked.unflatten(1, x.shape[2:])).flatten(1)
        y = self.norm(_move(y, self.back, self.back_there))
        return torch.relu(y.unflatten(1, (x.shape[2], -1)).unflatten(0, x.shape[:2]) + self.down(x))


class _Temporal(nn.Module):
    def __init__(self, channels: int, *, stride: int, gradient: ShiftGradient, replicas: int) -> None:
        super().__init__()
        self.norm_in = nn.BatchNorm2d(channels)
        self.shift_in = TemporalShift(channels, gradient=gradient, replicas=replicas)
        self.linear = nn.Linear(channels, channels)
        self.shift_out = TemporalShift(channels, stride=stride, gradient=gradient, replicas=replicas)
        self.norm_out = nn.BatchNorm2d(channels)
        nn.init.normal_(self.linear.weight, 0, math.sqrt(2 / channels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.shift_in(_normalize(self.norm_in, x))
        return _normalize(self.norm_out, self.shift_out(torch.relu(self.linear(x))))


class _Projection(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.linear = nn.Linear(in_channels, out_channels)
        self.norm = nn.BatchNorm2d(out_channels)
        nn.init.normal_(self.linear.weight, 0, math.sqrt(2 / out_channels))
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return _normalize(self.norm, self.linear(x[:, :: self.stride]))


def _normalize(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Over everything but the channels, which lie last."""
    normed: Tensor = norm(x.permute(0, 3, 1, 2))
    return normed.permute(0, 2, 3, 1)


class _Move(torch.autograd.Function):
    """A permutation: its gradient is gathered the other way, not added up."""

    @staticmethod
    def forward(context: Any, x: Tensor, there: Tensor, back: Tensor) -> Tensor:
        context.save_for_backward(there, back)
        return x.index_select(1, there)

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        there, back = context.saved_tensors
        return _Move.apply(grad, back, there), None, None  # type: ignore[no-untyped-call]


def _move(x: Tensor, there: Tensor, back: Tensor) -> Tensor:
    if torch.is_grad_enabled() and not torch.compiler.is_exporting():
        moved: Tensor = _Move.apply(x, there, back)  # type: ignore[no-untyped-call]
        return moved
    return x.index_select(1, there)
