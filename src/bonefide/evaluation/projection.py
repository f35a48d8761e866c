# SPDX-License-Identifier: Apache-2.0
"""Features of samples and texts of classes in the plane, for pictures; no figure is made from them."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import RunError
from bonefide.types import Array

__all__ = ["Projection", "project"]

_UNSEEN, _SEEN = 400, 200
"""Samples at most, of unseen and of seen classes: more would neither be seen nor be waited for."""
_NEIGHBORS = 30
_SEED = 0


@dataclass(frozen=True, eq=False)
class Projection:
    """Points by t-SNE, which keeps neighbours together; distances between groups mean nothing.

    Args:
        points: of samples, -1 to 1.
        labels: their classes; place among the unseen ones, -1 for all seen ones.
        texts: of the unseen classes, in the order of the split; none if they are not of the features' space.

    Shape:
        points: (N, 2).
        labels: (N,).
        texts: (U, 2) or (0, 2).
    """

    points: Array
    labels: Array
    texts: Array


def project(file: Path, split: ClassSplit) -> Projection | None:
    """Features that a zero-shot run has kept, in the plane; None if there are fewer than four samples.

    Directions are compared, for so do methods. Of each side some samples are drawn, always the same ones.

    Args:
        file: with `labels`, `features` (N, E) and perhaps `texts` (K, E).
        split: which classes are seen and unseen.

    Raises:
        RunError: if the file is damaged.

    Reference:
        van der Maaten, Hinton. Visualizing Data using t-SNE. JMLR 2008. As in scikit-learn.
    """
    labels, features, texts = _read(file)
    places = np.full(int(max(*split.seen, *split.unseen, labels.max(initial=0))) + 1, -2)
    places[list(split.seen)], places[list(split.unseen)] = -1, np.arange(len(split.unseen))
    generator = np.random.default_rng(_SEED)
    sides = (np.flatnonzero(places[labels] >= 0), _UNSEEN), (np.flatnonzero(places[labels] == -1), _SEEN)
    rows = np.sort(np.concatenate([_some(side, count, generator) for side, count in sides]))
    if len(rows) < 4:
        return None
    told = texts[list(split.unseen)] if texts is not None and texts.shape[1] == features.shape[1] else features[:0]
    plane = _plane(np.concatenate([features[rows], told]))
    return Projection(plane[: len(rows)], places[labels[rows]], plane[len(rows) :])


def _plane(vectors: Array) -> Array:
    # Here, for it takes longer to import than most reports do to write.
    from sklearn.manifold import TSNE  # noqa: PLC0415

    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    neighbors = min(_NEIGHBORS, (len(unit) - 1) / 3)
    placed = TSNE(perplexity=neighbors, init="random", random_state=_SEED, metric="cosine").fit_transform(unit)
    centered = placed - (placed.max(axis=0) + placed.min(axis=0)) / 2
    return np.asarray(centered / max(float(np.abs(centered).max()), 1e-12))


def _some(rows: Array, count: int, generator: np.random.Generator) -> Array:
    return rows if len(rows) <= count else generator.choice(rows, count, replace=False)


def _read(file: Path) -> tuple[Array, Array, Array | None]:
    try:
        with np.load(file, allow_pickle=False) as stored:
            texts = stored["texts"].astype(np.float64) if "texts" in stored.files else None
            return stored["labels"], stored["features"].astype(np.float64), texts
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(f"{file}: no features of a run ({error}); train again, or remove the file") from error
