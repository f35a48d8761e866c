# SPDX-License-Identifier: Apache-2.0
"""The memory of all training samples that CSRE contrasts with: a row of unit length for each sample and branch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.losses.memory_contrast import memory_contrast
from bonefide.methods._processes import of_all_processes
from bonefide.types import Array

__all__ = ["Memory"]

_SHORTEST = 1e-12


class Memory(nn.Module):
    """Two banks, what of them is filled, and the contrast with them.

    A row is replaced whenever its sample was in a batch, by what it is then. All of it is part of the state dict, the
    state of the random draws too: a training that is resumed has the memory and the draws it would have had.

    Where several processes train together, each writes the rows of all, so their banks stay equal; their batches must
    be equally large. Each contrasts its own anchors, with random negatives of its own.

    Args:
        labels: class of each training sample.
        num_classes: classes.
        width: of the vectors.
        positives: hard positives of an anchor, at least 1.
        negatives: hard negatives of an anchor, and random ones, at least 1.
        temperature: of the contrast, above 0.
        seed: of the random negatives, at least 0.

    Shape:
        labels: (S,) int64.

    Raises:
        ShapeError: if an option is out of its range.
    """

    spatial: Tensor
    temporal: Tensor
    filled: Tensor
    left_out: Tensor
    rows: Tensor

    def __init__(
        self,
        labels: Array,
        num_classes: int,
        *,
        width: int,
        positives: int,
        negatives: int,
        temperature: float,
        seed: int,
    ) -> None:
        super().__init__()
        for name, value in (("positives", positives), ("negatives", negatives)):
            if value < 1:
                raise ShapeError(f"{name} must be at least 1, got {value}")
        if not temperature > 0:
            raise ShapeError(f"temperature must be above 0, got {temperature}")
        if not 0 <= seed < 2**63:
            raise ShapeError(f"seed must be at least 0 and below 2**63, got {seed}")
        self.positives, self.negatives, self.temperature = positives, negatives, temperature
        self.seed, self.calls = seed, 0
        for branch in ("spatial", "temporal"):
            self.register_buffer(branch, torch.zeros(len(labels), width))
        self.register_buffer("filled", torch.zeros(len(labels), dtype=torch.bool))
        self.register_buffer("left_out", torch.zeros((), dtype=torch.int64))
        self.register_buffer("rows", _rows_of_classes(np.asarray(labels), num_classes), persistent=False)

    def forward(
        self,
        spatial: Tensor,
        temporal: Tensor,
        label: Tensor,
        index: Tensor,
        *,
        random_ranks: tuple[Tensor | None, Tensor | None] = (None, None),
    ) -> tuple[Tensor, Tensor]:
        """Remember a batch, then contrast it with all that is remembered.

        A vector that is not finite or shorter than 1e-12 has no direction: its sample is neither remembered nor counted
        as an anchor, but counted in `left_out`.

        Args:
            spatial: vectors of one branch.
            temporal: of the other.
            label: classes.
            index: places in the training set; of samples that are there twice the last counts, on a GPU any.
            random_ranks: for tests, the random negatives of each branch.

        Shape:
            spatial: (N, width).
            temporal: (N, width).
            label: (N,) int64.
            index: (N,) int64.
            returned: two scalars.
        """
        directed = [_directed(each.to(self.spatial.dtype)) for each in (spatial, temporal)]
        usable = directed[0][1] & directed[1][1]
        units = [unit for unit, _ in directed]
        self._remember(units, usable, index)
        generator = self._generator(spatial.device)
        found = [
            memory_contrast(
                unit,
                label,
                bank=bank,
                filled=self.filled,
                rows=self.rows,
                usable=usable,
                positives=self.positives,
                negatives=self.negatives,
                temperature=self.temperature,
                random_rank=random_rank,
                generator=generator,
            )
            for unit, bank, random_rank in zip(units, (self.spatial, self.temporal), random_ranks, strict=True)
        ]
        return found[0], found[1]

    def get_extra_state(self) -> Tensor:
        """Where the random draws are; part of the state dict."""
        return torch.tensor([self.seed, self.calls])

    def set_extra_state(self, state: Tensor) -> None:
        """Go on drawing from there."""
        self.seed, self.calls = map(int, state)

    @torch.no_grad()
    def _remember(self, units: list[Tensor], usable: Tensor, index: Tensor) -> None:
        units = [of_all_processes(unit.detach()) for unit in units]
        # Not every way to gather knows truth values.
        usable, index = of_all_processes(usable.long()).bool(), of_all_processes(index)
        for bank, unit in zip((self.spatial, self.temporal), units, strict=True):
            bank[index] = torch.where(usable.unsqueeze(1), unit, bank[index])
        self.filled[index] = self.filled[index] | usable
        self.left_out += (~usable).sum()

    def _generator(self, device: torch.device) -> torch.Generator:
        """Of this call and process, from the seed alone: its state is the same on every device."""
        process = distributed.get_rank() if _together() else 0
        word = np.random.SeedSequence((self.seed, self.calls, process)).generate_state(1, np.uint64)[0]
        self.calls += 1
        return torch.Generator(device).manual_seed(int(word >> 1))


def _directed(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors at length 1, and which had a direction; the others are replaced, and get no gradient."""
    length = torch.linalg.vector_norm(vectors.detach(), dim=1)
    usable = length.isfinite() & (length >= _SHORTEST)
    return F.normalize(torch.where(usable.unsqueeze(1), vectors, 1), dim=1, eps=_SHORTEST), usable


def _rows_of_classes(labels: Array, num_classes: int) -> Tensor:
    """(classes, L) numbers of the samples of each class, ascending, then -1."""
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels, minlength=num_classes)
    rows = np.full((num_classes, sizes.max()), -1, dtype=np.int64)
    rows[np.arange(sizes.max()) < sizes[:, None]] = order
    return torch.from_numpy(rows)


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()
