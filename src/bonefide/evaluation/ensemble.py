# SPDX-License-Identifier: Apache-2.0
"""Fusion of scores: weighted sums joined on sample ids, and honest ways to choose the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

import numpy as np

from bonefide.errors import ScoresError
from bonefide.evaluation.scores import align
from bonefide.types import Array, Scores

__all__ = ["FITTED_ON_TEST", "equal_weights", "fit_weights", "fuse", "fuse_fitted_on_test"]

FITTED_ON_TEST = "fitted_on_test"
"""Stands in `selected_on` of a fusion whose weights test labels chose."""
_GRID = tuple(step / 10 for step in range(11))
_BOX, _TRIES = (0.2, 1.2), 200


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


def fuse_fitted_on_test(test: Mapping[str, Scores], *, seed: int = 0) -> tuple[Scores, dict[str, float]]:
    """The fusion whose weights are best on the test part itself, as some papers report it: no accuracy.

    Weights from 0.2 to 1.2 are tried 200 times, equal ones first, then half at random, the rest ever closer to the
    best so far. The fused scores say so: `selected_on` ends with "fitted_on_test", and whatever takes its top-1 for an
    accuracy is wrong.

    Args:
        test: run to its scores of test samples.
        seed: of the search.

    Raises:
        ScoresError: if there are no scores, or they are not of the same samples.

    Reference:
        The ensemble script of CSRE, which minimises the test error in the same box with as many tries.

    Differs from the official code:
        The search is random, there by a Gaussian process. Weights have two digits.

    Example:
        >>> a = Scores(np.array(["x"]), np.array([[1.0, 0.0]]), np.array([1]), ("sit", "stand"), "last", {})
        >>> b = Scores(np.array(["x"]), np.array([[0.0, 0.9]]), np.array([1]), ("sit", "stand"), "last", {})
        >>> fused, weights = fuse_fitted_on_test({"joint": a, "bone": b})
        >>> fused.selected_on, bool(weights["bone"] > weights["joint"])
        ('last+fitted_on_test', True)
    """
    aligned = align(list(test.values()))
    stacked, labels = np.stack([each.values.astype(np.float64) for each in aligned]), aligned[0].labels
    generator = np.random.default_rng(seed)
    best: Array = np.ones(len(aligned))
    most = -1
    for trial in range(_TRIES):
        weights: Array = np.round(_proposal(trial, best, generator), 2)
        right = int((np.tensordot(weights, stacked, 1).argmax(axis=1) == labels).sum())
        if right > most:
            best, most = weights, right
    chosen = dict(zip(test, map(float, best), strict=True))
    fused = fuse(test, chosen)
    return replace(fused, selected_on=f"{fused.selected_on}+{FITTED_ON_TEST}"), chosen


def _proposal(trial: int, best: Array, generator: np.random.Generator) -> Array:
    if trial == 0:
        return best
    if trial < _TRIES // 2:
        return generator.uniform(*_BOX, size=len(best))
    return np.clip(best + generator.normal(scale=0.3 * (1 - trial / _TRIES), size=len(best)), *_BOX)
