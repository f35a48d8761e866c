# SPDX-License-Identifier: Apache-2.0
"""What a store will hold and who makes it, from the names and sizes of the raw files alone."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import PurePosixPath

from bonefide import layouts
from bonefide.data import datasets
from bonefide.data.datasets import DatasetInfo
from bonefide.data.label_table import LabelTable, is_table
from bonefide.data.preparation._options import options_of
from bonefide.data.preparation._preparation import ChangesJoints, Preparation
from bonefide.data.preparation._shard_work import ShardWork
from bonefide.data.raw._recording import FramesApart, Informed, RawFormat
from bonefide.data.raw._source import RawSource
from bonefide.data.store_info import LeftOut
from bonefide.data.store_plan import StorePlan
from bonefide.layouts import SkeletonLayout

__all__ = ["plan_store", "recordings_of"]


def plan_store(
    info: DatasetInfo,
    source: RawSource,
    *,
    raw_format: str,
    format_reader: RawFormat,
    name: str,
    step: Preparation,
    table: LabelTable | None,
) -> tuple[ShardWork, StorePlan]:
    """What will be in a store and the work that makes it; nothing but names and sizes is read.

    Args:
        info: the data set.
        source: its raw files.
        raw_format: their format.
        format_reader: reads them, informed of side files.
        name: of the preparation.
        step: the preparation.
        table: labels, where the files do not have them.
    """
    missing = _missing(info)
    recordings, skipped = _recordings(source, raw_format, format_reader, missing, info, has_table=table is not None)
    apart = recordings if isinstance(format_reader, FramesApart) else {}
    work = ShardWork(source, format_reader, step, info.only, missing, table, files=apart)
    joints, channels, inferred = _joints(format_reader, step)
    if isinstance(step, ChangesJoints):
        work = dataclasses.replace(work, layout=_raw_layout(format_reader))
    sizes = dict(source.members)
    members = _ordered(source, recordings)
    plan = StorePlan(
        info=info,
        raw=raw_format,
        preparation=name,
        version=step.version,
        layout=joints,
        dtype=step.dtype,
        members=tuple(members),
        source=source.digest() + ("" if table is None else table.digest()),
        options=options_of(step),
        skipped=tuple(skipped),
        channels=channels,
        sizes=tuple(sum(sizes[each] for each in recordings[member]) for member in members),
        listed=(*format_reader.listed, *(() if table is None else table.listed)),
        inferred=inferred,
    )
    return work, plan


def recordings_of(source: RawSource, format_reader: RawFormat) -> dict[str, tuple[str, ...]]:
    """Recordings in the raw data with their files."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    whole = format_reader.recording_of if isinstance(format_reader, FramesApart) else str
    for member, _ in source.members:
        if format_reader.matches(member):
            found[whole(member)].append(member)
    return {name: tuple(files) for name, files in found.items()}


def _recordings(
    source: RawSource,
    raw_format: str,
    format_reader: RawFormat,
    missing: frozenset[str],
    info: DatasetInfo,
    *,
    has_table: bool,
) -> tuple[dict[str, tuple[str, ...]], list[LeftOut]]:
    """Recordings with their files, and files that are none or are to be left out."""
    found = recordings_of(source, format_reader)
    skipped = [LeftOut(each, "unsafe", "a link, or a name that leaves its archive") for each in source.refused]
    beside = format_reader.is_side if isinstance(format_reader, Informed) else _never
    for member, _ in source.members:
        if not (format_reader.matches(member) or beside(member) or (has_table and is_table(member))):
            skipped.append(LeftOut(member, "name", f"not a name of {raw_format} files"))
    for name in [name for name in found if PurePosixPath(name).stem in missing]:
        del found[name]
        skipped.append(LeftOut(name, "missing", f"on the list of recordings {info.name} leaves out"))
    return found, skipped


def _never(_: str) -> bool:
    return False


def _ordered(source: RawSource, recordings: Mapping[str, Sequence[str]]) -> list[str]:
    """Recordings by name; by place in the archive where reading in order is cheaper."""
    if not source.sequential:
        return sorted(recordings, key=lambda member: (PurePosixPath(member).name, member))
    place = {name: number for number, name in enumerate(source.order([name for name, _ in source.members]))}
    return sorted(recordings, key=lambda member: place[recordings[member][0]])


def _raw_layout(format_reader: RawFormat) -> SkeletonLayout:
    found = format_reader.layout
    return layouts.layout(found) if isinstance(found, str) else found


def _joints(format_reader: RawFormat, step: Preparation) -> tuple[SkeletonLayout, int, tuple[str, ...]]:
    """Layout and channels of the store, and which joints are inferred."""
    if isinstance(step, ChangesJoints):
        return step.result(_raw_layout(format_reader), format_reader.channels)
    joints = layouts.layout(step.layout) if step.layout else _raw_layout(format_reader)
    return joints, format_reader.channels, ()


def _missing(info: DatasetInfo) -> frozenset[str]:
    if not info.missing:
        return frozenset()
    return frozenset(resources.files(datasets).joinpath("missing", info.missing).read_text(encoding="ascii").split())
