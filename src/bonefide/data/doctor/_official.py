# SPDX-License-Identifier: Apache-2.0
"""Processed files of official code, told from one's own arrays by what is in them, not by their names alone."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bonefide.data.official._samples import OfficialForm, OfficialSet
from bonefide.data.official.array_pairs import ArrayPairs
from bonefide.data.official.ctrgcn_npz import CTRGCNNpz
from bonefide.data.official.imdar import IMDAR
from bonefide.data.official.pyskl_pickle import PYSKLPickle
from bonefide.data.preparation import preparation

__all__ = ["official_form", "official_title"]

_WORDS: Mapping[type, str] = {
    CTRGCNNpz: "npz files of the CTR-GCN family",
    ArrayPairs: "arrays with labels of the ST-GCN, 2s-AGCN and AimCLR family",
    PYSKLPickle: "pickles of PYSKL",
    IMDAR: "dictionaries of IMDAR",
}


def official_form(path: Path) -> tuple[OfficialForm | None, list[Path]]:
    """The form of official files at a path and the files of it; None if they are of none."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    checks: tuple[tuple[OfficialForm, Callable[[Path], bool]], ...] = (
        (CTRGCNNpz(), _has_parts),
        (IMDAR(), _always),
        (ArrayPairs(), _has_labels),
        (PYSKLPickle(), _always),
    )
    for form, sure in checks:
        own = [file for file in files if file.is_file() and form.matches(file) and sure(file)]
        if own:
            return form, own
    return None, []


def official_title(form: OfficialForm, found: OfficialSet) -> tuple[str, str]:
    """What official files are in words, and the name of their layout, "" if nothing tells."""
    parts = ", ".join(
        f"{protocol} {sum(protocol in sample.trains for sample in found.samples)} + "
        f"{sum(protocol not in sample.trains for sample in found.samples)}"
        for protocol in found.listed
    )
    joints, channels = found.shape
    title = f"{_WORDS[type(form)]}: {len(found.samples)} samples of {joints} joints x {channels} coordinates"
    title += f" ({parts} for training and testing)" if parts else ""
    return f"{title}, prepared by '{found.preparation}'", preparation(found.preparation).layout or found.layout


def _always(path: Path) -> bool:
    return path.is_file()


def _has_parts(path: Path) -> bool:
    """One's own recordings are `.npz`, too."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {"x_train.npy", "x_test.npy"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _has_labels(path: Path) -> bool:
    stem = path.name.removesuffix(".npy")
    stems = (stem, stem.rsplit("_", 1)[0])
    return any(path.with_name(f"{each}_label{ending}").is_file() for each in stems for ending in (".pkl", ".npy"))
