# SPDX-License-Identifier: Apache-2.0
"""Which frames of a clip are left when those that move most are hidden (SMIE)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bonefide.errors import ShapeError

__all__ = ["MotionMask", "motion_energy", "quiet_frames", "take_frames"]

MotionMask = Literal["both", "forward", "random"]
"""What is hidden: frames that differ from both neighbours, from the next one only, or any."""


def motion_energy(clip: Tensor, *, both: bool) -> Tensor:
    """How much each frame moves: mean squared difference to the next frame, and to the one before.

    A neighbour that is not there counts as no difference.

    Args:
        clip: of any joints and persons.
        both: whether the frame before counts.

    Shape:
        clip: (N, C, T, V, M).
        returned: (N, T).
    """
    moved = clip.diff(dim=2).square().mean(dim=(1, 3, 4))
    none = moved.new_zeros(len(moved), 1)
    after = torch.cat([moved, none], dim=1)
    return after + torch.cat([none, moved], dim=1) if both else after


def quiet_frames(clip: Tensor, hidden: int, *, mask: MotionMask) -> Tensor:
    """Frames that are left when those that move most are hidden, in their order.

    Args:
        clip: of any joints and persons.
        hidden: frames to hide, fewer than there are.
        mask: what moving means; nothing is hidden by "random", where all frames are left.

    Shape:
        clip: (N, C, T, V, M).
        returned: (N, T - hidden) int64, or (N, T).

    Raises:
        ShapeError: if no frame would be left.
    """
    frames = clip.shape[2]
    if not 0 <= hidden < frames:
        raise ShapeError(f"{hidden} of {frames} frames cannot be hidden: give longer clips or hide fewer")
    if mask == "random":
        return torch.arange(frames, device=clip.device).expand(len(clip), -1)
    energy = motion_energy(clip, both=mask == "both")
    # Stable, so that equal frames are told apart alike wherever it is computed.
    return energy.argsort(dim=1, stable=True)[:, : frames - hidden].sort(dim=1).values


def take_frames(clip: Tensor, frames: Tensor) -> Tensor:
    """Some frames of each clip.

    Shape:
        clip: (N, C, T, V, M).
        frames: (N, F) int64.
        returned: (N, C, F, V, M).
    """
    index = frames[:, None, :, None, None].expand(-1, clip.shape[1], -1, clip.shape[3], clip.shape[4])
    return clip.gather(2, index)
