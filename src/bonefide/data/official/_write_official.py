# SPDX-License-Identifier: Apache-2.0
"""`write_official`: a store to files that official code reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from bonefide.data.official._export import Export, ExportForm
from bonefide.data.official.array_pairs import ArrayPairs
from bonefide.data.official.ctrgcn_npz import CTRGCNNpz
from bonefide.data.official.pyskl_pickle import PYSKLPickle
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, OutputError, UnknownNameError

__all__ = ["FORMS", "write_official"]

FORMS: dict[str, ExportForm] = {
    "ctrgcn": CTRGCNNpz("ctrgcn"),
    "mamp": CTRGCNNpz("mamp"),
    "npy": ArrayPairs(),
    "pyskl": PYSKLPickle(),
}
"""What a store can be exported as."""

Progress = Callable[[int, int], None]


def write_official(
    store: SkeletonStore,
    out: str | os.PathLike[str],
    form: str,
    *,
    protocols: str | Sequence[str] | None = None,
    frames: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Write a store as files that official code reads, sample by sample.

    Args:
        store: opened.
        out: file or folder to write; files in a folder get the official names.
        form: "ctrgcn" or "mamp" (an `.npz` a protocol, the names of the files differ), "npy" (arrays and labels as
            ST-GCN and AimCLR keep them, a folder a protocol), "pyskl" (one pickle).
        protocols: whose parts; None for all the store has.
        frames: length of padded samples; None for 300, or that of the longest sequence if it is longer.
        overwrite: replace files that are already there.
        progress: called with the number of samples written and of all.

    Returns:
        The files.

    Raises:
        UnknownNameError: if there is no such form or protocol.
        DataError: if the form cannot hold the sequences, or the store has no protocol.
        OutputError: if files are there already or cannot be written.
    """
    if form not in FORMS:
        raise UnknownNameError("forms to export a store in", form, FORMS)
    if frames is not None and frames < 1:
        raise DataError(f"frames must be at least 1, got {frames}")
    chosen = _chosen(store, protocols)
    if not chosen and form != "pyskl":
        raise DataError(f"{store.path} has no protocol, so nothing says who trains; export it as pyskl")
    report, done, total = progress or _silent, iter(range(1, 10**12)), len(store) * len(chosen)
    export = Export(store, chosen, frames, lambda: report(next(done), total))
    writer = FORMS[form]
    targets = writer.targets(export, Path(out).expanduser())
    there = [path for path in targets.values() if path.exists()]
    if there and not overwrite:
        raise OutputError(f"{there[0]} is there already; choose another place, or replace it with --overwrite")
    writer.write(export, targets)
    return tuple(targets.values())


def _chosen(store: SkeletonStore, protocols: str | Sequence[str] | None) -> tuple[str, ...]:
    known = tuple(dict.fromkeys((*store.info.protocols, *store.info.listed)))
    if protocols is None:
        return known
    chosen = (protocols,) if isinstance(protocols, str) else tuple(dict.fromkeys(protocols))
    for protocol in chosen:
        if protocol not in known:
            raise UnknownNameError(f"protocols of {store.path.name}", protocol, known)
    return chosen or known


def _silent(done: int, total: int) -> None:
    """No progress is asked for."""
