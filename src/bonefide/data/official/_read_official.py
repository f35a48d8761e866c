# SPDX-License-Identifier: Apache-2.0
"""`read_official`: files that official code has processed, to a store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bonefide import layouts
from bonefide.data import datasets
from bonefide.data.datasets import DatasetInfo, Rule
from bonefide.data.official._samples import OfficialForm, OfficialSet, Request
from bonefide.data.official.array_pairs import ArrayPairs
from bonefide.data.official.ctrgcn_npz import CTRGCNNpz
from bonefide.data.official.imdar import IMDAR
from bonefide.data.official.pyskl_pickle import PYSKLPickle
from bonefide.data.preparation import preparation as preparation_of
from bonefide.data.preparation._options import options_of
from bonefide.data.raw import reader
from bonefide.data.store import SkeletonStore, shortfall
from bonefide.data.store_info import LeftOut
from bonefide.data.store_plan import StorePlan
from bonefide.data.write_store import Entry, Shard, StoreWriter, finished_store
from bonefide.errors import DataError, RawFileError, did_you_mean
from bonefide.types import SkeletonSequence

__all__ = ["read_official"]

_FORMS: tuple[OfficialForm, ...] = (CTRGCNNpz(), IMDAR(), ArrayPairs(), PYSKLPickle())

Progress = Callable[[int, int], None]


def read_official(
    dataset: str,
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    preparation: str | None = None,
    protocol: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SkeletonStore:
    """Make a store of files that official code has processed.

    The form is told by the names: `.npz` of CTR-GCN, MAMP or Neuron; arrays with labels of ST-GCN, 2s-AGCN, AimCLR,
    CrosSCLR, SMIE or PGFA; pickles of PYSKL; dictionaries of IMDAR. Parts are kept as the files have them. Padding
    goes, nothing else changes. Arrays are read sample by sample, pickles whole. Interrupted, the same call continues
    where it stopped.

    Args:
        dataset: name of the data set; "custom" for any other, whose classes are then numbers.
        files: one or several of one form, or a folder of them. Files of several protocols are joined by sample names.
        out: folder of the store to make.
        preparation: how they were prepared, if their form and number of frames do not tell.
        protocol: whose parts they hold, if their names do not tell.
        overwrite: replace a store that is already there.
        progress: called with the number of samples done and of all, first when work begins, then after every shard.

    Returns:
        The store; it warns (`UserWarning`) if that lacks sequences the data set has.

    Raises:
        UnknownNameError: if there is no such data set, preparation or protocol.
        DataError: if files are missing, damaged, of no known form, or not of the data set.
        OutputError: if the store cannot be written, or something else is there.
    """
    info = datasets.info(dataset)
    form, paths = _recognized(_listed(files))
    with ExitStack() as opened:
        found = form.read(paths, Request(info, protocol, preparation), opened)
        plan = _plan(info, found)
        store = None if overwrite else finished_store(out, plan)
        if store is None:
            with StoreWriter(out, plan, overwrite=overwrite) as writer:
                _fill(writer, found, progress or _silent)
                store = writer.finish()
    if lacks := shortfall(store):
        warnings.warn(lacks, UserWarning, stacklevel=2)
    return store


def _listed(files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Files, and those in folders, but not deeper."""
    paths: list[Path] = []
    for each in [files] if isinstance(files, str | os.PathLike) else files:
        path = Path(each).expanduser()
        if path.is_dir():
            paths += sorted(inner for inner in path.iterdir() if inner.is_file() and not inner.name.startswith("."))
        elif path.is_file():
            paths.append(path)
        else:
            siblings = [inner.name for inner in path.parent.iterdir()] if path.parent.is_dir() else []
            raise DataError(f"there is no {path}{did_you_mean(path.name, siblings)}")
    return paths


