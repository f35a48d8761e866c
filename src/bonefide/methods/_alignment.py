# SPDX-License-Identifier: Apache-2.0
"""Prototypes of classes from samples without labels: PGFA's alignment of texts with what was seen at test time."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["Aligned", "align", "align_running"]


class Aligned(NamedTuple):
    """What samples say about classes.

    Shape:
        prototypes: (U, E), what each class is compared with from now on.
        pseudo_labels: (N,) int64, class each sample was taken for while prototypes were made.
        entropy: (N,), how sure that was.
        selected: (N,) bool, samples that went into a prototype.
        fallback: (U,) bool, classes without any, which keep their anchor.
        similarities: (N, U), cosines of samples and prototypes.
    """

    prototypes: Tensor
    pseudo_labels: Tensor
    entropy: Tensor
    selected: Tensor
    fallback: Tensor
    similarities: Tensor


def align(
    features: Tensor,
    anchors: Tensor,
    alpha: float,
    *,
    iterations: int = 1,
    interpolate: float = 0.0,
    fallback: Tensor | None = None,
) -> Aligned:
    """Replace what classes are compared with by the mean of the samples that are surely of them.

    Each sample is taken for the class of the most similar anchor. Of the n samples of a class the int(alpha n) whose
    similarities have the least entropy are averaged, each of unit length; where there are none the class keeps what it
    had. Calculated in double precision, so that the order of the samples does not matter, and on the CPU.

    Args:
        features: of all samples, which are known to be of these classes.
        anchors: of the classes, at first: texts, or features of exemplars.
        alpha: share of a class's samples that count, 0 to 1.
        iterations: how often; from the second on, prototypes are the anchors.
        interpolate: share of the fall-back, of unit length, in a prototype, 0 to 1; the paper has none.
        fallback: what classes without samples keep; the anchors if None.

    Shape:
        features: (N, E), of any length.
        anchors: (U, E), of any length.
        fallback: (U, E).

    Raises:
        ShapeError: if an option is out of its range.

    Reference:
        Zhou, Zhang, You, Hu, Tan, Liu. Zero-Shot Skeleton-based Action Recognition with Prototype-Guided Feature
        Alignment. IEEE TIP 2025. arXiv:2507.00566.

    Example:
        >>> samples = torch.tensor([[1.0, 0.1], [1.0, 0.2], [0.1, 1.0]])
        >>> found = align(samples, torch.eye(2), 0.5)
        >>> found.pseudo_labels.tolist(), found.selected.tolist(), found.fallback.tolist()
        ([0, 0, 1], [True, False, False], [False, True])
    """
    if not (0 <= alpha <= 1 and 0 <= interpolate <= 1 and iterations >= 1):
        raise ShapeError(
            f"alpha and interpolate must be 0 to 1 and iterations at least 1, got {alpha}, {interpolate} and "
            f"{iterations}"
        )
    samples = F.normalize(_double(features), dim=1)
    current = _double(anchors)
    kept = current if fallback is None else _double(fallback)
    found = _once(samples, current, kept, alpha, interpolate)
    for _ in range(iterations - 1):
        found = _once(samples, found.prototypes, kept, alpha, interpolate)
    return Aligned(
        *(each.to(features.device, features.dtype if each.is_floating_point() else each.dtype) for each in found)
    )


def align_running(
    features: Tensor,
    anchors: Tensor,
    alpha: float,
    *,
    batch: int,
    iterations: int = 1,
    interpolate: float = 0.0,
    fallback: Tensor | None = None,
) -> Tensor:
    """Similarities where samples come in batches, and each batch is judged by what has come so far, itself included.

    Args:
        features: of the samples, in the order in which they come.
        anchors: as in `align`, as are all others.
        alpha: the same.
        batch: samples that come together, at least 1.
        iterations: the same.
        interpolate: the same.
        fallback: the same.

    Shape:
        features: (N, E).
        returned: (N, U).

    Raises:
        ShapeError: if an option is out of its range.
    """
    if batch < 1:
        raise ShapeError(f"batch must be at least 1, got {batch}")
    judged = []
    for start in range(0, len(features), batch):
        known = features[: start + batch]
        found = align(known, anchors, alpha, iterations=iterations, interpolate=interpolate, fallback=fallback)
        judged.append(found.similarities[start:])
    return torch.cat(judged) if judged else features.new_zeros(0, len(anchors))


def _once(samples: Tensor, anchors: Tensor, kept: Tensor, alpha: float, interpolate: float) -> Aligned:
    similarities = samples @ F.normalize(anchors, dim=1).T
    logarithms = F.log_softmax(similarities, dim=1)
    entropy = -(logarithms.exp() * logarithms).sum(dim=1)
    labels = similarities.argmax(dim=1)
    selected = _surest(labels, entropy, len(anchors), alpha)
    belongs = F.one_hot(labels[selected], len(anchors)).to(samples.dtype)
    counts = belongs.sum(dim=0)
    means = belongs.T @ samples[selected] / counts.clamp(min=1).unsqueeze(1)
    means = torch.lerp(means, F.normalize(kept, dim=1), interpolate)
    prototypes = torch.where(counts.unsqueeze(1) > 0, means, kept)
    return Aligned(prototypes, labels, entropy, selected, counts == 0, samples @ F.normalize(prototypes, dim=1).T)


def _surest(labels: Tensor, entropy: Tensor, classes: int, alpha: float) -> Tensor:
    """Of each class the share whose entropy is least."""
    selected = torch.zeros_like(labels, dtype=torch.bool)
    for label in range(classes):
        own = (labels == label).nonzero().squeeze(1)
        surest = entropy[own].argsort(stable=True)[: int(len(own) * alpha)]
        selected[own[surest]] = True
    return selected


def _double(values: Tensor) -> Tensor:
    return values.detach().cpu().double()
