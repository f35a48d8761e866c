# SPDX-License-Identifier: Apache-2.0
"""Prototypes that are rewritten level by level by what a skeleton shows, at its joints or along its frames (Neuron).

Every prototype gathers features of joints or frames, and a network of two layers makes the next prototype of what it
gathered. What it gathered is never computed: the first layer is linear, so it is applied to the joints or frames, of
which there are fewer than prototypes, and its results are gathered.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["Rewriting", "SpatialCompression", "TemporalMemory", "lowest"]

_LEVELS = 3
_SUPPRESSED = 1e-12


class SpatialCompression(nn.Module):
    """Prototypes fed by joints; at each level a joint feeds fewer of them: 3/4, half, a quarter.

        Z = P S^T,   R = softmax of Z over joints, times 1e-12 at the prototypes that are lowest for a joint
        P <- relu(W2 relu(W1 R S))

    Args:
        prototypes: their number A, a multiple of 4.
        channels: width D' of features and prototypes.
        start: what the networks of all levels start from; None draws each for itself.

    Shape:
        features: (N, V', D'), of joints.
        returned: of each level (N, A, D').

    Raises:
        ShapeError: if `prototypes` is no multiple of 4.
    """

    def __init__(self, prototypes: int, channels: int, *, start: Rewriting | None) -> None:
        super().__init__()
        if prototypes < 4 or prototypes % 4:
            raise ShapeError(f"prototypes must be a multiple of 4, got {prototypes}")
        self.prototypes = nn.Parameter(torch.randn(prototypes, channels))
        self.update = _networks(channels, start)

    def forward(self, features: Tensor) -> list[Tensor]:
        """Prototypes of every level."""
        affinity = _first_affinity(self.prototypes, features)
        levels: list[Tensor] = []
        for level, update in enumerate(self.update, start=1):
            masked = lowest(affinity.detach(), level * len(self.prototypes) // (_LEVELS + 1))
            shares = affinity.softmax(dim=2) * torch.where(masked, _SUPPRESSED, 1.0).to(affinity.dtype)
            levels.append(update(shares, features))
            if level < _LEVELS:
                affinity = levels[-1] @ features.mT
        return levels


class TemporalMemory(nn.Module):
    """Prototypes fed by ever longer beginnings of the clip, which keep part of what they were.

        A = softmax of P F^T over frames,   G = A F
        P <- sigmoid(recall(G)) P + sigmoid(memory(G)) update(G)

    with three networks relu(W2 relu(W1 .)), so that no gate closes below one half.

    Args:
        prototypes: their number A.
        channels: width D' of features and prototypes.
        windows: frames of the first two levels, the third sees all; a shorter clip is seen whole.
        start: what the updating networks start from; None draws each for itself.
        start_of_gates: the same of those that recall and memorise.

    Shape:
        features: (N, T', D'), of frames.
        returned: of each level (N, A, D').
    """

    def __init__(
        self,
        prototypes: int,
        channels: int,
        *,
        windows: tuple[int, int],
        start: Rewriting | None,
        start_of_gates: Rewriting | None,
    ) -> None:
        super().__init__()
        self.windows = (*windows, None)
        self.prototypes = nn.Parameter(torch.randn(prototypes, channels))
        self.update = _networks(channels, start)
        self.memory = _networks(channels, start_of_gates)
        self.recall = _networks(channels, start_of_gates)

    def forward(self, features: Tensor) -> list[Tensor]:
        """Prototypes of every level."""
        levels: list[Tensor] = []
        current: Tensor = self.prototypes
        for window, *networks in zip(self.windows, self.update, self.memory, self.recall, strict=True):
            seen = features[:, :window]
            affinity = current @ seen.mT if levels else _first_affinity(current, seen)
            shares = affinity.softmax(dim=2)
            update, memory, recall = (network(shares, seen) for network in networks)
            current = torch.addcmul(recall.sigmoid() * current, memory.sigmoid(), update)
            levels.append(current)
        return levels


class Rewriting(nn.Module):
    """relu(W2 relu(W1 R X + b1) + b2), in the order R (X W1) that takes the fewest products.

    Args:
        channels: width D'.

    Shape:
        shares: (N, A, L), how much every prototype gathers of each of L places.
        features: (N, L, D'), of the places.
        returned: (N, A, D').
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(channels, channels)
        self.second = nn.Linear(channels, channels)

    def forward(self, shares: Tensor, features: Tensor) -> Tensor:
        """The prototypes made of what was gathered."""
        hidden = torch.baddbmm(self.first.bias, shares, F.linear(features, self.first.weight))
        # In two dimensions, since `relu_` of what is a view elsewhere copies all of its gradient.
        made = F.linear(hidden.relu_().flatten(0, 1), self.second.weight, self.second.bias).relu_()
        return made.unflatten(0, shares.shape[:2])


def lowest(values: Tensor, count: int) -> Tensor:
    """Which `count` of the second axis are lowest, the first of equals first, as a stable sort has it.

    Shape:
        values: (N, A, L).
        returned: (N, A, L) bool, `count` of every A.

    Example:
        >>> lowest(torch.tensor([[[1.0], [0.0], [0.0], [0.0]]]), 2).flatten().tolist()
        [False, True, True, False]
    """
    limit = values.topk(count, dim=1, largest=False, sorted=False).values.amax(dim=1, keepdim=True)
    below, equal = values < limit, values == limit
    left = count - below.sum(dim=1, keepdim=True)
    return below | (equal & (equal.cumsum(dim=1) <= left))


def _first_affinity(prototypes: Tensor, features: Tensor) -> Tensor:
    return F.linear(features, prototypes).mT


def _networks(channels: int, start: Rewriting | None) -> nn.ModuleList:
    return nn.ModuleList(Rewriting(channels) if start is None else copy.deepcopy(start) for _ in range(_LEVELS))
