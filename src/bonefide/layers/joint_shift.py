# SPDX-License-Identifier: Apache-2.0
"""The spatial shift of Shift-GCN, as places in a flattened map."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["joint_shift"]


def joint_shift(joints: int, channels: int, *, back: bool = False) -> Tensor:
    """From where each channel of each joint comes: from the joint as many further as the channel's number, in a circle.

    Args:
        joints: joints V.
        channels: channels C.
        back: the other way round.

    Shape:
        returned: (V * C,) int64, places in flattened (V, C).

    Example:
        >>> joint_shift(3, 2).view(3, 2).tolist()
        [[0, 3], [2, 5], [4, 1]]
    """
    channel = torch.arange(channels)
    step = -channel if back else channel
    return ((torch.arange(joints).unsqueeze(1) + step) % joints * channels + channel).flatten()
