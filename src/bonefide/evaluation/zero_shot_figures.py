# SPDX-License-Identifier: Apache-2.0
"""The zero-shot part of an audit card, and what of a run it is made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.config.recipe import DataRecipe
from bonefide.data import datasets
from bonefide.data.class_splits import ClassSplit, class_split
from bonefide.errors import RunError
from bonefide.evaluation.metrics import balanced_accuracy, confusion, top_k
from bonefide.evaluation.scores import load_scores
from bonefide.evaluation.vote import Verdicts, branches_of
from bonefide.evaluation.zero_shot import (
    TRANSDUCTIVE,
    Generalized,
    above_chance,
    best_gamma,
    calibration_curve,
    generalized,
    unseen_part,
)
from bonefide.evaluation.zero_shot_oracles import oracles_of, single_branches
from bonefide.run import Run
from bonefide.types import Scores

__all__ = [
    "ZeroShotFigures",
    "gamma_of",
    "judged",
    "rehearsal_of",
    "split_of",
    "zero_shot_figures",
    "zero_shot_verdicts",
]


@dataclass(frozen=True)
class ZeroShotFigures:
    """What a zero-shot recogniser gets without a look at test labels. All accuracies in percent.

    Args:
        split: name of the class split; that of a rehearsal ends in "_rehearsal".
        seen: classes with training samples, 0-based.
        unseen: classes without; those of `confusion`, in its order.
        unseen_classes: their names.
        texts: the text encoder, or the file of a bank.
        decision: what is decided by: one score, or the branches whose scores are joined.
        chance: what guessing one of the unseen classes gets.
        commonest: what always naming the commonest of them gets.
        samples: test samples of seen classes, and of unseen ones.
        acc_inductive: of samples of unseen classes, each decided among these alone and for itself.
        acc_transductive: the same decided for all of them together, knowing that all are of unseen classes; or None.
        balanced_inductive: mean of the classes' accuracies instead.
        balanced_transductive: likewise.
        uncalibrated: seen, unseen and harmonic mean where any class may be said.
        calibrated: the same with gamma taken from the scores of seen classes.
        gamma: that.
        gamma_chosen_on: "rehearsal", or "nothing" and gamma is 0.
        area: below the curve of seen over unseen accuracy, in percent of the unit square.
        curve: gamma, seen and unseen accuracy, up to 101 points.
        confusion: counts of true unseen classes (rows) against predicted ones, inductive.
    """

    split: str
    seen: tuple[int, ...]
    unseen: tuple[int, ...]
    unseen_classes: tuple[str, ...]
    texts: str
    decision: str
    chance: float
    commonest: float
    samples: tuple[int, int]
    acc_inductive: float
    acc_transductive: float | None
    balanced_inductive: float
    balanced_transductive: float | None
    uncalibrated: Generalized
    calibrated: Generalized
    gamma: float
    gamma_chosen_on: str
    area: float
    curve: tuple[tuple[float, float, float], ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def classes(self) -> ClassSplit:
        """Which classes are seen and which are not."""
        return ClassSplit(self.split, self.seen, self.unseen)

    @property
    def right(self) -> int:
        """Samples of unseen classes that are right, inductive."""
        return sum(row[place] for place, row in enumerate(self.confusion))

    @property
    def p_value(self) -> float:
        """How likely as many right samples are by guessing one of the unseen classes: exact, binomial, one-sided."""
        return above_chance(self.right, self.samples[1], chance=self.chance)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ZeroShotFigures:
        """From what `dataclasses.asdict` gave, after a way through JSON.

        Raises:
            TypeError: if something is missing or too much.
        """
        known = {key: _tuples(value) for key, value in content.items()}
        for key in ("uncalibrated", "calibrated"):
            known[key] = Generalized(*known[key])
        return cls(**known)


def zero_shot_figures(
    scores: Scores,
    split: ClassSplit,
    *,
    gamma: float = 0.0,
    gamma_chosen_on: str = "nothing",
    texts: str = "unknown",
) -> ZeroShotFigures:
    """All figures of scores whose weights no test label chose.

    Args:
        scores: over all classes.
        split: which of them are seen and unseen.
        gamma: for `calibrated`.
        gamma_chosen_on: what chose it.
        texts: the text encoder.

    Raises:
        ScoresError: if there are fewer classes than the split knows, a side has no samples, or a score is not a number.
    """
    part = unseen_part(scores, split)
    together = branches_of(part).get(TRANSDUCTIVE)
    curve, matrix = calibration_curve(scores, split), confusion(part)
    thin = curve.thinned()
    joined = single_branches(scores)
    return ZeroShotFigures(
        split=split.name,
        seen=split.seen,
        unseen=split.unseen,
        unseen_classes=part.classes,
        texts=texts,
        decision=f"{' and '.join(joined)}, joined" if len(joined) > 1 else "one score",
        chance=100 / len(part.classes),
        commonest=100 * float(matrix.sum(axis=1).max() / matrix.sum()),
        samples=(sum(int((scores.labels == label).sum()) for label in split.seen), len(part.names)),
        acc_inductive=top_k(part),
        acc_transductive=top_k(together) if together is not None else None,
        balanced_inductive=balanced_accuracy(part),
        balanced_transductive=balanced_accuracy(together) if together is not None else None,
        uncalibrated=generalized(scores, split),
        calibrated=generalized(scores, split, gamma),
        gamma=gamma,
        gamma_chosen_on=gamma_chosen_on,
        area=curve.area,
        curve=tuple(zip(thin.gammas.tolist(), thin.seen.tolist(), thin.unseen.tolist(), strict=True)),
        confusion=tuple(tuple(row) for row in matrix.tolist()),
    )


def zero_shot_verdicts(scores: Scores, split: ClassSplit, *, honest: bool = True) -> Verdicts:
    """What the branches get among unseen classes, and the figures that labels decide.

    Args:
        scores: over all classes.
        split: which of them are seen and unseen.
        honest: whether no test label chose the weights; if one did, all figures are such as labels decide.

    Raises:
        ScoresError: if there are fewer classes than the split knows, a side has no samples, or a score is not a number.
    """
    part = unseen_part(scores, split)
    alone = {name: top_k(each) for name, each in branches_of(part).items() if name != TRANSDUCTIVE}
    oracles = oracles_of(scores, split)
    if honest:
        return Verdicts(alone, oracles)
    tainted = {"inductive_best_on_test": top_k(part)}
    if TRANSDUCTIVE in part.branches:
        tainted["transductive_best_on_test"] = top_k(branches_of(part)[TRANSDUCTIVE])
    return Verdicts({}, tainted | oracles)


def split_of(run: Run, scores: Scores) -> ClassSplit | None:
    """The split of a zero-shot run; None of others, those that learn its seen classes alone included.

    Args:
        run: any.
        scores: its scores, which are over all classes of the data set if it is zero-shot.

    Raises:
        UnknownNameError: if the data set has no such split.
    """
    data = run.recipe.data
    if data.classes is None or len(scores.classes) < len(datasets.info(data.dataset).classes):
        return None
    split = class_split(data.classes, dataset=data.dataset)
    return split.rehearsal if data.rehearsal else split


def judged(run: Run) -> Scores:
    """The scores that the accuracy of a run is of: of a zero-shot run those of unseen classes among themselves.

    Raises:
        ScoresError: if they cannot be read.
    """
    scores = load_scores(run.scores_file)
    split = split_of(run, scores)
    return scores if split is None else unseen_part(scores, split)


def gamma_of(run: Run) -> tuple[float, str]:
    """The gamma for a zero-shot run, and what it is chosen on: its rehearsal, if there is one.

    Raises:
        RunError: if the rehearsal is of another split, or has diverged.
    """
    rehearsed = rehearsal_of(run.folder, run.facts["run"], run.recipe.data)
    return (0.0, "nothing") if rehearsed is None else (best_gamma(*rehearsed), "rehearsal")


def rehearsal_of(folder: Path, name: str, data: DataRecipe) -> tuple[Scores, ClassSplit] | None:
    """What was rehearsed for a zero-shot run: scores and split of the finished rehearsal of the same seed beside it.

    Args:
        folder: of the run, which need not have begun.
        name: of the run.
        data: of its recipe.

    Raises:
        RunError: if that is of another split, or has diverged.
    """
    place = folder.resolve()
    beside = Run(Path(place.parent, f"rehearsal{place.name.removeprefix(name)}"))
    if data.rehearsal or not (beside.recipe_file.is_file() and beside.finished):
        return None
    scores = load_scores(beside.scores_file)
    split = split_of(beside, scores)
    if split is None or beside.recipe.data.classes != data.classes or not beside.recipe.data.rehearsal:
        raise RunError(f"{beside.folder}: no rehearsal of {data.classes}; train both into one folder")
    if not np.isfinite(scores.values).all():
        raise RunError(
            f"{beside.folder}: scores of the rehearsal are not finite, its training has diverged; lower "
            "training.optimizer.lr or set training.clip_norm, and give another --out; or remove the rehearsal, and "
            "gamma stays 0"
        )
    return scores, split


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
