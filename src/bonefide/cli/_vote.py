# SPDX-License-Identifier: Apache-2.0
"""A vote of several runs, for `bonefide ensemble --vote`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from bonefide.errors import RunError, did_you_mean

if TYPE_CHECKING:
    from bonefide.evaluation.vote import Verdicts
    from bonefide.run import Run
    from bonefide.types import Scores

__all__ = ["Ballot", "cast"]


class Ballot(NamedTuple):
    """A vote that has been cast.

    Args:
        scores: votes for each class.
        verdicts: what the members get, alone, averaged and voting; and what an oracle would.
        priority: whose class is taken of those with equally many votes, the most trusted first.
        how: which of equals is taken, in words.
    """

    scores: Scores
    verdicts: Verdicts
    priority: tuple[str, ...]
    how: str


def cast(runs: Mapping[str, Run], scores: Mapping[str, Scores], *, priority: str) -> Ballot:
    """Let runs vote; test labels decide nothing but the figures.

    Runs that see several images come first in the priority, and have no part in the average and the oracle, which are
    of the runs that see one. Others follow by their accuracy on validation samples where all have kept some.

    Args:
        runs: by name.
        scores: of the same.
        priority: names joined by commas, the most trusted first; empty for that order.

    Raises:
        RunError: if a name is no run.
        ScoresError: if the scores are not of the same samples.
    """
    from bonefide.evaluation.vote import verdicts, vote

    order, how = _order(runs, priority)
    joint = _joint(runs)
    alone = [name for name in runs if name not in joint]
    return Ballot(vote(scores, priority=order), verdicts(scores, alone=alone, priority=order), order, how)


def _order(runs: Mapping[str, Run], asked: str) -> tuple[tuple[str, ...], str]:
    from bonefide.evaluation.scores import load_scores
    from bonefide.evaluation.vote import by_accuracy

    if asked:
        names = tuple(name.strip() for name in asked.split(","))
        if unknown := [name for name in names if name not in runs]:
            raise RunError(
                f"--priority names '{unknown[0]}', which is none of these runs{did_you_mean(unknown[0], runs)}; "
                f"they are: {', '.join(runs)}"
            )
        return _by_place((*names, *runs))
    first = _joint(runs)
    if all(run.validation_scores_file.is_file() for run in runs.values()):
        kept = {name: load_scores(run.validation_scores_file) for name, run in runs.items()}
        return by_accuracy(kept, first=first), "the most accurate on validation samples of the training part"
    return _by_place((*first, *runs))


def _by_place(names: Iterable[str]) -> tuple[tuple[str, ...], str]:
    order = tuple(dict.fromkeys(names))
    return order, f"the first of {' > '.join(order)}"


def _joint(runs: Mapping[str, Run]) -> list[str]:
    """Runs that see several images, where others see one."""
    found = [name for name, run in runs.items() if len(run.recipe.data.images or ()) > 1]
    return found if len(found) < len(runs) else []
