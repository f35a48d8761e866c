# SPDX-License-Identifier: Apache-2.0
"""The decomposition of a feature map into a spatial and a temporal vector (CSRE)."""

from __future__ import annotations

import math

from torch import Tensor, nn

from bonefide.errors import ShapeError

__all__ = ["Decomposition"]


class Decomposition(nn.Module):
    """Two vectors of a sample: of its joints, averaged over time; and of its frames, averaged over joints.

    Each is squeezed in its channels, laid out flat, channels first, and projected. All of it is affine, so persons can
    be averaged first.

    Args:
        size: (D', T', V') of the map.
        width: of both vectors, at least 1.
        reduction: how many channels are squeezed into one, from 1 to D'; what is left over is cut off.

    Shape:
        feature_map: (N, M, D', T', V').
        returned: (N, width), spatial and temporal.

    Raises:
        ShapeError: if `width` or `reduction` is out of its range.
    """

    def __init__(self, size: tuple[int, int, int], *, width: int, reduction: int) -> None:
        super().__init__()
        channels, frames, joints = size
        if width < 1:
            raise ShapeError(f"width must be at least 1, got {width}")
        if not 1 <= reduction <= channels:
            raise ShapeError(f"reduction must be from 1 to the {channels} channels of the map, got {reduction}")
        squeezed = channels // reduction
        # The convolutions start as the library has it: the official initialisation passes them over.
        self.squeeze_spatial = nn.Conv1d(channels, squeezed, 1)
        self.project_spatial = nn.Linear(squeezed * joints, width)
        self.squeeze_temporal = nn.Conv1d(channels, squeezed, 1)
        self.project_temporal = nn.Linear(squeezed * frames, width)
        for layer in (self.project_spatial, self.project_temporal):
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / width))
            nn.init.zeros_(layer.bias)

    def forward(self, feature_map: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Decompose maps.

        Args:
            feature_map: of an encoder, of any floating-point type; calculated in that of the weights.
            present: (N, M) bool, the persons to average over; all slots, also empty ones, if None.
        """
        kind = self.project_spatial.weight.dtype
        if present is None:
            spatial, temporal = feature_map.mean(dim=(1, 3), dtype=kind), feature_map.mean(dim=(1, 4), dtype=kind)
        else:
            share = (present / present.sum(dim=1, keepdim=True).clamp(min=1)).to(kind)[..., None, None]
            spatial = (feature_map.mean(dim=3, dtype=kind) * share).sum(dim=1)
            temporal = (feature_map.mean(dim=4, dtype=kind) * share).sum(dim=1)
        return (
            self.project_spatial(self.squeeze_spatial(spatial).flatten(1)),
            self.project_temporal(self.squeeze_temporal(temporal).flatten(1)),
        )
