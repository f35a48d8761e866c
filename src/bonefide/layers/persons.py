# SPDX-License-Identifier: Apache-2.0
"""Folding persons into the batch and back, and the batch normalisation that comes first."""

from __future__ import annotations

from torch import Tensor, nn

from bonefide.errors import ShapeError

__all__ = ["PersonBatchNorm", "unfold_persons"]


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
