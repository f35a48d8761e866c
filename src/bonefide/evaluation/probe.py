# SPDX-License-Identifier: Apache-2.0
"""How well features tell classes apart: nearest neighbours, and a linear classifier that test labels never touch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from bonefide.errors import DataError, ShapeError
from bonefide.types import Array

__all__ = ["LinearProbe", "Sheet", "linear_probe", "nearest_probe"]

_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
_FOLDS = 5
_STEPS = 1000


@dataclass(frozen=True, eq=False)
class Sheet:
    """Features of samples whose classes are known.

    Args:
        features: of each sample.
        labels: classes, 0-based.
        groups: who performs each sample, -1 where unknown; all unknown if None.

    Shape:
        features: (n, D).
        labels: (n,) int64.
        groups: (n,) int64.

    Raises:
        ShapeError: if the sizes do not agree or there are no samples.
    """

    features: Array
    labels: Array
    groups: Array | None = None

    def __post_init__(self) -> None:
        count = len(self.labels)
        groups = count if self.groups is None else len(self.groups)
        if self.features.ndim != 2 or not (len(self.features) == count == groups) or not count:
            raise ShapeError(
                f"features (n, D) need n labels and groups, n at least 1; got {self.features.shape}, {count}, {groups}"
            )


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A linear classifier on frozen features.

    Args:
        predictions: class of each test sample.
        strength: C, the inverse of the regularisation, that was chosen.
        held_out: accuracy of that C on the training samples held out to choose it, in percent.
        chosen: on what it was chosen, in words.

    Shape:
        predictions: (m,) int64.
    """

    predictions: Array
    strength: float
    held_out: float
    chosen: str


def nearest_probe(train: Sheet, features: Array, *, neighbors: int = 1) -> Array:
    """The class most of the nearest training samples have, by the angle between features; of a draw the first class.

    Args:
        train: whom to ask.
        features: of the samples to classify.
        neighbors: how many vote, at least 1 and at most all.

    Shape:
        features: (m, D).
        returned: (m,) int64.

    Raises:
        DataError: if all training samples are of one class.
        ShapeError: if `neighbors` is out of its range.

    Example:
        >>> train = Sheet(np.eye(3), np.array([0, 1, 2]))
        >>> nearest_probe(train, np.array([[0.1, 0.9, 0.0]])).tolist()
        [1]
    """
    _check_classes(train)
    if not 1 <= neighbors <= len(train.labels):
        raise ShapeError(f"neighbors must be 1 to {len(train.labels)}, the training samples; got {neighbors}")
    classifier = KNeighborsClassifier(neighbors, metric="cosine").fit(train.features, train.labels)
    return np.asarray(classifier.predict(features), dtype=np.int64)


def linear_probe(train: Sheet, features: Array) -> LinearProbe:
    """Logistic regression on features that are standardised by the training samples.

    Its regularisation is chosen on the training part alone: groups of it (people) are held out in turn, up to five
    folds, and the C that classifies most of the held-out samples right is taken, of equals the smallest. Where groups
    are unknown or there is one only, samples are held out. Labels of what is classified never come here.

    Args:
        train: what to learn from.
        features: of the samples to classify.

    Shape:
        features: (m, D).

    Raises:
        DataError: if all training samples are of one class.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> labels = np.arange(40) % 2
        >>> train = Sheet(generator.normal(size=(40, 3)) + 5 * labels[:, None], labels, np.arange(40) // 10)
        >>> found = linear_probe(train, np.array([[0.0, 0.0, 0.0], [5.0, 5.0, 5.0]]))
        >>> found.predictions.tolist(), found.chosen
        ([0, 1], '4 folds by who performs')
    """
    _check_classes(train)
    folds, chosen = _folds(train)
    right = [sum(_right(train, strength, *fold) for fold in folds) for strength in _STRENGTHS]
    best = int(np.argmax(right))
    model = _fitted(train.features, train.labels, _STRENGTHS[best])
    held_out = 100 * right[best] / sum(len(held) for _, held in folds)
    return LinearProbe(np.asarray(model.predict(features), np.int64), _STRENGTHS[best], held_out, chosen)


def _check_classes(train: Sheet) -> None:
    if len(np.unique(train.labels)) < 2:
        raise DataError(
            f"all {len(train.labels)} training samples are of class {train.labels[0]}; there is nothing to tell apart"
        )


def _folds(train: Sheet) -> tuple[list[tuple[Array, Array]], str]:
    """Rows to learn from and rows held out, and in words how they were parted."""
    groups = train.groups
    count = 0 if groups is None or (groups < 0).any() else len(np.unique(groups))
    if count > 1:
        parted: Iterator[tuple[Array, Array]] = GroupKFold(min(_FOLDS, count)).split(train.features, groups=groups)
        words = f"{min(_FOLDS, count)} folds by who performs"
    else:
        number = min(_FOLDS, len(train.labels))
        parted = KFold(number, shuffle=True, random_state=0).split(train.features)
        words = f"{number} folds of samples, since who performs is not known or always the same"
    return list(parted), words


def _right(train: Sheet, strength: float, learned: Array, held: Array) -> int:
    """How many of the held-out samples are classified right."""
    labels = train.labels[learned]
    if len(np.unique(labels)) < 2:
        return int((train.labels[held] == labels[0]).sum())
    model = _fitted(train.features[learned], labels, strength)
    return int((model.predict(train.features[held]) == train.labels[held]).sum())


def _fitted(features: Array, labels: Array, strength: float) -> Pipeline:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=_STEPS))
    with warnings.catch_warnings():
        # A weakly regularised one may be stopped early; it is chosen by what it gets right, not by how far it got.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, labels)
