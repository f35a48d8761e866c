# SPDX-License-Identifier: Apache-2.0
"""Drawing without replacement: exact, in as many draws as are wanted, with shapes that do not depend on the data."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["distinct", "shuffled"]

_MANY = 2**62


def distinct(sizes: Tensor, count: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Different numbers below each size, every such sequence equally likely.

    Args:
        sizes: how many numbers there are to draw from; at least `count`, otherwise it is taken for that.
        count: how many to draw, at least 1.
        generator: of the same device as the sizes; torch's own if None.

    Shape:
        sizes: (N,) int64.
        returned: (N, count) int64.

    Example:
        >>> distinct(torch.tensor([3, 3]), 3).sort(dim=1).values
        tensor([[0, 1, 2],
                [0, 1, 2]])
    """
    steps = torch.arange(count, device=sizes.device)
    left = sizes.clamp(min=count).unsqueeze(1) - steps
    # The remainder of so large a number favours none by more than one in 2**40 of any size that fits into memory.
    drawn = torch.randint(_MANY, left.shape, generator=generator, device=sizes.device)
    return shuffled(steps + drawn % left)


def shuffled(choices: Tensor) -> Tensor:
    """What a shuffle of 0, 1, 2, ... that exchanges place k with place `choices[k]` in step k has put at place k.

    The steps of Fisher and Yates depend on each other. But what lies at place k before step k was put there by the last
    earlier step that chose k, and had lain at that step's own place; so it is followed back, in strides that double.

    Args:
        choices: place that each step chooses, at least the step's own number.

    Shape:
        choices: (N, K) int64.
        returned: (N, K) int64, different numbers in each row.

    Example:
        >>> shuffled(torch.tensor([[2, 2, 2]]))
        tensor([[2, 0, 1]])
    """
    count = choices.shape[1]
    steps = torch.arange(count, device=choices.device).expand_as(choices)
    before = _last_to_choose(choices, steps)
    origin = torch.where(before < 0, steps, before)
    for _ in range(count.bit_length()):
        origin = origin.gather(1, origin)
    earlier = _last_with_same(choices)
    return torch.where(earlier < 0, choices, origin.gather(1, earlier.clamp(min=0)))


def _last_to_choose(choices: Tensor, steps: Tensor) -> Tensor:
    """The last step before step k that chose place k, or -1."""
    count = choices.shape[1]
    place = torch.where((choices < count) & (choices > steps), choices, count)
    nobody = choices.new_full((choices.shape[0], count + 1), -1)
    return nobody.scatter_reduce(1, place, steps, "amax")[:, :count]


def _last_with_same(choices: Tensor) -> Tensor:
    """The last step before step k that chose as step k does, or -1."""
    chosen, order = choices.sort(dim=1, stable=True)
    same = chosen[:, 1:] == chosen[:, :-1]
    found = torch.where(same, order[:, :-1], -1)
    return torch.full_like(choices, -1).scatter(1, order[:, 1:], found)
