# SPDX-License-Identifier: Apache-2.0
"""Who does what in one's own recordings: labels and parts from a table, or from the folders the files lie in."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from bonefide.data import datasets
from bonefide.data._label_rows import GROUPS, class_numbers, group_numbers, parse_rows, protocol_parts
from bonefide.data.datasets import DatasetInfo, Rule
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, RawFileError

__all__ = ["LabelEntry", "LabelTable", "find_table", "folder_table", "is_table", "read_label_table"]

_FILES = ("labels.csv", "labels.tsv")
_TRAIN, _TEST = ("train", "training"), ("test", "testing")
_VALIDATION = ("val", "valid", "validation", "dev")
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_EVERY = 5
_FEWEST = 2

Parts = tuple[str, ...]


@dataclass(frozen=True)
class LabelEntry:
    """What a table says of one recording; -1 where it says nothing.

    Args:
        label: class, 0-based.
        subject: number of the performer.
        camera: number of the camera or view.
        setup: number of the camera setup.
        repeat: number of the repetition.
        trains: protocols in which it trains.
    """

    label: int
    subject: int = -1
    camera: int = -1
    setup: int = -1
    repeat: int = -1
    trains: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LabelTable:
    """Labels and parts of one's own recordings, by name.

    A name in the table is a file's name, with or without its ending, and with or without folders: it means the
    recording whose path ends like it. Of several such names the one with most folders counts.

    Args:
        entries: name in the table to what it says.
        classes: class names; the place is the label.
        listed: protocols the entries decide.
        place: where the table is, for messages.

    Raises:
        RawFileError: from `apply`, if the table does not have a recording.

    Example:
        >>> table = folder_table(["wave/1.npy", "clap/1.npy", "clap/2.npy"])
        >>> table.classes, table.listed
        (('clap', 'wave'), ('random',))
        >>> table.apply(RawRecording("wave/1", -1, 1, None, ())).label
        1
    """

    entries: Mapping[str, LabelEntry]
    classes: tuple[str, ...]
    listed: tuple[str, ...]
    place: str

    def __getstate__(self) -> dict[str, Any]:
        # What is found by name is made anew faster than it is sent to another process.
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def info(self) -> DatasetInfo:
        """Facts about these data, as of any data set."""
        rules = dict.fromkeys(self.listed, Rule("lists"))
        return dataclasses.replace(datasets.info("custom"), classes=self.classes, protocols=rules)

    def digest(self) -> str:
        """SHA-256 of all it says, whatever the order of its rows and wherever it lies."""
        said = [
            [name, entry.label, *(getattr(entry, group) for group in GROUPS), *sorted(entry.trains)]
            for name, entry in sorted(self.entries.items())
        ]
        return hashlib.sha256(json.dumps([said, self.classes, self.listed]).encode()).hexdigest()

    def apply(self, recording: RawRecording) -> RawRecording:
        """A recording with what the table says of it; what the table leaves open stays as the file has it.

        Raises:
            RawFileError: `unlabelled`, if the table does not have it, or has several that could be it.
        """
        found = self._find(recording.name)
        if len(found) != 1:
            fault = f"'{found[0]}' and '{found[1]}' could both be it; give folders, too" if found else "it has no label"
            raise RawFileError("unlabelled", f"by {self.place} {fault}", path=recording.name)
        entry = self.entries[found[0]]
        known = {name: getattr(entry, name) for name in GROUPS if getattr(entry, name) >= 0}
        return dataclasses.replace(recording, label=entry.label, trains=recording.trains | entry.trains, **known)

    def unmet(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of the table that no recording has.

        Args:
            names: of all recordings.
        """
        met = {found[0] for found in map(self._find, names) if len(found) == 1}
        return tuple(name for name in self.entries if name not in met)

    def _find(self, recording: str) -> list[str]:
        """Names of the table that mean a recording: one, unless something is wrong."""
        path = PurePosixPath(recording).parts
        if not path:
            return []
        for by_last in self._by_last:
            # A recording is called by its path only if others have its name, so then a bare name means none.
            meant = [
                (min(len(parts), len(path)), name)
                for name, parts in by_last.get(path[-1], ())
                if _agree(parts[:-1], path[:-1]) and (len(parts) > 1 or len(path) == 1)
            ]
            if meant:
                return [name for length, name in meant if length == max(meant)[0]]
        return []

    @cached_property
    def _by_last(self) -> tuple[dict[str, list[tuple[str, Parts]]], ...]:
        """Last part of a name, as it is and without its ending, to the names that have it."""
        whole: dict[str, list[tuple[str, Parts]]] = {}
        bare: dict[str, list[tuple[str, Parts]]] = {}
        for name in self.entries:
            parts = PurePosixPath(name).parts
            whole.setdefault(parts[-1], []).append((name, parts))
            bare.setdefault(_ENDING.sub("", parts[-1]), []).append((name, parts))
        return whole, bare


