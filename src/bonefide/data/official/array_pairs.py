# SPDX-License-Identifier: Apache-2.0
"""Pairs of an array and its labels, as ST-GCN, 2s-AGCN, AimCLR, CrosSCLR, SMIE and PGFA keep them."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bonefide.data._writing import write_array
from bonefide.data.official._arrays import ArrayFile
from bonefide.data.official._digest import digest_of
from bonefide.data.official._export import Export
from bonefide.data.official._parts import Part, labels_of, set_of_parts
from bonefide.data.official._samples import OfficialSet, Request, check_labels, check_names, join_sets
from bonefide.data.safe_pickle import load_pickle
from bonefide.errors import DataError
from bonefide.writing import replacing, write_file

__all__ = ["ArrayPairs"]

_NAME = re.compile(
    r"(?P<stem>train|val|test|seen_train|seen_test|unseen|one_shot_train|one_shot_test|one_shot_exemplar)"
    r"_(?P<what>data_joint|data|position|joint)\.npy"
)
_TRAIN = ("train", "seen_train", "one_shot_train")
_ZERO_SHOT = ("seen_train", "seen_test", "unseen", "one_shot_train", "one_shot_test", "one_shot_exemplar")
"""Stems of files whose labels are always numbers, those of the whole data set, and whose parts are cross-subject."""
_SHIFTED = "labels_may_be_shifted"
_PARTS = {"train": "train", "val": "test"}


class ArrayPairs:
    """Files such as `train_data.npy` with `train_label.pkl`, `val_data.npy` with `val_label.pkl` in one folder.

    Also `_position.npy` (AimCLR), `_data_joint.npy` (2s-AGCN), and the zero-shot parts `seen_train_data.npy`,
    `seen_test_data.npy`, `unseen_data.npy` (SMIE, PGFA; seen training samples train, all others test), and one-shot
    files. The labels are looked for beside the array.

    Shape:
        data: (N, 3, T, V, M) float32.
        label: a pickle of (names, labels), or an array of numbers (N,) or (N, 1).

    Raises:
        DataError: from `read`, if files are damaged, have no labels or do not fit the data set.

    Reference:
        Levigty/AimCLR 6cd7376, tools/ntu_gendata.py and feeder/ntu_feeder.py; YujieOuO/SMIE fa41f1d;
        kaai520/PGFA 3e09542.

    Differs from the official code:
        Names are written with `.skeleton` behind those of NTU RGB+D only.

    Example:
        >>> ArrayPairs().matches(Path("xsub/train_position.npy")), ArrayPairs().matches(Path("xsub/train_label.npy"))
        (True, False)
    """

    def matches(self, path: Path) -> bool:
        """Whether a file of that name is of this form."""
        return _NAME.fullmatch(path.name) is not None

    def read(self, paths: Sequence[Path], request: Request, opened: ExitStack) -> OfficialSet:
        """Look into files; see `OfficialForm`."""
        _refuse_twins(paths)
        groups: dict[str, list[Path]] = {}
        for path in sorted(paths, key=lambda path: (_stem(path) not in _TRAIN, path)):
            usual = "xsub" if _stem(path) in _ZERO_SHOT else ""
            groups.setdefault(request.protocol_of(path, usual), []).append(path)
        return join_sets([_read(group, protocol, request, opened) for protocol, group in groups.items()])

    def targets(self, export: Export, out: Path) -> dict[str, Path]:
        """Place in the folder to file, for every file that will be written."""
        if out.suffix:
            raise DataError(f"{out} must be a folder: a protocol is four files, such as xsub/train_data.npy")
        names = [
            f"{protocol}/{part}_{what}"
            for protocol in export.protocols
            for part in _PARTS
            for what in ("data.npy", "label.pkl")
        ]
        return {name: out / name for name in names}

    def write(self, export: Export, targets: dict[str, Path]) -> None:
        """Write files; see `targets`."""
        store = export.store
        _, joints, channels = store.info.shape
        persons = max(int(store.persons.max()), 2 if joints == 25 else 1)
        shape = (channels, export.frames, joints, persons)
        ending = ".skeleton" if store.info.dataset.startswith("ntu") else ""
        for protocol in export.protocols:
            for part, ours in _PARTS.items():
                rows = export.rows(protocol, ours)
                pieces = (each.transpose(3, 1, 2, 0) for each in export.joints(rows, persons=persons))
                path = targets[f"{protocol}/{part}_data.npy"]
                size = 4 * len(rows) * int(np.prod(shape))
                with replacing(path, needed=size) as temporary, temporary.open("wb") as file:
                    write_array(file, (len(rows), *shape), np.dtype("<f4"), pieces)
                names = [name + ending for name in store.names[rows].tolist()]
                labels = (names, store.labels[rows].tolist())
                # The oldest protocol that official code of any Python reads quickly.
                write_file(targets[f"{protocol}/{part}_label.pkl"], pickle.dumps(labels, protocol=2))


def _stem(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return "" if match is None else match["stem"]


def _refuse_twins(paths: Sequence[Path]) -> None:
    seen: dict[tuple[Path, str], Path] = {}
    for path in paths:
        other = seen.setdefault((path.parent, _stem(path)), path)
        if other != path:
            raise DataError(f"{other} and {path.name} are the same samples prepared in two ways; name the one to read")


def _read(paths: Sequence[Path], protocol: str, request: Request, opened: ExitStack) -> OfficialSet:
    parts, digest, shifted = [], [], 0
    for path in paths:
        file = opened.enter_context(_open(path))
        array = ArrayFile(file, path.stat().st_size, place=str(path))
        names, labels, beside = _labels(path, request, len(array))
        if beside.suffix == ".npy" and _stem(path) not in _ZERO_SHOT:
            shifted += len(labels)
        stem = _stem(path) if path.parent == paths[0].parent else f"{path.parent.name}_{_stem(path)}"
        parts.append(Part(stem, array, labels, names, _stem(path) in _TRAIN))
        digest += [digest_of(path), digest_of(beside)]
    if shifted:
        warnings.warn(
            f"{paths[0].parent} has labels as arrays only, from which the official script subtracts the smallest label "
            "of each part; on a part without the first class they are shifted: give the _label.pkl if you have it",
            UserWarning,
            stacklevel=2,
        )
    return set_of_parts(
        parts,
        request,
        protocol=protocol,
        usual=_usual(request, paths, parts),
        noted={_SHIFTED: shifted} if shifted else {},
        digest=tuple(digest),
    )


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror or fault}") from None


def _labels(path: Path, request: Request, count: int) -> tuple[list[str] | None, list[int], Path]:
    """Names if there are any, labels, and the file they are in."""
    classes = 0 if request.own else len(request.info.classes)
    pickled, array = (path.with_name(f"{_stem(path)}_label{suffix}") for suffix in (".pkl", ".npy"))
    if pickled.is_file():
        names, labels = _unpickled(pickled)
        if not len(names) == len(labels) == count:
            raise DataError(f"{pickled} has {len(names)} names and {len(labels)} labels for {count} samples")
        check_labels(labels, classes, str(pickled))
        return names, labels, pickled
    if not array.is_file():
        raise DataError(
            f"{path} has no labels: neither {pickled.name} nor {array.name} lies beside it; copy them there"
        )
    with _open(array) as file:
        return None, labels_of(ArrayFile(file, array.stat().st_size, place=str(array)), classes, count=count), array


def _unpickled(path: Path) -> tuple[list[str], list[int]]:
    with _open(path) as file:
        content = load_pickle(file, path=str(path))
    pair = content if isinstance(content, tuple | list) and len(content) == 2 else (None, None)
    names, labels = (each.tolist() if isinstance(each, np.ndarray) else each for each in pair)
    if not isinstance(names, list | tuple) or not isinstance(labels, list | tuple):
        raise DataError(f"{path} must hold a pair (names, labels)")
    check_names(names, str(path))
    if not all(isinstance(label, int | np.integer) and not isinstance(label, bool) for label in labels):
        raise DataError(f"{path}: a label is no whole number")
    return [str(name).removesuffix(".skeleton") for name in names], [int(label) for label in labels]


def _usual(request: Request, paths: Sequence[Path], parts: Sequence[Part]) -> str:
    """The preparation, by name of the files and number of frames."""
    frames, joints, _ = parts[0].shape
    if request.own or joints != 25:
        return "plain" if request.own else next(iter(request.info.preparations.values()))
    if request.info.name.startswith("pkummd"):
        return "pkummd_mamp" if frames == 300 else "pkummd_neuron"
    if any(path.name.endswith("_data_joint.npy") for path in paths):
        return "ntu_agcn"
    zero_shot = any(_stem(path) in _ZERO_SHOT for path in paths)
    return "ntu_50frames" if zero_shot or frames == 50 else "ntu_stgcn"
