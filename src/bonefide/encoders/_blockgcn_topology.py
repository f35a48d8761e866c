# SPDX-License-Identifier: Apache-2.0
"""The topology branch of BlockGCN: the shape of the body's cloud of joints, by persistence of degree 0."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Topology", "persistence"]

_ELEMENTS = 64
_SHARPNESS = 3.0


class Topology(nn.Module):
    """What each block adds to its input, from the bars d of a clip's mean body.

        a[e] = sum over d of exp(-(s_e0^2 c_e0^2 + s_e1^2 (c_e1 - d)^2))
        addition = relu(norm(project(a)))

    The projections and norms of all blocks lie side by side.

    Args:
        widths: channels that go into each block.
        persons: person slots M.
        mixing: keep the official code's batch behaviour: distances scaled by the largest of the batch, the shorter
            lists of bars filled up to the longest of the batch, and additions tiled where they should be repeated, so
            that person m of clip n gets those of clip (M n + m) mod N.

    Shape:
        joints: (N, C, T, V, M).
        returned: one (N * M, C', 1, 1) a block.
    """

    def __init__(self, widths: Sequence[int], *, persons: int, mixing: bool) -> None:
        super().__init__()
        self.widths, self.persons, self.mixing = tuple(widths), persons, mixing
        self.centres = nn.Parameter(torch.rand(_ELEMENTS, 2))
        self.sharpness = nn.Parameter(torch.full((_ELEMENTS, 2), _SHARPNESS))
        self.project = nn.Linear(_ELEMENTS, sum(widths))
        self.norm = nn.BatchNorm1d(sum(widths))

    def forward(self, joints: Tensor) -> Sequence[Tensor]:
        """Additions of all blocks."""
        elements = self.elements(persistence(joints, over_batch=self.mixing)).to(self.project.weight.dtype)
        if self.mixing:
            rows = elements.repeat(self.persons, 1)
        else:
            rows = elements.unsqueeze(1).expand(-1, self.persons, -1).flatten(0, 1)
        additions = torch.relu(self.norm(self.project(rows)))
        return additions.unsqueeze(-1).unsqueeze(-1).split(self.widths, dim=1)

    def elements(self, bars: Tensor) -> Tensor:
        """How the bars of each clip answer to the structure elements.

        Shape:
            bars: (N, P), zeros where there are fewer.
            returned: (N, E).
        """
        (centre_0, centre_1), (sharpness_0, sharpness_1) = self.centres.unbind(1), self.sharpness.unbind(1)
        distance = (sharpness_0 * centre_0).square() + (sharpness_1 * (centre_1 - bars.unsqueeze(-1))).square()
        present = bars > 0
        answers = (torch.exp(-distance) * present.unsqueeze(-1)).sum(dim=1)
        if self.mixing:
            count = present.sum(dim=1, keepdim=True)
            answers = answers + (count.amax(dim=0, keepdim=True) - count)
        return answers


def persistence(joints: Tensor, *, over_batch: bool) -> Tensor:
    """When the joints of the mean body of each clip grow together, as the distance at which they count as joined grows.

    Joint i is the row i of the matrix of distances between the joints, scaled to 0..1. All joints are born at 0; when
    two components meet, the one whose first joint comes later dies. What joins i to an earlier joint is the best of all
    paths, of which the longest step counts; so the V - 1 deaths are the edges of a minimum spanning tree, but come
    without a tree, by log2(V) rounds in which the paths double.

    Args:
        joints: coordinates; nothing flows back to them.
        over_batch: scale by the largest distance in the batch instead of the clip's own.

    Shape:
        joints: (N, C, T, V, M).
        returned: (N, V - 1), at least float32, in the order of the joints; 0 where one coincides with an earlier one.
    """
    count, channels, _, number, _ = joints.shape
    exact = joints.detach().to(torch.promote_types(joints.dtype, torch.float32))
    # Each joint's numbers in a row, so that all are summed alike and joints that coincide still do.
    body = exact.permute(0, 1, 3, 2, 4).reshape(count, channels, number, -1).mean(dim=-1)
    distance = (body.unsqueeze(3) - body.unsqueeze(2)).square().sum(dim=1).sqrt()
    largest = distance.amax(dim=1, keepdim=True).amax(dim=2, keepdim=True)
    if over_batch:
        largest = largest.amax(dim=0, keepdim=True)
    # A body that is one point has no bars rather than undefined ones.
    rows = distance / torch.where(largest > 0, largest, 1)
    step = (rows.unsqueeze(2) - rows.unsqueeze(1)).square().sum(dim=-1)
    for _ in range(math.ceil(math.log2(max(number - 1, 1)))):
        step = torch.maximum(step.unsqueeze(2), step.unsqueeze(1)).amin(dim=-1)
    later = torch.ones(number, number, dtype=torch.bool, device=step.device).triu()
    return step.masked_fill(later, math.inf).amin(dim=-1)[:, 1:].sqrt()
