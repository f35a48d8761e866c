# SPDX-License-Identifier: Apache-2.0
"""What can go wrong for a user: every message says what was given, what is accepted, and the likely fix."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

__all__ = [
    "BonefideError",
    "DataError",
    "InstallationError",
    "OutputError",
    "RawFileError",
    "RecipeError",
    "RunError",
    "ScoresError",
    "ShapeError",
    "StoreError",
    "UnknownNameError",
    "did_you_mean",
]


class BonefideError(Exception):
    """A mistake a user can mend. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Callable[..., BonefideError], tuple[object, ...]]:
        # An error of a worker process is pickled on its way out; by default only its message would come through.
        return _restored, (type(self), str(self), vars(self))


class UnknownNameError(BonefideError):
    """A name that is not there.

    Args:
        kind: what was looked for, in the plural: "encoders", "data sets".
        name: what was given.
        known: what there is.

    Example:
        >>> print(UnknownNameError("encoders", "ctrgn", ["ctrgcn", "stgcn"]))
        encoders: no 'ctrgn'; did you mean 'ctrgcn'?
    """

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        guess = did_you_mean(name, names)
        there_is = f"; there are: {', '.join(names)}" if names else ""
        super().__init__(f"{kind}: no '{name}'{guess or there_is}")
        self.kind, self.name = kind, name


class RecipeError(BonefideError):
    """A recipe that does not fit; all its faults at once.

    Args:
        faults: one sentence each, beginning with the path of the key.
        source: name of the recipe.
    """

    exit_code = 2

    def __init__(self, faults: Sequence[str], *, source: str = "") -> None:
        name = f" {source}" if source else ""
        super().__init__(f"the recipe{name} does not fit:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = tuple(faults)


class DataError(BonefideError):
    """Data that are missing or not what they should be."""

    exit_code = 3


class RawFileError(DataError):
    """A raw file that cannot be read as its format says.

    Args:
        code: short name of the fault, as in the reports of `prepare` ("truncated", "number", ...).
        message: what is wrong, in words.
        path: the file, or its name inside an archive.
        line: 1-based line of a text file.
    """

    def __init__(self, code: str, message: str, *, path: str | Path = "", line: int | None = None) -> None:
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {message} [{code}]" if place else f"{message} [{code}]")
        self.code, self.path, self.line = code, str(path), line


class StoreError(DataError):
    """A store that is missing, unfinished, damaged or of another version."""


class ScoresError(DataError):
    """Scores that cannot be used or joined."""


class RunError(DataError):
    """A run folder that is missing, unfinished or belongs to something else."""


class ShapeError(BonefideError, ValueError):
    """A tensor or layout that does not fit what was built for another one."""


class OutputError(BonefideError):
    """Something cannot be written: a full disk, a read-only place, a file in the way."""

    exit_code = 4


class InstallationError(BonefideError):
    """This installation lacks something: an extra, a device, a working library."""

    exit_code = 5


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The likely correction of a misspelt name.

    Args:
        name: what was given.
        known: what there is.

    Returns:
        "; did you mean '...'?", or nothing if no known name is near.
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def _restored(kind: type[BonefideError], message: str, attributes: dict[str, object]) -> BonefideError:
    error = kind.__new__(kind)
    error.args = (message,)
    vars(error).update(attributes)
    return error
