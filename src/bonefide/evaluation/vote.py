# SPDX-License-Identifier: Apache-2.0
"""Decisions of several classifiers about the same samples: a vote, an average, and how often any of them is right."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from bonefide.errors import ScoresError, did_you_mean
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.scores import align
from bonefide.types import Array, Scores

__all__ = ["Verdicts", "any_right", "average", "branches_of", "by_accuracy", "right_by_any", "verdicts", "vote"]


@dataclass(frozen=True)
class Verdicts:
    """What several classifiers get, alone and together, in percent.

    Args:
        accuracies: of each alone, then of their "average", of the "average_of_all" where not all of them are averaged,
            and of their "vote".
        oracles: figures that labels decide, by name. No accuracies: nothing that is told to a user reaches them.
    """

    accuracies: dict[str, float]
    oracles: dict[str, float]


def vote(scores: Mapping[str, Scores], *, priority: Sequence[str] = ()) -> Scores:
    """The class that most members hold likeliest; no label has a part in it.

    Of classes with equally many votes that of the earliest member in the priority is taken.

    Args:
        scores: member to its scores.
        priority: members, the most trusted first; those left out come behind, in the order of `scores`.

    Returns:
        Votes for each class, and a fraction that decides between equals.

    Raises:
        ScoresError: if a name is no member, or the scores are not of the same samples.

    Reference:
        A reading of the idea of the descriptor paper, whose own rule is unknown: its code counts with labels, as
        `any_right` does.

    Example:
        >>> def of(label):
        ...     return Scores(np.array(["x"]), np.eye(3)[[label]], np.array([0]), ("sit", "stand", "walk"), "last", {})
        >>> members = {"all": of(0), "gd": of(1), "jdd": of(1), "lad": of(0), "add": of(2)}
        >>> vote(members).predictions.tolist(), vote(members, priority=["lad", "gd"]).predictions.tolist()
        ([0], [0])
        >>> vote(members, priority=["gd"]).predictions.tolist()
        [1]
    """
    if unknown := [name for name in priority if name not in scores]:
        raise ScoresError(
            f"'{unknown[0]}' is none of those who vote{did_you_mean(unknown[0], scores)}; "
            f"they are: {', '.join(scores) or 'nobody'}"
        )
    order = [*dict.fromkeys(priority), *(name for name in scores if name not in priority)]
    aligned = _aligned(scores)
    first = next(iter(aligned.values()))
    votes = np.zeros(first.values.shape)
    trust = np.zeros(first.values.shape)
    rows = np.arange(len(first.names))
    for rank, name in enumerate(order):
        chosen = aligned[name].predictions
        votes[rows, chosen] += 1
        trust[rows, chosen] = np.maximum(trust[rows, chosen], 1 - (rank + 1) / (len(order) + 1))
    return _joined(aligned, votes + trust)


def average(scores: Mapping[str, Scores]) -> Scores:
    """Mean of the members' probabilities, which are the softmax of their scores.

    Raises:
        ScoresError: if the scores are not of the same samples.
    """
    aligned = _aligned(scores)
    return _joined(aligned, np.mean([softmax(each.values.astype(np.float64), axis=1) for each in aligned.values()], 0))


def right_by_any(scores: Mapping[str, Scores]) -> Array:
    """Whether the true class is the likeliest one of any member, (N,) bool, in the order of the first member's samples.

    Labels decide, so this is an oracle and no classifier.

    Raises:
        ScoresError: if the scores are not of the same samples.

    Reference:
        The 72 conditions of test.py of adjkamel/imdar, commit 724d9e4, whose members are the networks of single images.
    """
    return np.any([each.predictions == each.labels for each in _aligned(scores).values()], axis=0)


def any_right(scores: Mapping[str, Scores]) -> float:
    """Share of samples that any member is right about, in percent.

    It is what an oracle would get that knows for each sample whom to believe: an upper bound, and no accuracy.

    Raises:
        ScoresError: if there are no samples, or the scores are not of the same.
    """
    right = right_by_any(scores)
    if len(right) == 0:
        raise ScoresError("no samples, so there is no share of them")
    return float(100 * right.mean())


def verdicts(scores: Mapping[str, Scores], *, alone: Collection[str] = (), priority: Sequence[str] = ()) -> Verdicts:
    """All figures of some classifiers of the same samples.

    Args:
        scores: member to its scores.
        alone: members that are averaged, and of which `any_right` is; all if empty. In the descriptor paper those of
            one image, for the one of all images has no part in its oracle.
        priority: for the vote.

    Raises:
        ScoresError: if a name is no member, or the scores are not of the same samples.
    """
    if unknown := [name for name in alone if name not in scores]:
        raise ScoresError(f"'{unknown[0]}' is none of the members; they are: {', '.join(scores) or 'nobody'}")
    single = {name: each for name, each in scores.items() if not alone or name in alone}
    accuracies = {name: top_k(each) for name, each in scores.items()} | {"average": top_k(average(single))}
    if len(single) < len(scores):
        accuracies["average_of_all"] = top_k(average(scores))
    accuracies["vote"] = top_k(vote(scores, priority=priority))
    return Verdicts(accuracies, {"any_right": any_right(single)})


def by_accuracy(validation: Mapping[str, Scores], *, first: Sequence[str] = ()) -> tuple[str, ...]:
    """Members in descending accuracy on samples kept from training; equals stay in their order.

    Args:
        validation: member to its scores of validation samples, which neither trained nor test.
        first: members that come before all others, whatever their accuracy.
    """
    others = [name for name in validation if name not in first]
    return (*first, *sorted(others, key=lambda name: -top_k(validation[name])))


def branches_of(scores: Scores, *, joined: bool = True) -> dict[str, Scores]:
    """The branches of a network as scores of their own.

    Args:
        scores: with branches, or none.
        joined: whether branches that join others, named "a+b", are among them.
    """
    return {
        name: Scores(scores.names, values, scores.labels, scores.classes, scores.selected_on, scores.hashes)
        for name, values in scores.branches.items()
        if joined or "+" not in name
    }


def _aligned(scores: Mapping[str, Scores]) -> dict[str, Scores]:
    return dict(zip(scores, align(list(scores.values())), strict=True))


def _joined(aligned: Mapping[str, Scores], values: Array) -> Scores:
    first = next(iter(aligned.values()))
    selected = "+".join(dict.fromkeys(each.selected_on for each in aligned.values()))
    shared = set.intersection(*(set(each.hashes.items()) for each in aligned.values()))
    return Scores(first.names, values, first.labels, first.classes, selected, dict(sorted(shared)))
