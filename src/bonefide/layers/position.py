# SPDX-License-Identifier: Apache-2.0
"""Where and when a token is: learned vectors of joints and of times, and the latter for clips of another length."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["JointTimePosition", "resize_times", "truncated_normal_"]

_DEVIATION = 0.02


class JointTimePosition(nn.Module):
    """A vector for each joint and one for each time; that of a token is their sum.

    Args:
        times: time steps T', at least 1.
        joints: joints V', at least 1.
        width: features D of a token, at least 1.

    Shape:
        returned: (T' * V', D), times slow.

    Raises:
        ShapeError: if a size is below 1.
    """

    def __init__(self, times: int, joints: int, width: int) -> None:
        super().__init__()
        if min(times, joints, width) < 1:
            raise ShapeError(f"positions need at least 1 time, joint and feature, got {times}, {joints} and {width}")
        self.times = nn.Parameter(torch.empty(times, width))
        self.joints = nn.Parameter(torch.empty(joints, width))
        truncated_normal_(self.times)
        truncated_normal_(self.joints)

    def forward(self) -> Tensor:
        return (self.times.unsqueeze(1) + self.joints).flatten(0, 1)


def truncated_normal_(weight: Tensor) -> None:
    """Normal with deviation 0.02, cut at -2 and 2, in place."""
    nn.init.trunc_normal_(weight, std=_DEVIATION, a=-2.0, b=2.0)


def resize_times(times: Tensor, count: int) -> Tensor:
    """Vectors of times for another number of them, by bicubic interpolation (a = -0.75, half-pixel centres).

    Args:
        times: one vector for each time.
        count: how many there shall be, at least 1; with the number there is they are returned as they are.

    Shape:
        times: (T', D).
        returned: (count, D).

    Raises:
        ShapeError: if `count` is below 1.

    Example:
        >>> resize_times(torch.tensor([[0.0], [1.0]]), 3).flatten()
        tensor([-0.0868,  0.5000,  1.0868])
    """
    if count < 1:
        raise ShapeError(f"there must be at least 1 time, got {count}")
    if count == len(times):
        return times
    # Rows of one pixel, so that nothing is interpolated across features.
    image = times.mT[None, :, :, None]
    return F.interpolate(image, size=(count, 1), mode="bicubic", align_corners=False)[0, :, :, 0].mT.contiguous()