def read_label_table(path: str | os.PathLike[str]) -> LabelTable:
    """Read a table of labels: a header and a row a recording, commas, semicolons or tabs between the columns.

    | column | what |
    |---|---|
    | `name` (or `file`, `filename`) | the recording's file, with or without ending and folders |
    | `label` | its class: a name, or a number; all one or all the other |
    | `class_name` | what a number stands for; "class 3" if there is no such column |
    | `subject`, `camera`, `setup`, `repeat` | numbers, or texts that are numbered from 1 in sorted order |
    | `split`, `split_<protocol>` | `train` or `test`; one column a protocol |

    Other columns are passed over. Without a column for a split there is a protocol `random` in which every fifth of a
    class tests (in an order drawn once, and the same for the same names), and, if there are two subjects or more,
    `xsub` in which every other subject trains, the first, third, and so on.

    Args:
        path: a CSV or TSV file.

    Raises:
        DataError: if it cannot be read or a cell makes no sense; the line is told.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as fault:
        raise DataError(f"the labels {path} cannot be read: {fault.strerror or fault}") from None
    return _table(content, str(path))


def find_table(source: RawSource, recordings: Iterable[str] | None = None) -> LabelTable | None:
    """The table for raw data that came without one: `labels.csv` or `labels.tsv` among them, or else their folders.

    Args:
        source: the raw data.
        recordings: paths of the recordings in it; None for all files.

    Returns:
        The table, or None if there is neither.

    Raises:
        DataError: if the table makes no sense, or there are several.
    """
    names = [name for name, _ in source.members]
    tables = [name for name in names if is_table(name)]
    if tables:
        outermost = min(len(PurePosixPath(name).parts) for name in tables)
        first = [name for name in tables if len(PurePosixPath(name).parts) == outermost]
        if len(first) > 1:
            raise DataError(f"both {first[0]} and {first[1]} tell labels; give the one that counts by --labels")
        return _table(source.read(first[0]), first[0])
    return folder_table(names if recordings is None else recordings)


def is_table(member: str) -> bool:
    """Whether a file among the raw data is taken for the table of labels."""
    return PurePosixPath(member).name.lower() in _FILES


def folder_table(members: Iterable[str]) -> LabelTable | None:
    """The folders as classes: `wave/1.npy`, `clap/1.npy`; or below `train/` and `test/`, which make a protocol `split`.

    Folders that all recordings share are passed over; what lies below a class is passed over, too.

    Args:
        members: paths of the recordings.

    Returns:
        The table, or None if not every recording lies in a folder, or there are no two folders.

    Raises:
        DataError: if there is a folder for validation beside `train` and `test`.
    """
    paths = {_ENDING.sub("", member): PurePosixPath(member).parts[:-1] for member in members}
    levels = [len(set(level)) == 1 for level in zip(*paths.values(), strict=False)]
    shared = [*levels, False].index(False)
    below = {name: parts[shared:] for name, parts in paths.items()}
    trains: dict[str, list[bool]] = {}
    tops = {parts[0].lower() if parts else "" for parts in below.values()}
    if len(tops) >= _FEWEST and tops & {*_TRAIN} and tops <= {*_TRAIN, *_TEST, *_VALIDATION}:
        if tops & {*_VALIDATION}:
            raise DataError(
                "there is a folder for validation beside that for training: move its recordings into train, or call it "
                "test; a recipe keeps some training recordings for validation (data.validation)"
            )
        trains = {"split": [parts[0].lower() in _TRAIN for parts in below.values()]}
        below = {name: parts[1:] for name, parts in below.items()}
    if not all(below.values()):
        return None
    classes = {name: number for number, name in enumerate(sorted({parts[0] for parts in below.values()}))}
    if len(classes) < _FEWEST:
        return None
    labels = [classes[parts[0]] for parts in below.values()]
    trains = trains or _usual(list(below), labels, [])
    return _assembled(list(below), labels, tuple(classes), trains=trains, place="its folder")


def _table(content: bytes, place: str) -> LabelTable:
    rows = parse_rows(content, place)
    names = [row.name for row in rows]
    labels, classes = class_numbers(rows, place)
    groups = {name: group_numbers([row.cells[name] for row in rows]) for name in GROUPS if name in rows[0].cells}
    trains = protocol_parts(rows, place) or _usual(names, labels, groups.get("subject", []))
    return _assembled(names, labels, classes, groups=groups, trains=trains, place=place)


def _assembled(
    names: Sequence[str],
    labels: Sequence[int],
    classes: tuple[str, ...],
    *,
    trains: Mapping[str, Sequence[bool]],
    place: str,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> LabelTable:
    entries = {
        name: LabelEntry(
            labels[row],
            **{group: numbers[row] for group, numbers in (groups or {}).items()},
            trains=frozenset(protocol for protocol, parts in trains.items() if parts[row]),
        )
        for row, name in enumerate(names)
    }
    return LabelTable(entries, classes, tuple(trains), place)


def _usual(names: Sequence[str], labels: Sequence[int], subjects: Sequence[int]) -> dict[str, list[bool]]:
    """Protocols of a table that gives none."""
    found = {}
    people = {subject: place for place, subject in enumerate(sorted(set(subjects)))}
    if len(people) >= _FEWEST and min(people) >= 0:
        found["xsub"] = [people[subject] % 2 == 0 for subject in subjects]
    sizes = np.bincount(labels)
    drawn = sorted(range(len(names)), key=names.__getitem__)
    met = np.zeros_like(sizes)
    trains = [True] * len(names)
    for place in np.random.default_rng(0).permutation(len(names)).tolist():
        row = drawn[place]
        trains[row] = sizes[labels[row]] == 1 or bool(met[labels[row]] % _EVERY)
        met[labels[row]] += 1
    if not all(trains):
        found["random"] = trains
    return found


def _agree(first: Parts, second: Parts) -> bool:
    """Whether one path ends like the other."""
    length = min(len(first), len(second))
    return length == 0 or first[-length:] == second[-length:]
