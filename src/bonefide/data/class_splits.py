# SPDX-License-Identifier: Apache-2.0
"""Which classes are seen in training and which are not: the splits of the zero-shot papers, and a few of our own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from bonefide.data import datasets
from bonefide.data.protocols import Split, carve_validation
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, UnknownNameError

__all__ = ["ClassSplit", "class_split", "class_splits", "rehearsed", "restricted"]


@dataclass(frozen=True)
class ClassSplit:
    """A partition of the classes of a data set.

    Args:
        name: of the split.
        seen: classes with training samples, 0-based, ascending.
        unseen: classes without, of which only texts are known; those of a one-shot split in the order of the paper.
        held_out: seen classes that a rehearsal treats as unseen, to choose with; may be empty.

    Raises:
        DataError: if a class occurs twice, a side is empty, or what is held out is not a part of what is seen.

    Example:
        >>> split = ClassSplit("mine", seen=(0, 1, 3), unseen=(2,), held_out=(1,))
        >>> split.rehearsal.seen, split.rehearsal.unseen
        ((0, 3), (1,))
    """

    name: str
    seen: tuple[int, ...]
    unseen: tuple[int, ...]
    held_out: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        together = (*self.seen, *self.unseen)
        if len(set(together)) != len(together):
            raise DataError(f"class split {self.name}: a class is seen and unseen, or listed twice")
        if not self.seen or not self.unseen:
            raise DataError(f"class split {self.name}: needs seen and unseen classes")
        if not set(self.held_out) < set(self.seen):
            raise DataError(f"class split {self.name}: held_out must be some of the seen classes, and not all")

    @property
    def rehearsal(self) -> ClassSplit:
        """The split of the seen classes alone in which those held out are the unseen ones.

        Raises:
            DataError: if nothing is held out.
        """
        if not self.held_out:
            raise DataError(f"class split {self.name}: no classes are held out to rehearse with")
        seen = tuple(label for label in self.seen if label not in self.held_out)
        return ClassSplit(f"{self.name}_rehearsal", seen, self.held_out)


def class_splits(dataset: str) -> tuple[str, ...]:
    """Names of the splits of a data set, those of one-shot recognition last.

    Example:
        >>> class_splits("synthetic")
        ('synthetic_21_5',)
    """
    return tuple(name for name, facts in _known().items() if dataset in facts["datasets"])


def class_split(name: str, *, dataset: str) -> ClassSplit:
    """A split by its name.

    Args:
        name: one of `class_splits`.
        dataset: whose classes are split.

    Raises:
        UnknownNameError: if the data set has no such split.

    Reference:
        The splits of SynSE, SMIE, PGFA, STAR and Neuron; those of NW-UCLA, UTD-MHAD and the synthetic people are ours.
        What is held out follows one rule for all: the first classes, as many as are unseen, of a permutation of the
        seen ones by NumPy's generator with seed 0; for one-shot splits likewise.

    Differs from the official code:
        SynSE's own choice of classes to validate on is kept in the file of splits as `held_out_synse`, but not used:
        for 110/10 its list of the remaining classes is broken.

    Example:
        >>> class_split("ntu60_55_5", dataset="ntu60").unseen
        (10, 11, 19, 26, 56)
    """
    if name not in class_splits(dataset):
        raise UnknownNameError(f"class splits of {dataset}", name, class_splits(dataset))
    facts = _known()[name]
    unseen = facts["novel" if "novel" in facts else "unseen"]
    seen = tuple(label for label in range(len(datasets.info(dataset).classes)) if label not in unseen)
    return ClassSplit(name, seen, tuple(unseen), tuple(facts["held_out"]))


def restricted(
    store: SkeletonStore, parts: Split, *, train: Sequence[int] | None = None, test: Sequence[int] | None = None
) -> Split:
    """Parts of a protocol with samples of some classes only; None leaves a part as it is."""
    kept = [
        rows if classes is None else rows[np.isin(store.labels[rows], classes)]
        for rows, classes in ((parts.train, train), (parts.test, test))
    ]
    return Split(*kept)


def rehearsed(store: SkeletonStore, parts: Split, rehearsal: ClassSplit, *, seed: int, share: float = 0.2) -> Split:
    """The training part of a protocol parted once more, so that what it decides has not seen the test part.

    Some subjects are held out; their samples of all classes, and everybody's of the classes that play the unseen ones,
    are the new test part.

    Args:
        store: the store that was split.
        parts: of the protocol; only the training rows are used.
        rehearsal: as `ClassSplit.rehearsal`.
        seed: decides which subjects.
        share: of the subjects to hold out, above 0 and below 1.

    Raises:
        DataError: if the training part has one subject, or unknown ones.
    """
    remaining, held_out = carve_validation(store, parts, share=share, seed=seed, by="subject")
    unseen = parts.train[np.isin(store.labels[parts.train], rehearsal.unseen)]
    others = held_out[np.isin(store.labels[held_out], rehearsal.seen)]
    return Split(remaining, np.sort(np.concatenate([unseen, others])))


@cache
def _known() -> dict[str, dict[str, Any]]:
    text = resources.files(datasets).joinpath("splits", "classes.json").read_text(encoding="utf-8")
    content = json.loads(text)
    found: dict[str, dict[str, Any]] = content["splits"] | content["one_shot"]
    return found
