# SPDX-License-Identifier: Apache-2.0
"""What a rehearsal tells the zero-shot network beside it: how classes compete, and what is none of them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bonefide.config.recipe import DataRecipe
from bonefide.data.class_splits import ClassSplit
from bonefide.evaluation.zero_shot import best_gamma
from bonefide.evaluation.zero_shot_figures import rehearsal_of
from bonefide.types import Scores

__all__ = ["Calibration", "calibration_of", "floor_of"]


class Calibration(NamedTuple):
    """Two numbers that no test label had a say in.

    Args:
        gamma: what is taken from the scores of seen classes.
        floor: the least score that is believed, or None.
    """

    gamma: float
    floor: float | None


def calibration_of(folder: Path, name: str, data: DataRecipe) -> Calibration:
    """Of a zero-shot run: from the finished rehearsal of the same seed beside it; 0 and None without one.

    Args:
        folder: of the run, which need not have begun.
        name: of the run.
        data: of its recipe.

    Raises:
        RunError: if the rehearsal is of another split, or has diverged.
    """
    rehearsed = rehearsal_of(folder, name, data)
    return Calibration(0.0, None) if rehearsed is None else Calibration(best_gamma(*rehearsed), floor_of(*rehearsed))


def floor_of(scores: Scores, split: ClassSplit, *, missed: float = 0.05) -> float:
    """The score below which so many samples of unseen classes lie with their own class.

    Whoever believes only scores from here on refuses that share of what is rightly named, if other classes score alike.

    Args:
        scores: of a rehearsal.
        split: of the rehearsal.
        missed: that share, from 0 to 1.

    Example:
        >>> values = np.array([[0.1, 0.2], [0.3, 0.6], [0.0, 0.4]])
        >>> scores = Scores(np.array(["a", "b", "c"]), values, np.array([1, 1, 1]), ("sit", "jump"), "last", {})
        >>> round(floor_of(scores, ClassSplit("mine", (0,), (1,)), missed=0.5), 3)
        0.4
    """
    unseen = np.flatnonzero(np.isin(scores.labels, split.unseen))
    return float(np.quantile(scores.values[unseen, scores.labels[unseen]], missed))
