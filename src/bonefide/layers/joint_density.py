# SPDX-License-Identifier: Apache-2.0
"""How densely the joints of a frame lie around each of them, by learned kernels, and how that changes (STJD)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from bonefide.errors import ShapeError

__all__ = ["JointDensity", "density_change", "joint_density"]

_NEIGHBOURS = 3


class JointDensity(nn.Module):
    """Change of the density of joints, in features that are projected along the joints' numbers first.

    The projection sees each joint and the two whose numbers are next to its own, neighbours on the skeleton or not.
    With y its result, h and a as below, D(i) is the density at joint i and the score |D_t(i) - D_t-1(i)|, 0 at first:

        code   D(i) = (2 pi)^(-Co/2)   sum over j of a_j prod over c of w_c / h_ic exp(-((y_jc - y_ic) / h_jc)^2 / 2)
        paper  D(i) = (2 pi)^(-Co/2) / V  sum over j of prod over c of 1 / h_j exp(-((y_jc - y_ic) / h_j)^2 / 2)

    In "code" the kernel's width is that of the joint j, what it is normalised by that of the joint i.

    Args:
        in_channels: features Ci of a joint, at least 1.
        joints: joints V, at least 1.
        channels: projected features Co, at least 1; the published code has 16.
        variant: "code" has a width for each joint and channel, weights of channels and of joints; "paper" a width for
            each joint, as its logarithm, and divides by V.
        learned: whether all of it can be trained; else they are buffers, which no optimiser sees.

    Shape:
        features: (B, T, V, Ci), of any floating-point type.
        returned: (B, T, V), float32 at least.

    Raises:
        ShapeError: if a size is below 1, or features do not fit.

    Reference:
        Gunasekara, Li, Ogunbona, Yang. Spatio-Temporal Joint Density Driven Learning for Skeleton-Based Action
        Recognition. IEEE TBIOM 2025. arXiv:2505.23012. ShanakaRG/STJD, class Gen_mask.

    Differs from the official code:
        Pairs of joints meet in one matrix product, so no tensor has two axes of joints and one of channels. Any sizes,
        any device. "paper" is written from secondary sources: the exponents of its normaliser are not published.

    Example:
        >>> density = JointDensity(12, 25)
        >>> change = density(torch.zeros(2, 8, 25, 12))
        >>> tuple(change.shape), change.any().item()
        ((2, 8, 25), False)
    """

    def __init__(
        self,
        in_channels: int,
        joints: int,
        *,
        channels: int = 16,
        variant: Literal["code", "paper"] = "code",
        learned: bool = True,
    ) -> None:
        super().__init__()
        if min(in_channels, joints, channels) < 1:
            raise ShapeError(f"sizes must be at least 1, got {in_channels} and {channels} channels, {joints} joints")
        self.in_channels, self.joints, self.variant = in_channels, joints, variant
        self.weight: Tensor
        self.bias: Tensor
        self.widths: Tensor
        self.channel_weights: Tensor
        self.joint_weights: Tensor
        start = nn.Conv1d(in_channels, channels, _NEIGHBOURS)
        values = {"weight": start.weight.data, "bias": start.bias.data}  # type: ignore[union-attr]  # it has one
        if variant == "paper":
            values |= {"widths": torch.zeros(joints)}
        else:
            values |= {"widths": torch.ones(joints, channels), "channel_weights": torch.ones(channels)}
            values |= {"joint_weights": torch.ones(joints)}
        for name, value in values.items():
            if learned:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)

    def forward(self, features: Tensor) -> Tensor:
        """Score joints by how the density around them changes."""
        return density_change(self.density(features))

    def density(self, features: Tensor) -> Tensor:
        """The density itself."""
        if features.ndim != 4 or tuple(features.shape[2:]) != (self.joints, self.in_channels):
            raise ShapeError(
                f"built for features (B, T, V={self.joints}, {self.in_channels}), got {tuple(features.shape)}"
            )
        # Its changes are a thousandth of it: half precision would see none.
        with torch.autocast(features.device.type, enabled=False):
            kind = torch.promote_types(features.dtype, torch.float32)
            projected = _projected(features.to(kind), self.weight.to(kind), self.bias.to(kind))
            if self.variant == "code":
                return joint_density(
                    projected,
                    widths=self.widths,
                    channel_weights=self.channel_weights,
                    joint_weights=self.joint_weights,
                )
            count, channels = projected.shape[-2:]
            widths = self.widths.exp()
            # Each kernel is normalised by its own width, which is a weight of its joint.
            return joint_density(
                projected,
                widths=widths.unsqueeze(1).expand(count, channels),
                joint_weights=widths.pow(-channels) / count,
                normalized=False,
            )


def joint_density(
    features: Tensor,
    *,
    widths: Tensor,
    channel_weights: Tensor | None = None,
    joint_weights: Tensor | None = None,
    normalized: bool = True,
) -> Tensor:
    """Sum of Gaussian kernels around all joints of a frame, at each of them.

    Args:
        features: y, of joints.
        widths: h, of the kernels, not 0.
        channel_weights: w, factors of the channels; 1 if None.
        joint_weights: a, factors of the kernels; 1 if None.
        normalized: whether it is divided by the widths of the joint it is taken at, as the official code does.

    Shape:
        features: (..., V, C).
        widths: (V, C).
        channel_weights: (C,).
        joint_weights: (V,).
        returned: (..., V).

    Example:
        >>> joint_density(torch.zeros(2, 1), widths=torch.ones(2, 1))
        tensor([0.7979, 0.7979])
    """
    count, channels = features.shape[-2:]
    # Distances do not depend on the origin; near it their three parts cancel less.
    y = (features - features.mean(dim=-2, keepdim=True)).reshape(-1, count, channels)
    precision = widths.pow(-2)
    scaled = y * precision
    # (y_j - y_i)^2 / h_j^2 is y_j^2 / h_j^2 - 2 y_i y_j / h_j^2 + y_i^2 / h_j^2, halved and negative.
    at = torch.cat([y * y, y, torch.ones_like(y[..., :1])], dim=-1)
    around = torch.cat([-0.5 * precision.expand_as(y), scaled, -0.5 * (scaled * y).sum(dim=-1, keepdim=True)], dim=-1)
    kernels = torch.bmm(at, around.mT).exp()
    density = kernels.sum(dim=-1) if joint_weights is None else kernels @ joint_weights
    scale = torch.full_like(widths[:, 0], (2 * math.pi) ** (-channels / 2))
    if normalized:
        scale = scale / widths.prod(dim=1)
    if channel_weights is not None:
        scale = scale * channel_weights.prod()
    return (density * scale).view(features.shape[:-1])


def density_change(density: Tensor) -> Tensor:
    """Absolute change since the time step before; 0 at the first.

    Shape:
        density: (B, T, V).
        returned: (B, T, V).

    Example:
        >>> density_change(torch.tensor([[[1.0], [3.0], [2.0]]])).flatten().tolist()
        [0.0, 2.0, 1.0]
    """
    return torch.cat([torch.zeros_like(density[:, :1]), density.diff(dim=1).abs()], dim=1)


def _projected(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A convolution of three taps along the joints' numbers, as one matrix product; zeros beyond the ends."""
    padded = nn.functional.pad(features, (0, 0, 1, 1))
    joints = features.shape[2]
    taps = torch.cat([padded[:, :, tap : tap + joints] for tap in range(_NEIGHBOURS)], dim=-1)
    return nn.functional.linear(taps, weight.permute(0, 2, 1).flatten(1), bias)
