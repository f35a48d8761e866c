# SPDX-License-Identifier: Apache-2.0
"""What a form of a made-up data set is: the classes it has, the numbers its names have room for, how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bonefide.data.synthetic._archives import zip_archive
from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.take import Take, takes

__all__ = ["LABELS", "Form", "Order", "Progress", "write_zip"]

LABELS: Mapping[str, int] = {action: label for label, action in enumerate(PROGRAMS)}
"""Every action with its label in the data set `synthetic`."""

Progress = Callable[[int, int], None]
"""Told the number of recordings written and of all, after every one."""


@dataclass(frozen=True)
class Order:
    """What was asked for, checked against the form.

    Args:
        actions: names of synthetic actions, in the order of the form's classes.
        subjects: number of people.
        repeats: how often everyone performs everything.
        cameras: how many look on.
        seed: of everything.
        progress: told after every recording.
    """

    actions: tuple[str, ...]
    subjects: int
    repeats: int
    cameras: int
    seed: int
    progress: Progress

    def takes(self) -> list[Take]:
        """Every recording: by action, person, repetition, camera."""
        return takes(
            self.actions,
            subjects=range(1, self.subjects + 1),
            repeats=range(1, self.repeats + 1),
            cameras=range(1, self.cameras + 1),
            seed=self.seed,
        )


@dataclass(frozen=True)
class Form:
    """An on-disk form.

    Args:
        write: writes what an order asks for to a path.
        classes: the synthetic actions it has a class for, each with its label as the files have it.
        subjects: largest number of people.
        repeats: largest number of repetitions.
        cameras: largest number of cameras.
        folder: whether a folder is written rather than a file.
    """

    write: Callable[[Order, Path], None]
    classes: Mapping[str, int]
    subjects: int
    repeats: int
    cameras: int = 3
    folder: bool = False


def write_zip(
    out: Path,
    recordings: Sequence[Take],
    files: Callable[[Take], Iterable[tuple[str, bytes]]],
    progress: Progress,
    *,
    table: tuple[str, bytes] | None = None,
) -> None:
    """Write a zip archive recording by recording.

    Args:
        out: path of the archive; it appears when it is complete.
        recordings: in the order of the archive.
        files: names and contents of the files of one recording.
        progress: told after every recording.
        table: name and content of one more file, the first of the archive.

    Raises:
        OutputError: if it cannot be written; what stood there before is kept.
    """
    with zip_archive(out) as archive:
        if table:
            archive.add(*table)
        for done, take in enumerate(recordings, start=1):
            for member, content in files(take):
                archive.add(member, content)
            progress(done, len(recordings))
