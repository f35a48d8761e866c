# SPDX-License-Identifier: Apache-2.0
"""Two sets of scores of the same samples, or a pair for each seed: is one better, and where?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from bonefide.evaluation.metrics import per_class, top_k
from bonefide.evaluation.scores import align
from bonefide.types import Array, Scores

__all__ = ["Comparison", "Disagreement", "compare", "disagreement", "pooled"]


@dataclass(frozen=True)
class Disagreement:
    """Samples that one of two classifiers has right and the other wrong.

    Args:
        only_first: those only the first has right.
        only_second: those only the second has right.
    """

    only_first: int
    only_second: int

    @property
    def p_value(self) -> float:
        """McNemar's exact test: how likely so uneven a split is, were both equally good.

        Example:
            >>> Disagreement(1, 5).p_value
            0.21875
        """
        both = self.only_first + self.only_second
        return float(binomtest(self.only_first, both).pvalue) if both else 1.0


def disagreement(first: Array, second: Array) -> Disagreement:
    """Where two classifiers disagree.

    Args:
        first: whether the first has a sample right.
        second: whether the second has, in the same order.

    Shape:
        first, second: (N,) bool.
    """
    return Disagreement(int((first & ~second).sum()), int((~first & second).sum()))


def pooled(disagreements: Iterable[Disagreement]) -> Disagreement:
    """Those of several pairs of trainings, such as one for each seed, taken together.

    Seeds share their test samples, so the pooled test takes for independent what is so in part only: its p-value
    tends to be too low, and one just below a threshold says little.

    Example:
        >>> pooled([Disagreement(1, 5), Disagreement(2, 4)])
        Disagreement(only_first=3, only_second=9)
    """
    every = list(disagreements)
    return Disagreement(sum(each.only_first for each in every), sum(each.only_second for each in every))


@dataclass(frozen=True, eq=False)
class Comparison:
    """What distinguishes two classifiers on the same samples.

    Args:
        accuracies: top-1 of both, in percent.
        both_right: samples both have right.
        only_first: samples only the first has right.
        only_second: samples only the second has right.
        both_wrong: samples neither has right.
        p_value: McNemar's exact test: how likely so uneven a split of the disagreements is, were both equally good.
        per_class: second minus first, in points, by class; NaN for classes without samples.
        classes: class names.

    Shape:
        per_class: (K,).
    """

    accuracies: tuple[float, float]
    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float
    per_class: Array
    classes: tuple[str, ...]


def compare(first: Scores, second: Scores) -> Comparison:
    """Compare two sets of scores, joined on sample ids.

    Raises:
        ScoresError: if they are not of the same samples.

    Reference:
        McNemar. Note on the sampling error of the difference between correlated proportions or percentages.
        Psychometrika, 1947. In its exact, binomial form.
    """
    first, second = align([first, second])
    right_first, right_second = first.predictions == first.labels, second.predictions == second.labels
    found = disagreement(right_first, right_second)
    return Comparison(
        accuracies=(top_k(first), top_k(second)),
        both_right=int((right_first & right_second).sum()),
        only_first=found.only_first,
        only_second=found.only_second,
        both_wrong=int(np.sum(~right_first & ~right_second)),
        p_value=found.p_value,
        per_class=per_class(second) - per_class(first),
        classes=first.classes,
    )
