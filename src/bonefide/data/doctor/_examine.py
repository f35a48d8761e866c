# SPDX-License-Identifier: Apache-2.0
"""`examine`: what lies at a path, and a diagnosis of some of its recordings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from bonefide.data.datasets import info
from bonefide.data.doctor._diagnose import diagnose
from bonefide.data.doctor._finding import Diagnosis
from bonefide.data.doctor._official import official_form, official_title
from bonefide.data.doctor._raw import RawPatient, open_raw
from bonefide.data.doctor._summary import summarize
from bonefide.data.official._samples import OfficialForm, OfficialSet, Request
from bonefide.data.store import SkeletonStore, open_store
from bonefide.data.write_store import is_store
from bonefide.errors import DataError, RawFileError, did_you_mean
from bonefide.layouts import SkeletonLayout, layout
from bonefide.types import Array

__all__ = ["Examination", "Kind", "confident", "examine"]

Kind = Literal["raw", "official", "store"]


class _Sample(NamedTuple):
    """One recording."""

    name: str
    joints: Array
    layout: SkeletonLayout | None
    fps: float | None = None
    confidence: Array | None = None


@dataclass(frozen=True, eq=False)
class Examination:
    """What lies at a path.

    Args:
        path: it.
        kind: raw recordings, processed files of official code, or a store.
        title: that in words.
        total: number of recordings there.
        diagnoses: of those looked at, by name.
        unreadable: those that could not be read, with why.
        raw: how raw recordings are read, with what `prepare` needs to know; None for others.
    """

    path: Path
    kind: Kind
    title: str
    total: int
    diagnoses: Mapping[str, Diagnosis]
    unreadable: Mapping[str, str]
    raw: RawPatient | None = None

    @property
    def summary(self) -> Diagnosis:
        """What the recordings have in common, and how many have which fault."""
        return summarize(self.diagnoses)


def examine(
    path: str | os.PathLike[str],
    *,
    count: int = 20,
    layout: str | os.PathLike[str] | None = None,
    format: str | None = None,
) -> Examination:
    """Say what lies at a path, and look at some of its recordings.

    Args:
        path: a raw file of any format, an archive or folder of such, processed files of official code, or a store.
        count: how many recordings are looked at, at least 1, evenly chosen.
        layout: name of the raw joints' layout or a YAML file, where the format does not say it.
        format: of raw files; None to recognise it.

    Raises:
        DataError: if nothing is there, or nothing in it can be read.
        StoreError: if it is a store that is damaged.
        UnknownNameError: if there is no such layout or format.

    Example:
        >>> import tempfile
        >>> from bonefide.data.synthetic.perform import perform
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/wave.npy", 1000 * perform("wave"))
        ...     found = examine(f"{folder}/wave.npy")
        >>> found.title, found.summary.options
        ('1 raw recording of format arrays', {'scale': 0.001})
    """
    place = Path(path).expanduser()
    if count < 1:
        raise DataError(f"at least one recording must be looked at, got count {count}")
    if not place.exists():
        siblings = [each.name for each in place.parent.iterdir()] if place.parent.is_dir() else []
        raise DataError(f"there is no {place}{did_you_mean(place.name, siblings)}")
    if is_store(place):
        return _of_store(place, count)
    form, files = official_form(place) if format is None else (None, [])
    if form is not None:
        return _of_official(place, form, files, count)
    return _of_raw(place, count, layout=layout, format=format)


def confident(store: SkeletonStore) -> bool:
    """Whether the last channel of a store is the confidence of the joints."""
    return bool(store.info.options.get("confidence", False)) and store.info.preparation == "plain"


def _of_store(path: Path, count: int) -> Examination:
    store = open_store(path)
    fps = store.info.options.get("fps")
    rate = float(fps) if isinstance(fps, int | float) and fps else None
    samples = []
    for row in _evenly(len(store), count):
        joints = np.asarray(store.joints(row))
        sure = joints[..., -1] if confident(store) else None
        samples.append(
            _Sample(str(store.names[row]), joints if sure is None else joints[..., :-1], store.layout, rate, sure)
        )
    title = f"a store of {store.info.dataset}, prepared by '{store.info.preparation}': {len(store)} sequences"
    return Examination(path, "store", title, len(store), _diagnosed(path, samples, {}), {})


def _of_official(path: Path, form: OfficialForm, files: list[Path], count: int) -> Examination:
    unreadable: dict[str, str] = {}
    with ExitStack() as opened:
        found = _looked_into(form, files, opened)
        title, known = official_title(form, found)

        def samples() -> Iterator[_Sample]:
            for row in _evenly(len(found.samples), count):
                name = found.samples[row].name
                try:
                    joints = np.asarray(found.read(row))
                except RawFileError as fault:
                    unreadable[name] = str(fault)
                    continue
                yield _Sample(name, joints[..., :3], layout(known) if known else None)

        diagnoses = _diagnosed(path, samples(), unreadable)
        return Examination(path, "official", title, len(found.samples), diagnoses, unreadable)


def _looked_into(form: OfficialForm, files: list[Path], opened: ExitStack) -> OfficialSet:
    """Whose parts they are does not matter here, so any name will do where files do not tell."""
    try:
        return form.read(files, Request(info("custom")), opened)
    except DataError:
        return form.read(files, Request(info("custom"), protocol="split"), opened)


def _of_raw(path: Path, count: int, *, layout: str | os.PathLike[str] | None, format: str | None) -> Examination:
    unreadable: dict[str, str] = {}
    with open_raw(path, layout=layout, format=format) as patient:
        names = patient.names
        chosen = patient.order([names[place] for place in _evenly(len(names), count)])

        def samples() -> Iterator[_Sample]:
            for name in chosen:
                try:
                    joints, confidence, fps = patient.read(name)
                except RawFileError as fault:
                    unreadable[name] = str(fault)
                    continue
                yield _Sample(name, joints, patient.layout, fps, confidence)

        several = "1 raw recording" if len(names) == 1 else f"{len(names)} raw recordings"
        title = f"{several} of format {patient.format}"
        diagnoses = _diagnosed(path, samples(), unreadable)
        return Examination(path, "raw", title, len(names), diagnoses, unreadable, patient)


def _evenly(total: int, count: int) -> list[int]:
    return np.unique(np.linspace(0, total - 1, min(total, count)).astype(int)).tolist()


def _diagnosed(path: Path, samples: Iterable[_Sample], unreadable: Mapping[str, str]) -> dict[str, Diagnosis]:
    """A diagnosis of each; `unreadable` is filled meanwhile."""
    diagnoses = {
        name: diagnose(joints, layout=known, fps=fps, confidence=confidence)
        for name, joints, known, fps, confidence in samples
    }
    if not diagnoses:
        first = f", the first: {next(iter(unreadable.values()))}" if unreadable else ""
        raise DataError(f"{path}: none of {len(unreadable)} recordings can be read{first}")
    return diagnoses
