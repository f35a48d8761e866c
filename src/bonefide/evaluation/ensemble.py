# SPDX-License-Identifier: Apache-2.0
"""Fusion of scores: weighted sums joined on sample ids, and honest ways to choose the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np

from bonefide.errors import ScoresError
from bonefide.evaluation.scores import align
from bonefide.types import Scores

__all__ = ["equal_weights", "fit_weights", "fuse"]

_GRID = tuple(step / 10 for step in range(11))


def fuse(scores: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """Weighted sum of scores, over samples that all have.

    Args:
        scores: run to its scores.
        weights: run to its weight; exactly the runs of `scores`.

    Raises:
        ScoresError: if runs and weights differ, or the scores are not of the same samples.

    Example:
        >>> a = Scores(np.array(["x"]), np.array([[1.0, 0.0]]), np.array([1]), ("sit", "stand"), "last", {})
        >>> b = Scores(np.array(["x"]), np.array([[0.0, 3.0]]), np.array([1]), ("sit", "stand"), "last", {})
        >>> fuse({"joint": a, "bone": b}, {"joint": 0.6, "bone": 0.4}).predictions.tolist()
        [1]
    """
    if scores.keys() != weights.keys():
        raise ScoresError(
            f"weights are for {', '.join(sorted(weights)) or 'nothing'}, scores are of {', '.join(sorted(scores))}; "
            "give one weight for each"
        )
    aligned = dict(zip(scores, align(list(scores.values())), strict=True))
    first = next(iter(aligned.values()))
    values = np.sum([weights[run] * each.values.astype(np.float64) for run, each in aligned.items()], axis=0)
    shared = set.intersection(*(set(each.hashes.items()) for each in aligned.values()))
    selected = "+".join(dict.fromkeys(each.selected_on for each in aligned.values()))
    return Scores(first.names, values, first.labels, first.classes, selected, dict(sorted(shared)))


def equal_weights(runs: Iterable[str]) -> dict[str, float]:
    """One for each."""
    return dict.fromkeys(runs, 1.0)


def fit_weights(validation: Mapping[str, Scores]) -> dict[str, float]:
    """The weights from 0 to 1 in steps of 0.1 that are best on a validation part.

    Of equally good ones the most even are taken, so that weights are moved from equality only for a gain.

    Args:
        validation: run to its scores of validation samples, which neither trained nor test.

    Raises:
        ScoresError: if there are no scores, more than five runs, or the scores are not of the same samples.
    """
    if len(validation) > 5:
        raise ScoresError(f"weights of {len(validation)} runs are too many to search; fit at most 5")
    aligned = align(list(validation.values()))
    stacked = np.stack([each.values.astype(np.float64) for each in aligned])
    candidates = [weights for weights in product(_GRID, repeat=len(aligned)) if max(weights) == 1]
    candidates.sort(key=lambda weights: float(np.ptp(weights)))
    right = [
        int((np.tensordot(weights, stacked, 1).argmax(axis=1) == aligned[0].labels).sum()) for weights in candidates
    ]
    return dict(zip(validation, candidates[int(np.argmax(right))], strict=True))
