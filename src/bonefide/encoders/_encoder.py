# SPDX-License-Identifier: Apache-2.0
"""What every encoder is."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from bonefide.types import Features

__all__ = ["Encoder"]


class Encoder(Protocol):
    """An `nn.Module` from clips to features.

    Its constructor takes what the engine gives by name (`layout`, `in_channels`, `frames`, `persons`: those it asks
    for) and keyword-only options, whose defaults are the paper's.
    """

    out_channels: int
    """D of `Features.pooled`."""
    needs_joints: bool
    """Whether it wants `Batch.joints` besides the stream; of the class, so that data can be made before the encoder."""
    map_axis: str
    """What the last axis of `Features.map` is: "joint", or "coordinate" for HCN."""

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of `Features.map` for clips of that many frames."""

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode a batch of clips.

        Shape:
            clip: (N, C, T, V, M).
            joints: (N, 3, T, V, M) or None.
        """

    def __call__(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """As `forward`."""
