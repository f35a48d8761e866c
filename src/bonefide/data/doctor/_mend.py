# SPDX-License-Identifier: Apache-2.0
"""`mend`: a store of the recordings that were examined, put right."""

from __future__ import annotations

import csv
import dataclasses
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bonefide.data import datasets
from bonefide.data.datasets import DatasetInfo, Rule
from bonefide.data.doctor._examine import Examination, confident
from bonefide.data.doctor._raw import RawPatient
from bonefide.data.label_table import find_table
from bonefide.data.preparation import prepare
from bonefide.data.preparation._options import options_of, preparation
from bonefide.data.preparation._plain_steps import recording_of
from bonefide.data.preparation.plain import Plain
from bonefide.data.store import SkeletonStore, open_store
from bonefide.data.store_info import LeftOut, Option
from bonefide.data.store_plan import StorePlan
from bonefide.data.write_store import Entry, Shard, StoreWriter
from bonefide.errors import DataError, RawFileError
from bonefide.types import SkeletonSequence

__all__ = ["dataset_of", "has_labels", "mend"]

_PLAIN = "plain"
_UNKNOWN = "unknown"
_LATER = 17
"""Setups above this are of NTU RGB+D 120 only."""

Progress = Callable[[int, int], None]


def mend(
    found: Examination,
    out: str | os.PathLike[str],
    *,
    options: Mapping[str, Option] | None = None,
    labels: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SkeletonStore:
    """Write what was examined as a store, with what the diagnosis proposes.

    Raw recordings are prepared by `plain`; those that have no labels all get the class "unknown". A store keeps its
    names, labels and parts. Interrupted, the same call continues where it stopped.

    Args:
        found: raw recordings or a store.
        out: folder of the store to make.
        options: of `plain`, instead of those proposed.
        labels: table of labels, for one's own raw recordings.
        overwrite: replace a store that is already there.
        progress: told the number of recordings done and of all.

    Raises:
        DataError: if official files are to be mended, which must become a store first, or an option does not fit.
        OutputError: if the store cannot be written, or something else is there.
    """
    chosen = found.summary.options if options is None else dict(options)
    if found.kind == "store":
        return _mend_store(open_store(found.path), out, chosen, overwrite=overwrite, progress=progress)
    if found.raw is None:
        raise DataError(
            f"{found.path} holds processed files; make a store of them by bonefide.data.official.read_official and "
            "mend that"
        )
    return _mend_raw(found, found.raw, out, chosen, labels=labels, overwrite=overwrite, progress=progress)


def dataset_of(patient: RawPatient) -> str:
    """The data set that raw files with labels in their names are of; "custom" for all others."""
    if patient.format == "ntu":
        later = any(int(Path(name).name[1:4]) > _LATER for name in patient.names)
        return "ntu120" if later else "ntu60"
    return patient.format if patient.format in datasets.names() else "custom"


def has_labels(patient: RawPatient) -> bool:
    """Whether there are labels: in the files' names, in a table beside them, or by folders."""
    try:
        return dataset_of(patient) != "custom" or find_table(patient.source, patient.names) is not None
    except DataError:
        return True  # there is a table, if a faulty one: `prepare` says what is wrong with it


def _mend_raw(
    found: Examination,
    patient: RawPatient,
    out: str | os.PathLike[str],
    options: Mapping[str, Option],
    *,
    labels: str | os.PathLike[str] | None,
    overwrite: bool,
    progress: Progress | None,
) -> SkeletonStore:
    dataset = dataset_of(patient)
    own = dataset == "custom"
    layout = (
        (patient.layout.name if patient.layout else found.summary["layout"].value) if patient.takes_layout else None
    )
    if patient.takes_layout and layout is None:
        raise DataError(f"the layout of {found.path} is unknown: {found.summary['layout'].evidence}; give --layout")
    with tempfile.TemporaryDirectory() as folder:
        table = labels
        if own and table is None and not has_labels(patient):
            table = Path(folder, "labels.csv")
            _write_unknown(table, patient)
        return prepare(
            dataset,
            raw=found.path,
            out=out,
            preparation=_PLAIN,
            options=options,
            labels=table,
            layout=None if layout is None else str(layout),
            format=patient.format if own else None,
            overwrite=overwrite,
            progress=progress,
        )


def _write_unknown(path: Path, patient: RawPatient) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "label"])
        rows.writerows([name, _UNKNOWN] for name in patient.names)


def _mend_store(
    store: SkeletonStore,
    out: str | os.PathLike[str],
    options: Mapping[str, Option],
    *,
    overwrite: bool,
    progress: Progress | None,
) -> SkeletonStore:
    if Path(out).resolve() == store.path.resolve():
        raise DataError(f"{out} is the store to be mended; write the new one elsewhere")
    step = preparation(_PLAIN, {"confidence": confident(store), **options})
    assert isinstance(step, Plain)
    plan = _plan(store, step)
    names, total = store.names.tolist(), len(store)
    with StoreWriter(out, plan, overwrite=overwrite) as writer:
        pending = writer.pending()
        done = total - sum(map(len, pending))
        for part in pending:
            writer.shards.write(part, _shard(store, step, names[part.start : part.stop]))
            done += len(part)
            if progress is not None:
                progress(done, total)
        return writer.finish()


def _plan(store: SkeletonStore, step: Plain) -> StorePlan:
    facts = store.info
    _, joints, channels = facts.shape
    layout, channels, inferred = step.result(store.layout, channels - confident(store))
    kept = [name for name in facts.inferred if name in layout.joints]
    rows = (store.persons * store.frames).tolist()
    return StorePlan(
        info=_info(store),
        raw="store",
        preparation=_PLAIN,
        version=step.version,
        layout=layout,
        dtype=step.dtype,
        members=tuple(store.names.tolist()),
        source=f"{facts.fingerprint} {sorted(facts.checksums.values())}",
        options=options_of(step),
        skipped=facts.left_out,
        channels=channels,
        sizes=tuple(count * joints * facts.shape[2] * 4 for count in rows),
        listed=facts.listed,
        inferred=tuple(dict.fromkeys((*kept, *inferred))),
    )


def _info(store: SkeletonStore) -> DatasetInfo:
    """The data set, with the classes and protocols that this store of it has."""
    info = datasets.info(store.info.dataset)
    protocols = {name: info.protocols.get(name, Rule("lists")) for name in store.info.protocols}
    return dataclasses.replace(info, classes=store.info.classes, protocols=protocols)


def _shard(store: SkeletonStore, step: Plain, names: list[str]) -> Shard:
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    rate = store.info.options.get("fps") if store.info.preparation == _PLAIN else None
    fps = float(rate) if isinstance(rate, int | float) and rate else None
    trains = {name: store.trains(name) for name in store.info.listed}
    for name in names:
        row = store.row(name)
        sequence = SkeletonSequence(name, int(store.labels[row]), store.joints(row))
        try:
            recording = recording_of(sequence, store.layout, fps=fps, confidence=confident(store))
            mended = step(recording)
        except RawFileError as fault:
            left_out.append(LeftOut(name, fault.code, str(fault)))
            continue
        who = {"subject": int(store.subjects[row]), "camera": int(store.cameras[row])}
        how = {"setup": int(store.setups[row]), "repeat": int(store.repeats[row])}
        parts = frozenset(protocol for protocol, listed in trains.items() if listed[row])
        entries.append(Entry(mended, **who, **how, trains=parts))
    return Shard(tuple(entries), tuple(left_out))
