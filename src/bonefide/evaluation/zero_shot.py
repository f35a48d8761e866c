# SPDX-License-Identifier: Apache-2.0
"""Numbers of zero-shot recognition from scores over all classes: of unseen classes among themselves, and among all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import ScoresError
from bonefide.types import Array, Scores

__all__ = [
    "TRANSDUCTIVE",
    "CalibrationCurve",
    "Generalized",
    "Sides",
    "above_chance",
    "best_gamma",
    "calibration_curve",
    "generalized",
    "harmonic",
    "sides_of",
    "unseen_accuracy",
    "unseen_part",
]

TRANSDUCTIVE = "transductive"
"""The branch of scores that were decided for all samples of unseen classes together."""


class Generalized(NamedTuple):
    """Accuracies where any class may be said, in percent.

    Args:
        seen: of the samples of seen classes.
        unseen: of those of unseen classes.
        harmonic: harmonic mean of the two; 0 if both are.
    """

    seen: float
    unseen: float
    harmonic: float

    @classmethod
    def of(cls, seen: float, unseen: float) -> Generalized:
        """With their harmonic mean.

        Example:
            >>> Generalized.of(60.0, 30.0).harmonic, Generalized.of(0.0, 0.0).harmonic
            (40.0, 0.0)
        """
        return cls(seen, unseen, float(harmonic(np.array(seen), np.array(unseen))))


class Sides(NamedTuple):
    """What decides about a sample, whatever gamma is.

    Args:
        margin: best score of a seen class minus the best of an unseen one; a gamma above it says an unseen class.
        unseen_first: whether the best unseen class stands before the best seen one, and so wins where both are equal.
        of_seen: whether the true class is a seen one.
        right: whether the best class of the side of the true class is the true class.

    Shape:
        each: (N,) of the samples whose class is seen or unseen.
    """

    margin: Array
    unseen_first: Array
    of_seen: Array
    right: Array

    def hits(self, gammas: Array) -> Array:
        """Whether each sample is right at each gamma, (G, N) bool."""
        above = self.margin < gammas[:, None]
        says_unseen = above | ((self.margin == gammas[:, None]) & self.unseen_first)
        return np.asarray(self.right & (says_unseen != self.of_seen))


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Accuracies of seen and unseen classes for gammas that cover all there is to choose from.

    Args:
        gammas: ascending; between neighbours some decision changes, and nowhere else.
        seen: accuracy of seen classes in percent, falling.
        unseen: that of unseen classes, rising.

    Shape:
        gammas, seen, unseen: (G,).
    """

    gammas: Array
    seen: Array
    unseen: Array

    @property
    def area(self) -> float:
        """Area below the seen accuracy over the unseen one, in percent of the unit square; no gamma has a part in it.

        Example:
            >>> CalibrationCurve(np.zeros(3), np.array([100.0, 100, 0]), np.array([0.0, 100, 100])).area
            100.0
        """
        return float(np.sum(np.diff(self.unseen) * (self.seen[1:] + self.seen[:-1]) / 2) / 100)

    def thinned(self, count: int = 101) -> CalibrationCurve:
        """At most so many of the points, evenly along the way from the first to the last."""
        walked = np.concatenate([[0], np.cumsum(np.abs(np.diff(self.seen)) + np.abs(np.diff(self.unseen)))])
        places = np.unique(np.searchsorted(walked, np.linspace(0, walked[-1], count)))
        return CalibrationCurve(self.gammas[places], self.seen[places], self.unseen[places])


def unseen_part(scores: Scores, split: ClassSplit) -> Scores:
    """Samples and classes that are unseen, as scores of their own: what zero-shot accuracy is measured on.

    Args:
        scores: over all classes.
        split: which of them are unseen; in its order they become classes 0, 1, ...

    Raises:
        ScoresError: if there are fewer classes than the split knows, or no sample is of an unseen one.

    Example:
        >>> split = ClassSplit("mine", seen=(0, 2), unseen=(3, 1))
        >>> scores = Scores(np.array(["a", "b"]), np.eye(4)[[2, 1]], np.array([0, 1]), tuple("stuv"), "last", {})
        >>> part = unseen_part(scores, split)
        >>> part.names.tolist(), part.classes, part.labels.tolist(), part.values.tolist()
        (['b'], ('v', 't'), [1], [[0.0, 1.0]])
    """
    _check(scores, split)
    places = np.full(len(scores.classes), -1)
    places[list(split.unseen)] = np.arange(len(split.unseen))
    rows = places[scores.labels] >= 0
    if not rows.any():
        raise ScoresError(f"no sample is of an unseen class of {split.name}; test on a part that has some")
    columns = list(split.unseen)
    return replace(
        scores,
        names=scores.names[rows],
        values=scores.values[rows][:, columns],
        labels=places[scores.labels[rows]],
        classes=tuple(scores.classes[label] for label in columns),
        branches={name: values[rows][:, columns] for name, values in scores.branches.items()},
    )


def unseen_accuracy(values: Array, labels: Array, split: ClassSplit) -> float:
    """Zero-shot accuracy in percent: samples of unseen classes, decided among the unseen classes.

    Args:
        values: scores over all classes.
        labels: true classes.
        split: which classes are unseen.

    Shape:
        values: (N, K).
        labels: (N,).

    Raises:
        ScoresError: if no sample is of an unseen class.
    """
    columns = np.asarray(split.unseen)
    rows = np.isin(labels, columns)
    if not rows.any():
        raise ScoresError(f"no sample is of an unseen class of {split.name}; test on a part that has some")
    decided = columns[np.asarray(values)[rows][:, columns].argmax(axis=1)]
    return float(100 * (decided == np.asarray(labels)[rows]).mean())


