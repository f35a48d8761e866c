# SPDX-License-Identifier: Apache-2.0
"""The `.npz` of CTR-GCN, MAMP and their successors, one a protocol: joints and labels of both parts."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np

from bonefide.data._writing import write_array
from bonefide.data.official._arrays import ArrayArchive
from bonefide.data.official._export import Export
from bonefide.data.official._parts import Part, labels_of, names_of, set_of_parts
from bonefide.data.official._samples import OfficialSet, Request, join_sets
from bonefide.errors import DataError
from bonefide.types import Array
from bonefide.writing import replacing

__all__ = ["CTRGCNNpz"]

Family = Literal["ctrgcn", "mamp"]

_PARTS = ("train", "test")
_FILES = {
    ("ctrgcn", "ntu60", "xsub"): "NTU60_CS.npz",
    ("ctrgcn", "ntu60", "xview"): "NTU60_CV.npz",
    ("ctrgcn", "ntu120", "xsub"): "NTU120_CSub.npz",
    ("ctrgcn", "ntu120", "xset"): "NTU120_CSet.npz",
    ("mamp", "ntu60", "xsub"): "NTU60_XSub.npz",
    ("mamp", "ntu60", "xview"): "NTU60_XView.npz",
    ("mamp", "ntu120", "xsub"): "NTU120_XSub.npz",
    ("mamp", "ntu120", "xset"): "NTU120_XSet.npz",
}
_PKU_WORDS = {"xsub": "XSub", "xview": "XView"}
_CLIPS = "pkummd_neuron"
"""The preparation whose official files hold clips (N, 3, T, V, M)."""
# A fixed time makes equal stores give equal bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


class CTRGCNNpz:
    """Files with `x_train`, `y_train`, `x_test` and `y_test`, and maybe `names_train` and `names_test`.

    Args:
        family: whose names files have that are written into a folder.

    Shape:
        x: (N, T, 150) float32, of each frame two persons' 25 joints' x y z; or (N, 3, T, 25, 2).
        y: (N, K) one-hot float64; or (N,) or (N, 1) integers.

    Raises:
        DataError: from `read` and `write`, if files or a store do not fit the form.

    Reference:
        Uason-Chen/CTR-GCN e13d758, data/ntu*/seq_transformation.py; maoyunyao/MAMP 09e6252;
        cseeyangchen/Neuron 7939873, data/pkummd.

    Differs from the official code:
        The names of the samples are written too, under keys that official loaders do not look at.

    Example:
        >>> CTRGCNNpz().matches(Path("NTU60_CS.npz"))
        True
    """

    def __init__(self, family: Family = "ctrgcn") -> None:
        self.family = family

    def matches(self, path: Path) -> bool:
        """Whether a file of that name is of this form."""
        return path.suffix.lower() == ".npz"

    def read(self, paths: Sequence[Path], request: Request, opened: ExitStack) -> OfficialSet:
        """Look into files; see `OfficialForm`."""
        return join_sets([_read(path, request, opened) for path in paths])

    def targets(self, export: Export, out: Path) -> dict[str, Path]:
        """Protocol to the file that will hold it."""
        if out.suffix.lower() != ".npz":
            return {protocol: out / self._name(export.store.info.dataset, protocol) for protocol in export.protocols}
        if len(export.protocols) > 1:
            raise DataError(
                f"{out} can hold one protocol; name it by --protocol ({', '.join(export.protocols)}) or give a folder"
            )
        return {export.protocols[0]: out}

    def write(self, export: Export, targets: dict[str, Path]) -> None:
        """Write files; see `targets`."""
        export.require(joints=25, channels=3, persons=2, form=self.family)
        for protocol, path in targets.items():
            _write(export, protocol, path)

    def _name(self, dataset: str, protocol: str) -> str:
        if dataset in ("pkummd1", "pkummd2"):
            return f"PKUv{dataset[-1]}_{_PKU_WORDS.get(protocol, protocol)}.npz"
        return _FILES.get((self.family, dataset, protocol), f"{dataset}_{protocol}.npz")


def _read(path: Path, request: Request, opened: ExitStack) -> OfficialSet:
    archive = ArrayArchive(path)
    opened.callback(archive.close)
    classes = 0 if request.own else len(request.info.classes)
    parts = []
    for part in _PARTS:
        joints = archive.array(f"x_{part}")
        labels = labels_of(archive.array(f"y_{part}"), classes, count=len(joints))
        named = f"names_{part}" in archive.names
        names = names_of(archive.array(f"names_{part}"), count=len(joints)) if named else None
        parts.append(Part(f"x_{part}", joints, labels, names, part == "train"))
    return set_of_parts(
        parts,
        request,
        protocol=request.protocol_of(path),
        usual=_usual(request, clips=len(parts[0].array.shape) == 5, frames=parts[0].shape[0]),
        digest=(path.name, archive.facts),
    )


def _usual(request: Request, *, clips: bool, frames: int) -> str:
    if request.own:
        return "plain"
    if request.info.name.startswith("pkummd"):
        return "pkummd_neuron" if clips else "pkummd_mamp"
    return "ntu_50frames" if frames == 50 else "ntu_denoise"


def _write(export: Export, protocol: str, path: Path) -> None:
    clips = export.store.info.preparation == _CLIPS
    needed = export.bytes_of(persons=2)
    with replacing(path, needed=needed) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for part in _PARTS:
            rows = export.rows(protocol, part)
            shape = (3, export.frames, 25, 2) if clips else (export.frames, 150)
            pieces = map(_clip if clips else _flat, export.joints(rows, persons=2))
            _add(archive, f"x_{part}", (len(rows), *shape), "<f4", pieces)
            _add_labels(archive, f"y_{part}", export.store.labels[rows], len(export.store.info.classes), numbers=clips)
            names = export.store.names[rows]
            _add(archive, f"names_{part}", names.shape, names.dtype.str, [names])


def _add_labels(archive: zipfile.ZipFile, name: str, labels: Array, classes: int, *, numbers: bool) -> None:
    if numbers:
        _add(archive, name, (len(labels), 1), "<i8", [labels.astype("<i8")])
    else:
        rows = (np.eye(classes)[labels[start : start + 1024]] for start in range(0, len(labels), 1024))
        _add(archive, name, (len(labels), classes), "<f8", rows)


def _add(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: str, pieces: Iterable[Array]) -> None:
    member = zipfile.ZipInfo(f"{name}.npy", _TIME)
    # The size is not known to the archive beforehand, and official parts exceed four gigabytes.
    with archive.open(member, "w", force_zip64=True) as file:
        write_array(file, shape, np.dtype(dtype), pieces)  # type: ignore[arg-type]


def _flat(joints: Array) -> Array:
    return joints.transpose(1, 0, 2, 3).reshape(-1, 150)


def _clip(joints: Array) -> Array:
    return joints.transpose(3, 1, 2, 0)
