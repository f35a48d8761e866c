# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours of learned embeddings: the training sample that is most like a sample."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["nearest_of_classes"]

_AT_ONCE = 2048


def nearest_of_classes(known: Tensor, labels: Tensor, asked: Tensor, *, num_classes: int) -> Tensor:
    """How similar the most similar known sample of each class is, by the cosine of the angle between embeddings.

    The class with the highest score is that of the nearest neighbour, so this is retrieval with one neighbour.

    Args:
        known: embeddings of samples whose classes are known.
        labels: their classes, 0-based.
        asked: embeddings of samples to score.
        num_classes: classes K.

    Shape:
        known: (n, E).
        labels: (n,) int64.
        asked: (m, E).
        returned: (m, K), -1 to 1; -1 for classes of which no sample is known.

    Raises:
        ShapeError: if nothing is known, the sizes do not agree, or an embedding is not finite.

    Example:
        >>> import torch
        >>> known = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> nearest_of_classes(known, torch.tensor([2, 0]), torch.tensor([[3.0, 0.0]]), num_classes=3).tolist()
        [[0.0, -1.0, 1.0]]
    """
    if not len(known) or known.shape[1:] != asked.shape[1:] or len(labels) != len(known):
        raise ShapeError(
            f"known embeddings (n, E) need n labels, asked ones (m, E); got {tuple(known.shape)}, {len(labels)} labels "
            f"and {tuple(asked.shape)}"
        )
    known, asked = (F.normalize(each.float(), dim=1) for each in (known, asked))
    if not (known.isfinite().all() and asked.isfinite().all()):
        raise ShapeError("the embeddings are not finite; has the training diverged?")
    found = asked.new_full((len(asked), num_classes), -1.0)
    for part, similar in zip(found.split(_AT_ONCE), asked.split(_AT_ONCE), strict=True):
        part.scatter_reduce_(1, labels.expand(len(part), -1), similar @ known.T, reduce="amax")
    return found
