# SPDX-License-Identifier: Apache-2.0
"""`prepare`: raw files of a data set to a store."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence

from bonefide import layouts
from bonefide.data import datasets
from bonefide.data.datasets import DatasetInfo
from bonefide.data.label_table import LabelTable, find_table, read_label_table
from bonefide.data.preparation._options import preparation
from bonefide.data.preparation._planning import plan_store, recordings_of
from bonefide.data.preparation._shard_work import OnError
from bonefide.data.preparation._workers import Progress, make_shards
from bonefide.data.raw import reader
from bonefide.data.raw._recognition import recognize
from bonefide.data.raw._recording import Informed, RawFormat
from bonefide.data.raw._source import RawSource
from bonefide.data.store import SkeletonStore, shortfall
from bonefide.data.store_info import Option
from bonefide.data.write_store import StoreWriter, finished_store
from bonefide.errors import DataError, UnknownNameError

__all__ = ["prepare"]


def prepare(
    dataset: str,
    *,
    raw: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    preparation: str | None = None,
    options: Mapping[str, Option] | None = None,
    labels: str | os.PathLike[str] | None = None,
    layout: str | os.PathLike[str] | None = None,
    format: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    overwrite: bool = False,
    on_error: OnError = "skip",
    progress: Progress | None = None,
) -> SkeletonStore:
    """Read, prepare and store a data set.

    Interrupted in whatever way, it leaves nothing that looks finished; the same call continues where it stopped and
    gives the same bytes, whoever does the work. If the store is there already and would come out the same, it is
    opened and nothing is done.

    Args:
        dataset: name of the data set; "custom" for one's own.
        raw: its archive or folder, or several of these.
        out: folder of the store to make.
        preparation: name of the preparation; None for the data set's own.
        options: of the preparation, beside those the data set sets.
        labels: table of the labels, for one's own data; None for one that lies beside them, or for folders as classes.
        layout: name of the joints' layout, or a YAML file that declares one, for formats that do not say it.
        format: raw format, for one's own data; None to recognise it.
        workers: number of processes; None for all cores as far as the raw data are worth it.
        scheduler: address of a Dask scheduler whose workers see the same paths; None for this machine.
        overwrite: replace a store that is already there.
        on_error: "skip" leaves damaged files out and lists them in the store, "raise" stops at the first.
        progress: called with the number of files done and of all, first when work begins, then after every shard.

    Returns:
        The store; it warns (`UserWarning`) if that lacks sequences the data set has, or the table names others.

    Raises:
        UnknownNameError: if there is no such data set, preparation, option, layout, format or `on_error`.
        DataError: if the raw data are missing or hold no usable file of the data set, or labels are missing.
        RawFileError: with `on_error="raise"`, at the first damaged file.
        OutputError: if the store cannot be written, or something else is there.
    """
    if on_error not in ("skip", "raise"):
        raise UnknownNameError("ways to meet a damaged file", on_error, ("skip", "raise"))
    if workers is not None and workers < 1:
        raise DataError(f"workers must be at least 1, got {workers}")
    info = datasets.info(dataset)
    _refuse_own(info, labels=labels, format=format)
    with RawSource(raw) as source:
        raw_format = format or _recognize(info, source)
        if raw_format not in info.preparations:
            raise UnknownNameError(f"raw formats of {info.name}", raw_format, info.preparations)
        name = preparation or info.preparations[raw_format]
        step = _build(name, {**info.options.get(name, {}), **(options or {})})
        format_reader = _reader(raw_format, layout, source)
        table = _table(labels, source, format_reader) if info.name == _OWN else None
        info = info if table is None else table.info()
        work, plan = plan_store(
            info, source, raw_format=raw_format, format_reader=format_reader, name=name, step=step, table=table
        )
        store = None if overwrite else finished_store(out, plan)
        if store is None:
            with StoreWriter(out, plan, overwrite=overwrite) as writer:
                own = dataclasses.replace(work, on_error=on_error)
                make_shards(writer, own, workers=workers, scheduler=scheduler, progress=progress or _silent)
                store = writer.finish()
    for sentence in (shortfall(store), _unmet(store, table)):
        if sentence:
            warnings.warn(sentence, UserWarning, stacklevel=2)
    return store


def _unmet(store: SkeletonStore, table: LabelTable | None) -> str:
    """One sentence on the names of a label table that are not in the store; "" if all are."""
    unmet = table.unmet(store.names.tolist()) if table is not None else ()
    if not unmet:
        return ""
    return (
        f"{len(unmet)} names of the label table are not in {store.path}, such as '{unmet[0]}': no such recording, or "
        "it was left out"
    )


_OWN = "custom"
_build = preparation


def _refuse_own(info: DatasetInfo, *, labels: object, format: object) -> None:
    for name, given in (("labels", labels), ("format", format)):
        if given is not None and info.name != _OWN:
            raise DataError(f"{name} are for one's own data, 'custom'; {info.name} brings its own")


def _silent(done: int, total: int) -> None:
    """No progress is asked for."""


def _table(labels: str | os.PathLike[str] | None, source: RawSource, format_reader: RawFormat) -> LabelTable:
    table = find_table(source, recordings_of(source, format_reader)) if labels is None else read_label_table(labels)
    if table is None:
        raise DataError(
            "the recordings have no labels: give a table with the columns name and label by --labels, put it beside "
            "them as labels.csv, or sort the recordings into one folder a class"
        )
    return table


def _reader(raw_format: str, layout: str | os.PathLike[str] | None, source: RawSource) -> RawFormat:
    format_reader = reader(raw_format)
    if layout is not None:
        if not dataclasses.is_dataclass(format_reader) or "layout" not in format_reader.__dataclass_fields__:
            raise DataError(f"{raw_format} files say themselves which joints they have; leave the layout out")
        found = layouts.find(layout)
        own = found.name not in layouts.names()
        format_reader = dataclasses.replace(format_reader, layout=found if own else found.name)
    return format_reader.informed(source) if isinstance(format_reader, Informed) else format_reader


def _recognize(info: DatasetInfo, source: RawSource) -> str:
    names = [name for name, _ in source.members]
    found = recognize(source, tuple(info.preparations))
    if found is not None:
        return found
    where = ", ".join(map(str, source.paths))
    there = f"{len(names)} other files are there, such as '{names[0]}'" if names else "nothing is there"
    raise DataError(f"no file of {info.title} in {where}: {there}{_likely_dataset(info, names)}")


def _likely_dataset(info: DatasetInfo, names: Sequence[str]) -> str:
    for other in (datasets.info(name) for name in datasets.names() if name not in (info.name, _OWN)):
        if any(any(map(reader(raw_format).matches, names)) for raw_format in other.preparations):
            return f"; did you mean `bonefide prepare {other.name}`?"
    archives = [name for name in names if name.endswith((".zip", ".7z"))]
    return f"; archives beside other files are not opened, give '{archives[0]}' itself" if archives else ""