def generalized(scores: Scores, split: ClassSplit, gamma: float = 0.0) -> Generalized:
    """Accuracies where any seen or unseen class may be said: calibrated stacking.

    Args:
        scores: over all classes; gamma acts on them as they are.
        split: which of them are seen and unseen; others, and their samples, have no part.
        gamma: taken from the scores of seen classes.

    Raises:
        ScoresError: if there are fewer classes than the split knows, a side has no samples, or a score is not a number.

    Reference:
        Chao, Changpinyo, Gong, Sha. An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object
        Recognition in the Wild. ECCV 2016.

    Example:
        >>> values = np.array([[3.0, 1.0], [2.0, 1.5]])
        >>> scores = Scores(np.array(["a", "b"]), values, np.array([0, 1]), ("sit", "stand"), "last", {})
        >>> split = ClassSplit("mine", seen=(0,), unseen=(1,))
        >>> generalized(scores, split).unseen, generalized(scores, split, gamma=1.0)
        (0.0, Generalized(seen=100.0, unseen=100.0, harmonic=100.0))
    """
    sides = sides_of(scores, split)
    right = sides.hits(np.array([gamma]))[0]
    return Generalized.of(
        100 * float(right[sides.of_seen].mean()),
        100 * float(right[~sides.of_seen].mean()),
    )


def calibration_curve(scores: Scores, split: ClassSplit) -> CalibrationCurve:
    """The accuracies of all gammas there are: one between any two at which a decision changes.

    Args:
        scores: over all classes.
        split: which of them are seen and unseen.

    Raises:
        ScoresError: if there are fewer classes than the split knows, a side has no samples, or a score is not a number.
    """
    sides = sides_of(scores, split)
    order = np.argsort(sides.margin, kind="stable")
    breaks, first = np.unique(sides.margin[order], return_index=True)
    # In the interval after each of the breaks, so many samples are said to be of unseen classes.
    said = np.append(first, len(order))
    of_seen, right = sides.of_seen[order], sides.right[order]
    won = np.concatenate([[0], np.cumsum(right & ~of_seen)])[said]
    lost = np.concatenate([[0], np.cumsum(right & of_seen)])[said]
    seen, unseen = int(of_seen.sum()), int((~of_seen).sum())
    reach = (breaks[-1] - breaks[0]) / 20 or 1.0
    gammas = np.concatenate([[breaks[0] - reach], (breaks[1:] + breaks[:-1]) / 2, [breaks[-1] + reach]])
    return CalibrationCurve(gammas, 100 * (lost[-1] - lost) / seen, 100 * won / unseen)


def best_gamma(scores: Scores, split: ClassSplit) -> float:
    """The gamma with the highest harmonic mean; of equally good ones the nearest to 0, which is left only for a gain.

    Args:
        scores: of a rehearsal, whose samples are training samples. Of test samples it is an oracle's.
        split: of the rehearsal.

    Raises:
        ScoresError: if there are fewer classes than the split knows, a side has no samples, or a score is not a number.
    """
    curve = calibration_curve(scores, split)
    gammas = np.append(curve.gammas, 0.0)
    means = np.append(harmonic(curve.seen, curve.unseen), generalized(scores, split).harmonic)
    return float(gammas[np.lexsort((np.abs(gammas), -means))[0]])


def harmonic(seen: Array, unseen: Array) -> Array:
    """Harmonic means of accuracies; 0 where both are.

    Shape:
        seen, unseen, returned: any, the same.
    """
    total = seen + unseen
    return np.asarray(2 * seen * unseen / np.where(total > 0, total, 1))


def above_chance(right: int, samples: int, *, chance: float) -> float:
    """How likely so many right samples, or more, are by guessing: an exact binomial test.

    Args:
        right: samples that are.
        samples: of all.
        chance: what guessing gets, in percent.

    Example:
        >>> round(above_chance(9, 10, chance=50.0), 4)
        0.0107
    """
    return float(binomtest(right, samples, chance / 100, alternative="greater").pvalue)


def sides_of(scores: Scores, split: ClassSplit) -> Sides:
    """What decides about each sample of a seen or unseen class.

    Raises:
        ScoresError: if there are fewer classes than the split knows, a side has no samples, or a score is not a number.
    """
    _check(scores, split)
    seen, unseen = np.asarray(split.seen), np.asarray(split.unseen)
    of_seen, of_unseen = np.isin(scores.labels, seen), np.isin(scores.labels, unseen)
    if not of_seen.any() or not of_unseen.any():
        missing = "an unseen" if of_seen.any() else "a seen"
        raise ScoresError(f"no sample is of {missing} class of {split.name}; test on a part that has some")
    known = of_seen | of_unseen
    values, labels, rows = scores.values[known].astype(np.float64), scores.labels[known], np.arange(known.sum())
    if not np.isfinite(values).all():
        raise ScoresError("the scores hold values that are not finite; the training has diverged")
    # In ascending order, so that of equals the first class is taken, as by all scores.
    seen, unseen = np.sort(seen), np.sort(unseen)
    best_seen, best_unseen = seen[values[:, seen].argmax(axis=1)], unseen[values[:, unseen].argmax(axis=1)]
    return Sides(
        margin=values[rows, best_seen] - values[rows, best_unseen],
        unseen_first=best_unseen < best_seen,
        of_seen=of_seen[known],
        right=np.where(of_seen[known], best_seen, best_unseen) == labels,
    )


def _check(scores: Scores, split: ClassSplit) -> None:
    if max(*split.seen, *split.unseen) >= len(scores.classes):
        raise ScoresError(
            f"scores of {len(scores.classes)} classes, but {split.name} knows class {max(*split.seen, *split.unseen)}; "
            "only scores over all classes can be split"
        )
