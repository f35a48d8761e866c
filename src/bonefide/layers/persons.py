# SPDX-License-Identifier: Apache-2.0
"""Folding persons into the batch and back, and the batch normalisation that comes first."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bonefide.errors import ShapeError
from bonefide.layers.exporting import export_target

__all__ = ["DistinctPersons", "PersonBatchNorm", "distinct_persons", "unfold_persons"]


class DistinctPersons(NamedTuple):
    """Which persons of a batch must be computed, and where the others find what is theirs.

    Args:
        slots: person slots M.
        computed: rows of the folded batch, in order; None for all of them.
        of_each: for each row of the folded batch its place among those; None if they are all.
    """

    slots: int
    computed: Tensor | None = None
    of_each: Tensor | None = None

    def select(self, x: Tensor) -> Tensor:
        """(N * M, ...) to those that are computed."""
        return x if self.computed is None else x.index_select(0, self.computed)

    def everybody(self, x: Tensor) -> Tensor:
        """Those that were computed to (N * M, ...)."""
        return x if self.of_each is None else x.index_select(0, self.of_each)

    def unfold(self, x: Tensor) -> Tensor:
        """Those that were computed to (N, M, ...)."""
        return unfold_persons(self.everybody(x), self.slots)


def distinct_persons(clip: Tensor, encoder: nn.Module | None = None) -> DistinctPersons:
    """Absent persons of a slot are zeros in all clips, so an encoder says the same of them all: one is computed.

    On most clips of two slots one is empty, which then take little more than half of the time. What sees them must
    treat each person alone. Programs for ONNX Runtime leave the same ones out; compilers, which want to know shapes
    before, see all persons, and so do those who want the gradient of the clip, as every person has their own.

    Args:
        clip: zeros where nobody is.
        encoder: what will see it; nothing is left out if any of its modules is in training mode, as statistics include
            the absent. None for what has no statistics and draws nothing at random.

    Shape:
        clip: (N, C, T, V, M).

    Example:
        >>> clip = torch.ones(3, 3, 4, 2, 2)
        >>> clip[1:, ..., 1] = 0
        >>> persons = distinct_persons(clip)
        >>> persons.computed, persons.of_each
        (tensor([0, 1, 2, 3, 4]), tensor([0, 1, 2, 3, 4, 3]))
    """
    count, slots = clip.shape[0], clip.shape[-1]
    exporting = export_target() in {"floats", "integers"}
    # Of one slot hardly anything repeats; but a number that depends on values keeps exporters from fixing lengths.
    repeats = exporting or not (slots == 1 or torch.compiler.is_compiling())
    if not repeats or clip.requires_grad or _any_trains(encoder):
        return DistinctPersons(slots)
    absent = (clip == 0).flatten(1, 3).all(dim=1)
    rows = torch.arange(count * slots, device=clip.device).view(count, slots)
    first = rows.gather(0, absent.int().argmax(dim=0, keepdim=True))
    stands_in = torch.where(absent, first, rows).flatten()
    for_itself = stands_in == rows.flatten()
    computed = for_itself.nonzero().squeeze(1)
    if exporting:
        # Those of the first clip, whether they are there or not.
        torch._check(computed.shape[0] >= slots)
    elif computed.shape[0] == count * slots:
        return DistinctPersons(slots)
    return DistinctPersons(slots, computed, (for_itself.cumsum(0) - 1).index_select(0, stands_in))


def _any_trains(encoder: nn.Module | None) -> bool:
    return encoder is not None and any(module.training for module in encoder.modules())


class PersonBatchNorm(nn.Module):
    """Normalises every coordinate of every joint of every person slot over batch and time, then folds the persons.

    The features of the normalisation are ordered person, joint, coordinate, as in 2s-AGCN and its descendants, so
    person slots have statistics of their own and an absent person is not zero afterwards.

    Args:
        channels: coordinates C.
        joints: joints V.
        persons: person slots M.

    Shape:
        clip: (N, C, T, V, M).
        returned: (N * M, C, T, V).

    Raises:
        ShapeError: if a clip has other C, V or M.
    """

    def __init__(self, channels: int, joints: int, persons: int) -> None:
        super().__init__()
        self.channels, self.joints, self.persons = channels, joints, persons
        self.norm = nn.BatchNorm1d(persons * joints * channels)

    def forward(self, clip: Tensor) -> Tensor:
        """Normalise and fold."""
        if clip.ndim != 5 or (clip.shape[1], clip.shape[3], clip.shape[4]) != (
            self.channels,
            self.joints,
            self.persons,
        ):
            raise ShapeError(
                f"built for clips (N, C={self.channels}, T, V={self.joints}, M={self.persons}), got {tuple(clip.shape)}"
            )
        count, channels, frames, joints, persons = clip.shape
        flat = clip.permute(0, 4, 3, 1, 2).reshape(count, persons * joints * channels, frames)
        normed = self.norm(flat).view(count * persons, joints, channels, frames)
        return normed.permute(0, 2, 3, 1).contiguous()


def unfold_persons(x: Tensor, persons: int) -> Tensor:
    """Take the persons out of the batch again.

    Shape:
        x: (N * M, ...).
        returned: (N, M, ...).
    """
    return x.unflatten(0, (-1, persons))
