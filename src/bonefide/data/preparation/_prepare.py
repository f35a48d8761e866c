# SPDX-License-Identifier: Apache-2.0
"""`prepare`: raw files of a data set to a store."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Literal

from bonefide.data import datasets
from bonefide.data.datasets import DatasetInfo
from bonefide.data.preparation._options import options_of, preparation
from bonefide.data.preparation._preparation import Preparation
from bonefide.data.raw import reader
from bonefide.data.raw._recording import RawFormat
from bonefide.data.raw._source import RawSource
from bonefide.data.store import SkeletonStore, open_store
from bonefide.data.store_info import LeftOut, Option
from bonefide.data.store_plan import StorePlan
from bonefide.data.write_store import Entry, Shard, StoreWriter, is_store
from bonefide.errors import DataError, OutputError, RawFileError, StoreError, UnknownNameError

__all__ = ["prepare", "prepare_shard"]

OnError = Literal["skip", "raise"]
Progress = Callable[[int, int], None]


def prepare(
    dataset: str,
    *,
    raw: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    preparation: str | None = None,
    options: Mapping[str, Option] | None = None,
    overwrite: bool = False,
    on_error: OnError = "skip",
    progress: Progress | None = None,
) -> SkeletonStore:
    """Read, prepare and store a data set.

    Interrupted in whatever way, it leaves nothing that looks finished; the same call continues where it stopped and
    gives the same bytes. If the store is there already and would come out the same, it is opened and nothing is done.

    Args:
        dataset: name of the data set.
        raw: its archive or folder, or several of these.
        out: folder of the store to make.
        preparation: name of the preparation; None for the data set's own.
        options: of the preparation, beside those the data set sets.
        overwrite: replace a store that is already there.
        on_error: "skip" leaves damaged files out and lists them in the store, "raise" stops at the first.
        progress: called with the number of files done and of all, first when work begins, then after every shard.

    Returns:
        The store; it warns (`UserWarning`) if that lacks sequences the data set has.

    Raises:
        UnknownNameError: if there is no such data set, preparation, option or `on_error`.
        DataError: if the raw data are missing or hold no usable file of the data set.
        RawFileError: with `on_error="raise"`, at the first damaged file.
        OutputError: if the store cannot be written, or something else is there.
    """
    if on_error not in ("skip", "raise"):
        raise UnknownNameError("ways to meet a damaged file", on_error, ("skip", "raise"))
    info = datasets.info(dataset)
    with RawSource(raw) as source:
        raw_format = _recognize(info, source)
        name = preparation or info.preparations[raw_format]
        step = _build(name, {**info.options.get(name, {}), **(options or {})})
        plan = _plan(info, source, raw_format, name, step)
        store = None if overwrite else _already_there(Path(out), plan)
        if store is None:
            with StoreWriter(out, plan, overwrite=overwrite) as writer:
                _fill(writer, source, step, on_error, progress)
                store = writer.finish()
    if not store.info.complete:
        warnings.warn(shortfall(store), UserWarning, stacklevel=2)
    return store


def prepare_shard(
    source: RawSource,
    format_reader: RawFormat,
    step: Preparation,
    members: Sequence[str],
    info: DatasetInfo,
    *,
    on_error: OnError = "skip",
) -> Shard:
    """Read and prepare some files; depends on nothing else, so shards can be made anywhere and in any order.

    Args:
        source: the raw files.
        format_reader: reads them.
        step: prepares them.
        members: names of the files.
        info: their data set.
        on_error: see `prepare`.

    Raises:
        RawFileError: with `on_error="raise"`, at the first damaged file.
    """
    entries, left_out, tolerated = [], [], Counter[str]()
    for member in members:
        try:
            recording = format_reader.read(member, source.read(member))
            if info.only is not None and getattr(recording, info.only.by) not in info.only.train:
                tolerated[_FOREIGN] += 1
                continue
            sequence = step(recording)
        except RawFileError as fault:
            if on_error == "raise":
                raise
            left_out.append(LeftOut(member, fault.code, str(fault)))
            continue
        tolerated.update(recording.warnings)
        entries.append(Entry(sequence, recording.subject, recording.camera, recording.setup, recording.repeat))
    return Shard(tuple(entries), tuple(left_out), tolerated)


def shortfall(store: SkeletonStore) -> str:
    """One sentence on what an incomplete store lacks."""
    facts = store.info
    parts = [
        f"{protocol} has {counts.train} + {counts.test} of {counts.expected_train} + {counts.expected_test}"
        for protocol, counts in facts.protocols.items()
        if not counts.complete
    ]
    whole = f"{facts.sequences} of {facts.expected_sequences or facts.sequences} sequences"
    return f"{store.path} is not the whole of {facts.dataset}: {'; '.join([whole, *parts])}; results will not compare"


# Larger sets contain smaller ones, so these are counted, not listed: there may be more of them than of the others.
_FOREIGN = "foreign"
_build = preparation


def _fill(
    writer: StoreWriter, source: RawSource, step: Preparation, on_error: OnError, progress: Progress | None
) -> None:
    plan, pending = writer.plan, writer.pending()
    format_reader = reader(plan.raw)
    done = len(plan.members) - sum(map(len, pending))
    report = progress or _silent
    report(done, len(plan.members))
    try:
        for part in pending:
            members = plan.members[part.start : part.stop]
            writer.add(part, prepare_shard(source, format_reader, step, members, plan.info, on_error=on_error))
            done += len(part)
            report(done, len(plan.members))
    except KeyboardInterrupt as stop:
        stop.add_note(f"{done} of {len(plan.members)} files are prepared; run the same command again to continue")
        raise


def _silent(done: int, total: int) -> None:
    """No progress is asked for."""


def _recognize(info: DatasetInfo, source: RawSource) -> str:
    names = [name for name, _ in source.members]
    for raw_format in info.preparations:
        if any(map(reader(raw_format).matches, names)):
            return raw_format
    where = ", ".join(map(str, source.paths))
    there = f"{len(names)} other files are there, such as '{names[0]}'" if names else "nothing is there"
    raise DataError(f"no file of {info.title} in {where}: {there}{_likely_dataset(info, names)}")


def _likely_dataset(info: DatasetInfo, names: Sequence[str]) -> str:
    for other in (datasets.info(name) for name in datasets.names() if name != info.name):
        if any(any(map(reader(raw_format).matches, names)) for raw_format in other.preparations):
            return f"; did you mean `bonefide prepare {other.name}`?"
    archives = [name for name in names if name.endswith(".zip")]
    return f"; archives inside a folder are not searched, give '{archives[0]}' itself" if archives else ""


def _plan(info: DatasetInfo, source: RawSource, raw_format: str, name: str, step: Preparation) -> StorePlan:
    format_reader = reader(raw_format)
    missing = _missing(info)
    members, skipped = (
        [],
        [LeftOut(each, "unsafe", "a link, or a name that leaves its archive") for each in source.refused],
    )
    for member, _ in source.members:
        if not format_reader.matches(member):
            skipped.append(LeftOut(member, "name", f"not a name of {raw_format} files"))
        elif PurePosixPath(member).stem in missing:
            skipped.append(LeftOut(member, "missing", f"on the list of recordings {info.name} leaves out"))
        else:
            members.append(member)
    return StorePlan(
        info=info,
        raw=raw_format,
        preparation=name,
        version=step.version,
        layout=step.layout or format_reader.layout,
        dtype=step.dtype,
        members=tuple(sorted(members, key=lambda member: (PurePosixPath(member).name, member))),
        source=source.digest(),
        options=options_of(step),
        skipped=tuple(skipped),
    )


def _missing(info: DatasetInfo) -> frozenset[str]:
    if not info.missing:
        return frozenset()
    return frozenset(resources.files(datasets).joinpath("missing", info.missing).read_text(encoding="ascii").split())


def _already_there(out: Path, plan: StorePlan) -> SkeletonStore | None:
    if not is_store(out):
        return None
    try:
        store = open_store(out)
    except StoreError as fault:
        raise OutputError(f"{out} is a store that cannot be used ({fault})") from None
    return store if store.info.fingerprint == plan.fingerprint else None
