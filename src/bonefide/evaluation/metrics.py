# SPDX-License-Identifier: Apache-2.0
"""Numbers from scores: top-k, per class, balanced, confusion."""

from __future__ import annotations

import numpy as np

from bonefide.errors import ScoresError
from bonefide.types import Array, Scores

__all__ = ["balanced_accuracy", "confusion", "per_class", "top_k"]


def top_k(scores: Scores, k: int = 1) -> float:
    """Share of samples whose true class is among the k highest scores, in percent.

    Classes with equal scores are ranked by their number, so a constant score is no lucky hit for every class.

    Raises:
        ScoresError: if there are no samples, k is below 1, or a score is not a number.

    Example:
        >>> values, labels = np.array([[2.0, 1.0], [2.0, 1.0]]), np.array([0, 1])
        >>> scores = Scores(np.array(["a", "b"]), values, labels, ("sit", "stand"), "last", {})
        >>> top_k(scores, 1), top_k(scores, 2)
        (50.0, 100.0)
    """
    if len(scores.labels) == 0 or k < 1:
        raise ScoresError(f"top-{k} of {len(scores.labels)} samples is not defined")
    if not np.isfinite(scores.values).all():
        raise ScoresError("the scores hold values that are not finite; the training has diverged")
    ranked = np.argsort(-scores.values, axis=1, kind="stable")[:, :k]
    return float(100 * (ranked == scores.labels[:, None]).any(axis=1).mean())


def confusion(scores: Scores) -> Array:
    """Counts of true class (rows) against predicted class (columns), (K, K) int64."""
    # Counted here because importing scikit-learn takes longer than a whole report.
    count = len(scores.classes)
    return np.bincount(scores.labels * count + scores.predictions, minlength=count**2).reshape(count, count)


def per_class(scores: Scores) -> Array:
    """Accuracy of every class in percent, (K,); NaN for a class without samples."""
    matrix = confusion(scores)
    count = matrix.sum(axis=1)
    return np.where(count > 0, 100 * np.diag(matrix) / np.maximum(count, 1), np.nan)


def balanced_accuracy(scores: Scores) -> float:
    """Mean of the classes' accuracies in percent, over classes with samples."""
    return float(np.nanmean(per_class(scores)))
