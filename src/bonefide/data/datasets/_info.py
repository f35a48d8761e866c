# SPDX-License-Identifier: Apache-2.0
"""Facts about a data set, and the rules that split it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["DatasetInfo", "Rule"]


@dataclass(frozen=True)
class Rule:
    """Who trains: samples whose `by` is among `train`; all others test.

    Args:
        by: column of the index the rule looks at, or "lists" if the raw data come with lists of who trains.
        train: its values that train.
        order: file under `datasets/splits/` with the official order of the names, or "" for the order of names.
        grouped: whether that order is first by `by`, then by name, as in the official NTU files.
    """

    by: Literal["subject", "camera", "setup", "lists"]
    train: frozenset[int] = frozenset()
    order: str = ""
    grouped: bool = False


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about a data set; nothing here reads data.

    Args:
        name: as in recipes and on the command line.
        title: full name.
        classes: class names; the place in the list is the label.
        preparations: raw format (a file of `data/raw`) to its default preparation (a file of `data/preparation`).
        protocols: name to rule.
        sequences: expected number of sequences after preparation; 0 if it varies.
        parts: protocol to the expected numbers of training and test sequences.
        citation: authors, title, venue, year.
        licence: under which terms the data are given out.
        homepage: where to obtain them.
        only: a further rule on which recordings belong to it; `train` holds the values that do.
        missing: file under `datasets/missing/` with names to leave out, or "".
        options: preparation to the options this data set sets by default.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    preparations: Mapping[str, str]
    protocols: Mapping[str, Rule]
    sequences: int
    parts: Mapping[str, tuple[int, int]]
    citation: str
    licence: str
    homepage: str
    only: Rule | None = None
    missing: str = ""
    options: Mapping[str, Mapping[str, str | float | bool]] = field(default_factory=dict)