def _recognized(paths: Sequence[Path]) -> tuple[OfficialForm, list[Path]]:
    matching = [(form, [path for path in paths if form.matches(path)]) for form in _FORMS]
    matching = [(form, own) for form, own in matching if own]
    if len(matching) == 1:
        return matching[0]
    if matching:
        firsts = " and ".join(str(own[0]) for _, own in matching)
        raise DataError(f"{firsts} are official files of different forms; give those of one form")
    there = f", such as {paths[0]}" if paths else ""
    raise DataError(
        f"none of the {len(paths)} files{there} has the name of an official file: NTU60_CS.npz, train_data.npy (with "
        "train_label.pkl), train_position.npy, ntu60_3danno.pkl, S001C001P001R001A001.skeleton.npy"
    )


def _plan(info: DatasetInfo, found: OfficialSet) -> StorePlan:
    step = preparation_of(found.preparation, {**info.options.get(found.preparation, {}), **found.options})
    layout = layouts.layout(step.layout or found.layout)
    joints, channels = found.shape
    if len(layout.joints) != joints:
        raise DataError(
            f"the files have {joints} joints, '{found.preparation}' gives {len(layout.joints)}; name their preparation"
        )
    twice = [name for name, count in Counter(each.name for each in found.samples).items() if count > 1]
    if twice:
        raise DataError(f"sample '{twice[0]}' occurs twice in the files; give each one once")
    facts = [found.digest, [(each.label, sorted(each.trains)) for each in found.samples]]
    return StorePlan(
        info=_narrowed(info, found),
        raw="official",
        preparation=found.preparation,
        version=step.version,
        layout=layout,
        dtype=step.dtype,
        members=tuple(each.name for each in found.samples),
        source=hashlib.sha256(json.dumps(facts).encode()).hexdigest(),
        options=options_of(step),
        channels=channels,
        sizes=found.sizes,
        listed=found.listed,
    )


def _narrowed(info: DatasetInfo, found: OfficialSet) -> DatasetInfo:
    """The data set without protocols that nothing in the files decides; with classes by number, if it is unknown."""
    if info.name == "custom":
        count = 1 + max(each.label for each in found.samples)
        classes = tuple(f"class {label}" for label in range(count))
        return dataclasses.replace(info, classes=classes, protocols=dict.fromkeys(found.listed, Rule("lists")))
    told = [name for name in info.protocols if name in found.listed or _all_ntu(found)]
    return dataclasses.replace(info, protocols={name: info.protocols[name] for name in told})


def _all_ntu(found: OfficialSet) -> bool:
    return found.named and all(_is_ntu(each.name) for each in found.samples)


def _is_ntu(name: str) -> bool:
    return reader("ntu").matches(f"{name}.skeleton") and "/" not in name


def _fill(writer: StoreWriter, found: OfficialSet, progress: Progress) -> None:
    pending, total = writer.pending(), len(found.samples)
    done = total - sum(map(len, pending))
    progress(done, total)
    try:
        for part in pending:
            # What was noted of whole files is counted once, with the first shard.
            writer.shards.write(part, _shard(found, part, found.noted if part.start == 0 else {}))
            done += len(part)
            progress(done, total)
    except KeyboardInterrupt as stop:
        stop.add_note(f"{done} of {total} samples are stored; run the same command again to continue")
        raise


def _shard(found: OfficialSet, part: range, noted: Mapping[str, int]) -> Shard:
    entries, left_out = [], []
    for place in part:
        sample = found.samples[place]
        try:
            sequence = SkeletonSequence(sample.name, sample.label, found.read(place))
        except RawFileError as fault:
            left_out.append(LeftOut(sample.name, fault.code, str(fault)))
            continue
        if _is_ntu(sample.name):
            setup, camera, subject, repeat = (int(sample.name[start : start + 3]) for start in (1, 5, 9, 13))
            entries.append(Entry(sequence, subject, camera, setup, repeat, sample.trains))
        else:
            entries.append(Entry(sequence, trains=sample.trains))
    return Shard(tuple(entries), tuple(left_out), noted)


def _silent(done: int, total: int) -> None:
    """No progress is asked for."""
