# SPDX-License-Identifier: Apache-2.0
"""A whole made-up data set as one archive in an official on-disk format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bonefide.data.synthetic._archives import zip_archive
from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.ntu_text import skeleton_text
from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.sensor import camera, observe
from bonefide.errors import DataError, UnknownNameError
from bonefide.types import Array

__all__ = ["Format", "synthesize"]

Format = Literal["ntu", "nwucla"]
"""`ntu`: `.skeleton` files of NTU RGB+D; `nwucla`: JSON files of Northwestern-UCLA."""

_SETUPS = 4
_UCLA_CODES = {
    "pick up with one hand": 1,
    "pick up with two hands": 2,
    "drop trash": 3,
    "walk around": 4,
    "sit down": 5,
    "stand up": 6,
    "put on a jacket": 8,
    "take off a jacket": 9,
    "throw": 11,
    "carry": 12,
}
# Kinect v1 has no separate neck: its shoulder centre is v2's spine at the shoulders; hands and feet correspond.
_UCLA_JOINTS = [0, 1, 20, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
_LARGEST = {"ntu": (106, 999), "nwucla": (99, 99)}


@dataclass(frozen=True)
class _Take:
    """One recording to be made; all numbers as in the names of the files."""

    member: str
    action: str
    subject: int
    repeat: int
    camera: int
    setup: int
    label: int


def synthesize(
    format: Format,
    out: str | Path,
    *,
    subjects: int = 20,
    repeats: int = 1,
    cameras: int = 3,
    seed: int = 0,
    actions: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write an archive of made-up recordings. The same arguments give the same bytes; another seed gives other people.

    `ntu` holds every action; `nwucla` the ten that correspond to the official classes, under the official codes, and
    20 joints. Every recording of a performance by another camera has its own noise.

    Args:
        format: official format to write.
        out: path of the zip file; it appears when it is complete.
        subjects: number of people, 1 to 106 (99 for `nwucla`).
        repeats: how often everyone performs every action, at least 1.
        cameras: how many cameras look on, 1 to 3.
        seed: of everything.
        actions: only these, with blanks, hyphens or underscores; labels stay those of the whole set.
        progress: told the number of files written and of all files, after every file.

    Returns:
        The path of the archive.

    Raises:
        UnknownNameError: if there is no such format or action.
        DataError: if a number is out of range, or an action does not exist in that format.
        OutputError: if the archive cannot be written; what stood there before is kept.
    """
    if format not in _LARGEST:
        raise UnknownNameError("formats", str(format), _LARGEST)
    _check("subjects", subjects, _LARGEST[format][0])
    _check("repeats", repeats, _LARGEST[format][1])
    _check("cameras", cameras, 3)
    if seed < 0:
        raise DataError(f"seed must be at least 0, got {seed}")
    takes = _takes(format, _chosen(format, actions), subjects, repeats, cameras)
    path = Path(out)
    with zip_archive(path) as archive:
        for done, take in enumerate(takes, start=1):
            archive.add(take.member, _render(format, take, seed))
            if progress:
                progress(done, len(takes))
    return path


def _check(name: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise DataError(f"{name} must be between 1 and {most}, got {number}")


def _chosen(format: Format, actions: Sequence[str] | None) -> list[str]:
    there = list(PROGRAMS) if format == "ntu" else list(_UCLA_CODES)
    if actions is None:
        return there
    chosen = [action.strip().replace("_", " ").replace("-", " ") for action in actions]
    for action in chosen:
        if action not in PROGRAMS:
            raise UnknownNameError("synthetic actions", action, PROGRAMS)
        if action not in there:
            raise DataError(f"format {format} has no class for '{action}'; it has: {', '.join(there)}")
    if not chosen:
        raise DataError("no action given; name one or leave the option out for all")
    return [action for action in there if action in chosen]


def _takes(format: Format, actions: Sequence[str], subjects: int, repeats: int, cameras: int) -> list[_Take]:
    """All recordings, sorted by name."""
    takes = []
    for action in actions:
        label = list(PROGRAMS).index(action) if format == "ntu" else list(_UCLA_CODES).index(action)
        for number in range(1, subjects + 1):
            # Two neighbours share a setup, so that training and test subjects of the cross-subject split share all.
            setup = (number - 1) // 2 % _SETUPS + 1
            for repeat in range(1, repeats + 1):
                for view in range(1, cameras + 1):
                    if format == "ntu":
                        name = f"S{setup:03}C{view:03}P{number:03}R{repeat:03}A{label + 1:03}.skeleton"
                    else:
                        name = f"all_sqe/a{_UCLA_CODES[action]:02}_s{number:02}_e{repeat - 1:02}_v{view:02}.json"
                    takes.append(_Take(name, action, number, repeat, view, setup, label))
    return sorted(takes, key=lambda take: take.member)


def _render(format: Format, take: _Take, seed: int) -> bytes:
    """The content of one file."""
    persons = perform(take.action, seed=seed, performer=take.subject, repeat=take.repeat)
    place = list(PROGRAMS).index(take.action)
    generator = np.random.default_rng([seed, 15485863, place, take.subject, take.repeat, take.camera])
    seen = camera(take.camera, take.setup, seed=seed)(persons)
    if format == "ntu":
        return skeleton_text(observe(seen, generator), persons.shape[1]).encode("ascii")
    return _ucla_text(take, observe(seen[:1], generator, alone=True)[0].joints)


def _ucla_text(take: _Take, joints: Array) -> bytes:
    stem = Path(take.member).stem
    skeletons = np.round(joints[:, _UCLA_JOINTS], 6).tolist()
    return json.dumps({"file_name": stem, "skeletons": skeletons, "label": take.label + 1}).encode("ascii")
