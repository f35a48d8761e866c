# SPDX-License-Identifier: Apache-2.0
"""Who trains and who tests, who is held out for validation, and the digest that names such a choice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np

from bonefide.data import datasets
from bonefide.data.datasets import Rule
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, UnknownNameError
from bonefide.types import Array

__all__ = ["Split", "carve_validation", "split", "split_digest"]

_COLUMN_OF = {"subject": "subjects", "camera": "cameras", "setup": "setups"}


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of a store that train and rows that test.

    Shape:
        train: (n,) int64, in the official order where there is one, else by name.
        test: (m,) int64, likewise.
    """

    train: Array
    test: Array


def split(
    store: SkeletonStore,
    protocol: str,
    *,
    share: float = 1.0,
    seed: int = 0,
    by: Literal["sample", "class", "process"] = "sample",
) -> Split:
    """Split a store as a published protocol does.

    The protocol's rule decides by subject, camera or setup, or the lists that came with the raw data do; the official
    order of the names, where the data set has one, only orders. Samples that order does not know follow by name, names
    the store does not have are passed over.

    Args:
        store: an opened store.
        protocol: one of the data set's.
        share: part of the training samples to keep, above 0 and at most 1, for semi-supervised learning.
        seed: of the shuffle that decides who stays.
        by: "sample": all are shuffled once and the first floor(n share) stay, not balanced by class. "class": the same
            in each class, rounded and at least one. "process": what MAMP's code shows to any of its two processes,
            which shuffle with seeds of their own, so that about twice the share is seen.

    Raises:
        UnknownNameError: if the data set has no such protocol, or `by` is none of these.
        DataError: if the share is out of range or keeps no sample, or the store does not know who
            trains: its data came without the protocol's lists, subjects, cameras or setups.
    """
    rules = {**dict.fromkeys(store.info.listed, Rule("lists")), **datasets.info(store.info.dataset).protocols}
    if protocol not in rules:
        raise UnknownNameError(f"protocols of {store.info.dataset}", protocol, rules)
    rule = rules[protocol]
    trains = _trains(store, protocol, rule)
    train, test = (
        _ordered(store, np.flatnonzero(part), rule, name) for part, name in ((trains, "train"), (~trains, "test"))
    )
    return Split(train[_kept(store.labels[train], share, seed, by)], test)


def carve_validation(
    store: SkeletonStore,
    split: Split,
    *,
    share: float = 0.1,
    seed: int = 0,
    by: Literal["subject", "camera", "setup"] = "subject",
) -> tuple[Array, Array]:
    """Hold out whole subjects (or cameras, or setups) of the training part, so that a choice needs no test label.

    Args:
        store: the store that was split.
        split: its parts; only the training rows are used.
        share: part of the groups to hold out, above 0 and below 1; at least one group goes, at least one stays.
        seed: decides which groups go.
        by: what must not occur on both sides.

    Returns:
        Training rows that remain and validation rows, in their former order.

    Shape:
        returned: (n - k,) and (k,) int64.

    Raises:
        DataError: if the share is out of range, or all training samples are of one group or of an unknown one.
        UnknownNameError: if `by` is none of these.
    """
    if by not in _COLUMN_OF:
        raise UnknownNameError("groups for a validation part", by, _COLUMN_OF)
    if not 0 < share < 1:
        raise DataError(f"the share for validation must be above 0 and below 1, got {share}")
    groups_of = getattr(store, _COLUMN_OF[by])[split.train]
    groups = np.unique(groups_of)
    if len(groups) < 2 or groups[0] < 0:
        fault = f"only one {by}" if len(groups) < 2 else f"samples whose {by} is not known"
        others = ", ".join(f"'{other}'" for other in _COLUMN_OF if other != by)
        raise DataError(
            f"cannot carve a validation part by {by}: the training part has {fault}; try by one of {others}"
        )
    count = min(max(1, round(share * len(groups))), len(groups) - 1)
    held_out = np.random.default_rng(seed).permutation(groups)[:count]
    validates = np.isin(groups_of, held_out)
    return split.train[~validates], split.train[validates]


def split_digest(store: SkeletonStore, split: Split) -> str:
    """SHA-256 over the names of both parts in their order: equal digests, equal samples in equal order."""
    parts = [store.names[rows].tolist() for rows in (split.train, split.test)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _trains(store: SkeletonStore, protocol: str, rule: Rule) -> Array:
    if protocol in store.info.listed:
        return store.trains(protocol)
    if rule.by == "lists":
        raise DataError(
            f"{store.path} was prepared without the lists of {protocol}; give the official split files with another "
            "--raw and prepare it again with --overwrite"
        )
    column = getattr(store, _COLUMN_OF[rule.by])
    if (column < 0).any():
        raise DataError(
            f"{store.path} does not know the {rule.by} of every sample, by which {protocol} parts them; prepare the "
            f"raw data, or the official files of {protocol}"
        )
    return np.isin(column, sorted(rule.train))


def _ordered(store: SkeletonStore, rows: Array, rule: Rule, part: str) -> Array:
    if rule.grouped:
        return rows[np.argsort(getattr(store, _COLUMN_OF[rule.by])[rows], kind="stable")]
    if not rule.order:
        return rows
    text = resources.files(datasets).joinpath("splits", rule.order).read_text(encoding="utf-8")
    place = {name: number for number, name in enumerate(json.loads(text)[part])}
    places = [place.get(name, len(place)) for name in store.names[rows].tolist()]
    return rows[np.argsort(places, kind="stable")]


def _kept(labels: Array, share: float, seed: int, by: str) -> Array:
    """Places of the training samples that stay, ascending."""
    if by not in _CHOICES:
        raise UnknownNameError("ways to choose a share", by, _CHOICES)
    if not 0 < share <= 1:
        raise DataError(f"the share of training samples must be above 0 and at most 1, got {share}")
    if share == 1:
        return np.arange(len(labels))
    if by != "class" and not int(len(labels) * share):
        raise DataError(
            f"a share of {share} of {len(labels)} training samples keeps none; take at least "
            f"{1 / max(len(labels), 1):.2g}"
        )
    return np.sort(_CHOICES[by](labels, share, seed))


def _of_samples(labels: Array, share: float, seed: int) -> Array:
    return np.random.default_rng(seed).permutation(len(labels))[: int(len(labels) * share)]


def _of_classes(labels: Array, share: float, seed: int) -> Array:
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    kept = []
    for label in np.unique(labels):
        own = shuffled[labels[shuffled] == label]
        kept.append(own[: max(1, round(len(own) * share))])
    return np.concatenate(kept)


def _of_processes(labels: Array, share: float, seed: int) -> Array:
    # NumPy's former generator, which the official code seeds with its seed plus the process.
    found = [np.random.RandomState(seed + process).permutation(len(labels)) for process in range(_PROCESSES)]
    return np.unique(np.concatenate([each[: int(len(labels) * share)] for each in found]))


_PROCESSES = 2
_CHOICES = {"sample": _of_samples, "class": _of_classes, "process": _of_processes}
