# SPDX-License-Identifier: Apache-2.0
"""Scores on disk, and joining them on sample ids."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from bonefide.errors import ScoresError
from bonefide.types import Scores
from bonefide.writing import write_file

__all__ = ["align", "load_scores", "save_scores"]

_FORMAT = 1
_BRANCH = "branch."


def save_scores(scores: Scores, file: str | Path) -> None:
    """Write scores, all or nothing.

    Raises:
        OutputError: if the place cannot be written.
    """
    facts = {
        "format": _FORMAT,
        "classes": scores.classes,
        "selected_on": scores.selected_on,
        "hashes": scores.hashes,
    }
    branches = {_BRANCH + name: values.astype(np.float32) for name, values in scores.branches.items()}
    content = io.BytesIO()
    np.savez_compressed(
        content,
        names=np.asarray(scores.names, dtype=np.str_),
        values=scores.values.astype(np.float32),
        labels=scores.labels.astype(np.int64),
        facts=np.array(json.dumps(facts)),
        **branches,  # type: ignore[arg-type]  # none of them is named like the one other argument
    )
    write_file(Path(file), content.getvalue())


def load_scores(file: str | Path) -> Scores:
    """Read scores.

    Raises:
        ScoresError: if the file is missing or not one of scores.
    """
    file = Path(file)
    if not file.is_file():
        raise ScoresError(f"{file}: no scores here; `bonefide test` makes them")
    try:
        with np.load(file, allow_pickle=False) as stored:
            facts = json.loads(str(stored["facts"]))
            if facts["format"] != _FORMAT:
                raise ScoresError(f"{file}: scores of format {facts['format']}, this version reads {_FORMAT}")
            return Scores(
                stored["names"],
                stored["values"],
                stored["labels"],
                tuple(facts["classes"]),
                facts["selected_on"],
                facts["hashes"],
                {name.removeprefix(_BRANCH): stored[name] for name in stored.files if name.startswith(_BRANCH)},
            )
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, zlib.error) as error:
        raise ScoresError(f"{file}: not a file of scores ({error}); test the run again") from error


def align(all_scores: Sequence[Scores]) -> list[Scores]:
    """Bring scores of the same samples into one order, that of the first.

    Raises:
        ScoresError: if they are not of the same samples, labels and classes.

    Example:
        >>> def scored(names):
        ...     return Scores(np.array(names), np.eye(2), np.array([0, 0]), ("sit", "stand"), "last", {})
        >>> first, second = align([scored(["a", "b"]), scored(["b", "a"])])
        >>> second.values.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    if not all_scores:
        raise ScoresError("no scores to join; give at least one run")
    first = all_scores[0]
    aligned = [first]
    for other in all_scores[1:]:
        if other.classes != first.classes:
            raise ScoresError("the scores are of different classes; only runs of one data set can be joined")
        only_here = np.setdiff1d(first.names, other.names)
        only_there = np.setdiff1d(other.names, first.names)
        if len(only_here) or len(only_there):
            example = (only_here if len(only_here) else only_there)[0]
            raise ScoresError(
                f"the scores are of different samples: {len(only_here)} only in the first, {len(only_there)} only in "
                f"another, such as {example}; test the runs on the same protocol and preparation"
            )
        order = np.argsort(other.names)[np.searchsorted(np.sort(other.names), first.names)]
        joined = replace(
            other,
            names=other.names[order],
            values=other.values[order],
            labels=other.labels[order],
            branches={name: values[order] for name, values in other.branches.items()},
        )
        if not np.array_equal(joined.labels, first.labels):
            raise ScoresError("the scores disagree about true labels; were the stores made from different data?")
        aligned.append(joined)
    return aligned
