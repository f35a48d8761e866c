# SPDX-License-Identifier: Apache-2.0
"""Padded arrays of the parts of a protocol, as one set of samples."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from bonefide.data._text_arrays import check_text
from bonefide.data.official._arrays import ArrayFile
from bonefide.data.official._export import FIXED_LENGTH
from bonefide.data.official._samples import OfficialSample, OfficialSet, Request, check_labels, check_names, trim
from bonefide.data.preparation import preparation
from bonefide.errors import DataError
from bonefide.types import Array

__all__ = ["Part", "labels_of", "names_of", "set_of_parts"]

_NAME_BYTES = 4096
_FLAT = 150
_LAYOUT_OF = {25: "ntu25", 20: "ucla20", 17: "coco17"}


@dataclass(frozen=True, eq=False)
class Part:
    """The samples of one array.

    Args:
        stem: what the names of samples without one begin with.
        array: (N, T, 150), or (N, C, T, V, M).
        labels: one a row.
        names: one a row, or None.
        trains: whether they train.
    """

    stem: str
    array: ArrayFile
    labels: Sequence[int]
    names: Sequence[str] | None
    trains: bool

    def __post_init__(self) -> None:
        array = self.array
        flat = len(array.shape) == 3 and array.shape[2] == _FLAT
        clips = len(array.shape) == 5 and array.shape[1] in (2, 3) and array.shape[3] in _LAYOUT_OF
        if array.dtype.kind != "f" or not (flat or clips):
            raise DataError(
                f"{array.place}: joints are (N, T, 150) or (N, C, T, V, M) with 25, 20 or 17 joints V and 2 or 3 "
                f"coordinates C, got {array.shape} {array.dtype}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames T, joints V, channels C."""
        shape = self.array.shape
        return (shape[1], 25, 3) if len(shape) == 3 else (shape[2], shape[3], shape[1])

    def joints(self, row: int) -> Array:
        """Joints of one sample, (M, T, V, C), padding included."""
        values = self.array.row(row)
        if values.ndim == 2:
            return values.reshape(len(values), 2, 25, 3).transpose(1, 0, 2, 3)
        return values.transpose(3, 1, 2, 0)


def set_of_parts(
    parts: Sequence[Part],
    request: Request,
    *,
    protocol: str,
    usual: str,
    noted: Mapping[str, int] | None = None,
    digest: tuple[object, ...] = (),
) -> OfficialSet:
    """Parts of a protocol as one set.

    Args:
        parts: in the order of the samples.
        request: what is known of them.
        protocol: whose parts they are.
        usual: the preparation that files of this form had, if nothing else is said.
        noted: faults that were tolerated.
        digest: what tells the content of the files.

    Raises:
        DataError: if the parts do not fit each other.
    """
    shapes = {part.shape for part in parts}
    if len({shape[1:] for shape in shapes}) > 1:
        raise DataError(f"{parts[0].array.place} and the files with it have different joints: {sorted(shapes)}")
    name = request.preparation or usual
    named = all(part.names is not None for part in parts)
    samples = tuple(sample for part in parts for sample in _samples(part, protocol))
    if not samples:
        raise DataError(f"{parts[0].array.place} and the files with it hold no sample")
    frames, joints, channels = parts[0].shape
    if name in FIXED_LENGTH and len({shape[0] for shape in shapes}) > 1:
        raise DataError(f"{parts[0].array.place} and the files with it have different lengths: {sorted(shapes)}")
    return OfficialSet(
        samples=samples,
        read=_reader(parts, request, name),
        preparation=name,
        layout=_LAYOUT_OF[joints],
        shape=(joints, channels),
        sizes=tuple(part.array.row_bytes for part in parts for _ in range(len(part.array))),
        listed=(protocol,),
        named=named,
        options={"frames": frames} if name in FIXED_LENGTH else {},
        noted=noted or {},
        digest=digest,
    )


def labels_of(array: ArrayFile, classes: int, *, count: int) -> list[int]:
    """Labels, one-hot or as numbers.

    Args:
        array: (N, K) one-hot, or (N,) or (N, 1) whole numbers, 0-based.
        classes: number of classes of the data set; 0 if unknown.
        count: number of samples.

    Raises:
        DataError: if it is none of these, not one a sample, or a label has no class.
    """
    _check_count(array, count, "labels")
    one_hot = len(array.shape) == 2 and array.shape[1] > 1
    if array.dtype.kind not in "fiub" or not (one_hot or array.shape[1:] in ((), (1,))):
        raise DataError(f"{array.place}: labels are one-hot (N, K) or numbers (N,), got {array.shape} {array.dtype}")
    if one_hot and classes and array.shape[1] != classes:
        raise DataError(f"{array.place} has {array.shape[1]} classes, the data set has {classes}; is it another one's?")
    labels: list[int] = []
    for rows in array.chunks():
        if one_hot:
            if not ((rows == 0) | (rows == 1)).all() or not (rows.sum(axis=1) == 1).all():
                raise DataError(f"{array.place}: labels are neither one-hot nor numbers")
            labels += rows.argmax(axis=1).tolist()
        else:
            flat = rows.reshape(-1)
            if not np.isfinite(flat).all() or (flat != np.trunc(flat)).any():
                raise DataError(f"{array.place}: labels are not whole numbers")
            with np.errstate(invalid="ignore"):
                labels += flat.astype(np.int64).tolist()
    check_labels(labels, classes, array.place)
    return labels


def names_of(array: ArrayFile, *, count: int) -> list[str]:
    """Names of samples, an array (N,) of text.

    Args:
        array: the names.
        count: number of samples.

    Raises:
        DataError: if it is no text, or not one a sample.
    """
    _check_count(array, count, "names")
    if array.dtype.kind not in "US" or len(array.shape) != 1 or array.row_bytes > _NAME_BYTES:
        raise DataError(f"{array.place}: names are text (N,), got {array.shape} {array.dtype}")
    try:
        found = [name for rows in array.chunks() for name in _texts(rows)]
    except ValueError as fault:
        raise DataError(f"{array.place}: a name is no text ({fault})") from None
    check_names(found, array.place)
    return found


def _texts(rows: Array) -> list[str]:
    check_text(rows)
    return [each.decode() if isinstance(each, bytes) else each for each in rows.tolist()]


def _check_count(array: ArrayFile, count: int, what: str) -> None:
    # Before they are read: few packed bytes can hold very many of them.
    if len(array) != count:
        raise DataError(f"{array.place} has {len(array)} {what} for {count} samples; do the files belong together?")


def _samples(part: Part, protocol: str) -> list[OfficialSample]:
    given = part.names or [f"{part.stem}_{row:06}" for row in range(1, len(part.array) + 1)]
    trains = frozenset({protocol} if part.trains else ())
    return [OfficialSample(name, label, trains) for name, label in zip(given, part.labels, strict=True)]


def _reader(parts: Sequence[Part], request: Request, name: str) -> Callable[[int], Array]:
    step = preparation(name, request.info.options.get(name, {}))
    ends = list(accumulate(len(part.array) for part in parts))
    # Where one actor is copied into the second slot, zeros there are an actor who was seen and lost everywhere.
    copied = getattr(step, "second_slot", "zeros") == "copy"

    def read(place: int) -> Array:
        number = bisect_right(ends, place)
        row = place - (ends[number - 1] if number else 0)
        with np.errstate(over="ignore"):
            joints = parts[number].joints(row).astype(step.dtype)
        return trim(joints, frames=name not in FIXED_LENGTH, persons=not copied)

    return read
