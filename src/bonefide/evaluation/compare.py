# SPDX-License-Identifier: Apache-2.0
"""Two sets of scores of the same samples: is one better, and where?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from bonefide.evaluation.metrics import per_class, top_k
from bonefide.evaluation.scores import align
from bonefide.types import Array, Scores

__all__ = ["Comparison", "compare"]


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
    only_first, only_second = int((right_first & ~right_second).sum()), int((~right_first & right_second).sum())
    disagreements = only_first + only_second
    return Comparison(
        accuracies=(top_k(first), top_k(second)),
        both_right=int((right_first & right_second).sum()),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int(np.sum(~right_first & ~right_second)),
        p_value=float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0,
        per_class=per_class(second) - per_class(first),
        classes=first.classes,
    )
