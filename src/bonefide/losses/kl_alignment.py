# SPDX-License-Identifier: Apache-2.0
"""Skeletons and the texts of their classes, drawn together by a divergence from soft targets (PGFA)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError

__all__ = ["kl_alignment"]

Alignment = Literal["kl", "kl+cosface", "kl+margin", "kl+sphereface", "klv2", "mse", "kl+mse", "kl+kd"]

_SHARPNESS = 10.0
_TEACHER_TEMPERATURE, _TEACHER_MARGIN = 0.1, 0.5


def kl_alignment(
    features: Tensor,
    text: Tensor,
    label: Tensor,
    *,
    scale: float | Tensor = 1 / 0.07,
    loss: Alignment = "kl",
    margin: float = 1.0,
    weight: float = 1.0,
) -> Tensor:
    """How far similarities of skeletons and texts are from saying which are of one class, mean over the batch.

    With cosines C of all features and all texts of the batch, and G = 1 where two samples are of one class, else 0:

        P = softmax over j of 10 G_ij      kl(A) = (KL(P || softmax A) + KL(P || softmax A^T)) / 2, mean over rows

    and the loss is, with A = `scale` C, m = `margin` and w = `weight`:

        kl             kl(A)
        kl+cosface     kl(A - m G)
        kl+margin      kl of cosines that are at most 1 - m where G = 1
        kl+sphereface  kl of cosines of m times the angle where G = 1, made to fall without end
        klv2           kl(A) + w kl(S), S the scaled cosines of features with features
        mse            mean over i of the sum over j of (C - T)^2, T the cosines of texts with texts
        kl+mse         kl(A) + w times the mean of (C - T)^2
        kl+kd          kl(A) + w times the same divergence of C / 0.1 from softmax((T + (G - 1) / 2) / 0.1)

    Args:
        features: of the samples, of any length.
        text: of the samples' classes, of any length.
        label: of the samples.
        scale: of cosines, above 0.
        loss: which of these.
        margin: m; at least 1 for "kl+sphereface", where 1 changes nothing.
        weight: w, at least 0.

    Shape:
        features: (N, E).
        text: (N, E).
        label: (N,) int64.
        returned: scalar.

    Raises:
        ShapeError: if the margin is below 1 for "kl+sphereface".

    Reference:
        Zhou, Zhang, You, Hu, Tan, Liu. Zero-Shot Skeleton-based Action Recognition with Prototype-Guided Feature
        Alignment. IEEE TIP 2025. arXiv:2507.00566. kaai520/PGFA, KLLoss.py, where only "kl" runs in every setting; the
        others are what their formulas mean there, and of "kl+margin" and "kl+sphereface" no more than the idea.

    Example:
        >>> kl_alignment(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), scale=10.0)
        tensor(0.)
        >>> kl_alignment(torch.eye(2), torch.eye(2), torch.tensor([0, 0]), scale=2.0)
        tensor(0.4338)
    """
    features, text = F.normalize(features, dim=1), F.normalize(text, dim=1)
    same = (label.unsqueeze(1) == label).to(features.dtype)
    cosines = features @ text.T
    if loss == "mse":
        return _squares(cosines, text) * len(label)
    soft = F.log_softmax(_SHARPNESS * same, dim=1)
    if loss == "kl+cosface":
        return _both_ways(soft, scale * cosines - margin * same)
    if loss in {"kl+margin", "kl+sphereface"}:
        positive = cosines.clamp(max=1 - margin) if loss == "kl+margin" else _sphere(cosines, margin)
        return _both_ways(soft, scale * torch.where(same > 0, positive, cosines))
    found = _both_ways(soft, scale * cosines)
    if loss == "klv2":
        found = found + weight * _both_ways(soft, scale * features @ features.T)
    elif loss == "kl+mse":
        found = found + weight * _squares(cosines, text)
    elif loss == "kl+kd":
        teacher = (text @ text.T + (same - 1) * _TEACHER_MARGIN) / _TEACHER_TEMPERATURE
        found = found + weight * _both_ways(F.log_softmax(teacher, dim=1), cosines / _TEACHER_TEMPERATURE)
    return found


def _both_ways(target: Tensor, logits: Tensor) -> Tensor:
    """Divergence of the softmax of rows and that of columns from the same log-probabilities."""
    rows, columns = (
        F.kl_div(F.log_softmax(each, dim=1), target, reduction="batchmean", log_target=True)
        for each in (logits, logits.T)
    )
    return (rows + columns) / 2


def _sphere(cosines: Tensor, margin: float) -> Tensor:
    """cos(m a), carried on downwards where m a is beyond pi."""
    if margin < 1:
        raise ShapeError(f"margin of kl+sphereface must be at least 1, got {margin}")
    # Where the cosine is 1 the angle has no derivative.
    angle = margin * torch.acos(cosines.clamp(-1 + 1e-6, 1 - 1e-6))
    turns = torch.floor(angle.detach() / math.pi)
    return (1 - 2 * (turns % 2)) * torch.cos(angle) - 2 * turns


def _squares(cosines: Tensor, text: Tensor) -> Tensor:
    return (cosines - text @ text.T).square().mean()
