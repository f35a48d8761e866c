# SPDX-License-Identifier: Apache-2.0
"""Zero-shot figures that labels of test samples decide: no accuracies, for comparison with papers that count so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import ScoresError
from bonefide.evaluation.vote import any_right, branches_of
from bonefide.evaluation.zero_shot import (
    TRANSDUCTIVE,
    Generalized,
    Sides,
    best_gamma,
    calibration_curve,
    generalized,
    harmonic,
    sides_of,
    unseen_part,
)
from bonefide.types import Array, Scores

__all__ = [
    "NEURON_GAMMAS",
    "EitherCorrect",
    "either_correct",
    "either_correct_on_test",
    "oracles_of",
    "single_branches",
]

NEURON_GAMMAS = tuple(step * 1e-5 for step in range(20, 31))
"""What Neuron's code tries."""


@dataclass(frozen=True)
class EitherCorrect:
    """Two branches, of which the label picks the right one, at the gammas that are best by labels.

    Args:
        gammas: of the branches.
        either: counting a sample if either branch is right.
        branches: each alone at its gamma.
    """

    gammas: tuple[float, float]
    either: Generalized
    branches: tuple[Generalized, Generalized]


def single_branches(scores: Scores) -> tuple[str, ...]:
    """Branches that decide alone and one sample at a time."""
    return tuple(name for name in scores.branches if name != TRANSDUCTIVE and "+" not in name)


def either_correct(scores: Scores, split: ClassSplit, names: Sequence[str]) -> float:
    """Share of samples of unseen classes that any of the branches has right among those, in percent.

    Labels decide which branch is believed. Its chance level is that of so many guesses: for two branches and five
    classes 36 %, not 20 %.

    Raises:
        ScoresError: if a branch is missing, or no sample is of an unseen class.

    Reference:
        The evaluation of Neuron's code.
    """
    _check(scores, names)
    branches = branches_of(unseen_part(scores, split))
    return any_right({name: branches[name] for name in names})


def either_correct_on_test(
    scores: Scores, split: ClassSplit, names: tuple[str, str], *, gammas: Sequence[float] | None = None
) -> EitherCorrect:
    """Neuron's generalised figure: a pair of gammas with the best harmonic mean, searched on these samples.

    Each branch is a softmax over seen and unseen classes; its gamma is taken from the seen ones.

    Args:
        scores: with the branches.
        split: which classes are seen and unseen.
        names: of the branches.
        gammas: tried for both, as `NEURON_GAMMAS`; None for up to 101 of each branch that cover all there is.

    Raises:
        ScoresError: if a branch is missing, or a side has no samples.

    Reference:
        The evaluation of Neuron's code.
    """
    _check(scores, names)
    both = [_probabilities(scores, split, name) for name in names]
    tried = [np.asarray(gammas or calibration_curve(each, split).thinned().gammas) for each in both]
    sides = [sides_of(each, split) for each in both]
    hits = [each.hits(grid) for each, grid in zip(sides, tried, strict=True)]
    seen, unseen = (_either(hits, which) for which in (sides[0].of_seen, ~sides[0].of_seen))
    first, second = np.unravel_index(int(np.argmax(harmonic(seen, unseen))), seen.shape)
    best = (int(first), int(second))
    return EitherCorrect(
        gammas=(float(tried[0][first]), float(tried[1][second])),
        either=Generalized.of(float(seen[best]), float(unseen[best])),
        branches=(_alone(sides[0], hits[0][first]), _alone(sides[1], hits[1][second])),
    )


def oracles_of(scores: Scores, split: ClassSplit) -> dict[str, float]:
    """All figures of a zero-shot recogniser that labels decide, by name, in percent.

    Raises:
        ScoresError: if a side has no samples.
    """
    found = {"harmonic_best_gamma_on_test": generalized(scores, split, best_gamma(scores, split)).harmonic}
    names = single_branches(scores)
    if len(names) > 1:
        found["either_correct"] = either_correct(scores, split, names)
    if len(names) == 2:
        search = either_correct_on_test(scores, split, (names[0], names[1]))
        found["either_correct_harmonic_best_gammas_on_test"] = search.either.harmonic
    return found


def _probabilities(scores: Scores, split: ClassSplit, name: str) -> Scores:
    """Softmax of a branch over the classes of the split; the others get nothing."""
    columns = [*split.seen, *split.unseen]
    values = np.zeros(scores.values.shape)
    values[:, columns] = softmax(scores.branches[name][:, columns].astype(np.float64), axis=1)
    return replace(scores, values=values, branches={})


def _either(hits: list[Array], which: Array) -> Array:
    """Share of samples that either is right about in percent, for all pairs of gammas, (G, G)."""
    wrong = [(~each[:, which]).astype(np.float64) for each in hits]
    return np.asarray(100 - 100 * (wrong[0] @ wrong[1].T) / which.sum())


def _alone(sides: Sides, hits: Array) -> Generalized:
    return Generalized.of(100 * float(hits[sides.of_seen].mean()), 100 * float(hits[~sides.of_seen].mean()))


def _check(scores: Scores, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in scores.branches]:
        raise ScoresError(f"the scores have no branch '{missing[0]}'; they have {', '.join(scores.branches) or 'none'}")
