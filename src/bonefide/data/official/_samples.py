# SPDX-License-Identifier: Apache-2.0
"""What official files hold, told before any joint is read: samples with their labels and parts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short  # the usual one follows a nest of lists until Python gives up
from typing import Protocol

import numpy as np

from bonefide.data.datasets import DatasetInfo
from bonefide.data.store_info import Option
from bonefide.errors import DataError, RawFileError, UnknownNameError
from bonefide.types import Array

__all__ = [
    "OfficialForm",
    "OfficialSample",
    "OfficialSet",
    "Request",
    "check_labels",
    "check_names",
    "join_sets",
    "trim",
]

_FOLDERS = {
    "xsub": "xsub", "crosssubject": "xsub",
    "xview": "xview", "crossview": "xview",
    "xset": "xset", "xsetup": "xset", "crosssetup": "xset",
}  # fmt: skip
"""Word in the name of a folder to the protocol whose parts are in it."""
_PROTOCOLS = {**_FOLDERS, "cs": "xsub", "csub": "xsub", "cv": "xview", "cview": "xview", "cset": "xset"}
"""The same for files, where shorter words are no accident."""
_MOST_CLASSES = 100_000
_LONGEST_NAME = 1000


@dataclass(frozen=True)
class OfficialSample:
    """One sample of an official file.

    Args:
        name: sample id.
        label: class, 0-based.
        trains: protocols in whose training part the file has it.
    """

    name: str
    label: int
    trains: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class OfficialSet:
    """Samples of official files; their joints are still on the disk.

    Args:
        samples: in the order of the files.
        read: joints of the sample at a place; fastest in order. Raises `RawFileError` for one that gives none.
        preparation: how they were prepared.
        layout: of the joints, where the preparation does not say it.
        shape: joints V and channels C.
        sizes: bytes of each sample on the disk.
        listed: protocols whose parts the files tell.
        named: whether the names are those of the data set, not made from places.
        options: of the preparation, as far as the files tell them.
        noted: faults that were tolerated, by code.
        digest: what tells the content of the files.
    """

    samples: tuple[OfficialSample, ...]
    read: Callable[[int], Array]
    preparation: str
    layout: str
    shape: tuple[int, int]
    sizes: tuple[int, ...]
    listed: tuple[str, ...]
    named: bool
    options: Mapping[str, Option] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)
    digest: tuple[object, ...] = ()


@dataclass(frozen=True)
class Request:
    """What a user says about official files.

    Args:
        info: their data set.
        protocol: whose parts they are; None to tell it by their names.
        preparation: how they were prepared; None to tell it by their form.
    """

    info: DatasetInfo
    protocol: str | None = None
    preparation: str | None = None

    @property
    def own(self) -> bool:
        """Whether they are one's own data, of which nothing is known beforehand."""
        return self.info.name == "custom"

    def protocol_of(self, path: Path, usual: str = "") -> str:
        """The protocol of a file, by its name or its folders'.

        Args:
            path: of the file.
            usual: the one that files of this form are made for.

        Raises:
            DataError: if nothing tells it.
            UnknownNameError: if the data set has no such protocol.
        """
        folders = [folder.name for folder in path.absolute().parents][:2]
        told = (_protocol_in(path.stem, _PROTOCOLS), *(_protocol_in(folder, _FOLDERS) for folder in folders))
        found = self.protocol or next(filter(None, told), "") or usual
        if not found and len(self.info.protocols) == 1:
            found = next(iter(self.info.protocols))
        if not found:
            raise DataError(
                f"{path} does not say in its name whose parts it has; name the protocol, one of "
                f"{', '.join(self.info.protocols) or 'your own choice'}"
            )
        return self.checked(found)

    def checked(self, protocol: str) -> str:
        """The protocol, if the data set has it; one's own data may have any.

        Raises:
            UnknownNameError: if the data set has no such protocol.
        """
        if not self.own and protocol not in self.info.protocols:
            raise UnknownNameError(f"protocols of {self.info.name}", protocol, self.info.protocols)
        return protocol


class OfficialForm(Protocol):
    """A form of official files: one class a file of this package."""

    def matches(self, path: Path) -> bool:
        """Whether a file of that name holds samples in this form."""

    def read(self, paths: Sequence[Path], request: Request, opened: ExitStack) -> OfficialSet:
        """Look into files.

        Args:
            paths: files that match.
            request: what is known of them.
            opened: closes them in the end.

        Raises:
            DataError: if they are damaged or do not fit the data set.
        """


def check_labels(labels: Sequence[int], classes: int, place: str) -> None:
    """Refuse labels without a class.

    Args:
        labels: 0-based.
        classes: number of classes; 0 if unknown.
        place: of the labels, for the message.

    Raises:
        DataError: if there is one.
    """
    limit = classes or _MOST_CLASSES
    outside = [label for label in labels if not 0 <= label < limit]
    if outside:
        raise DataError(f"{place}: label {outside[0]} is outside 0 to {limit - 1}; is it another data set's?")


def check_names(names: Sequence[object], place: str) -> None:
    """Refuse names that are none.

    Args:
        names: what a file has as names.
        place: of the names, for the message.

    Raises:
        DataError: if one is no text, empty, too long, or cannot be written as UTF-8.
    """
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not _is_unicode(name):
            raise DataError(f"{place}: {short(name)} is no name: text of 1 to {_LONGEST_NAME} characters is")


def trim(joints: Array, *, frames: bool, persons: bool) -> Array:
    """Padding removed.

    Args:
        joints: (M, T, V, C).
        frames: whether frames of zeros at the end are padding.
        persons: whether persons of zeros after the first are padding.

    Shape:
        returned: (M', T', V, C), a copy.

    Raises:
        RawFileError: `zero` if nothing is left, `nonfinite` if a coordinate is not finite.
    """
    if not np.isfinite(joints).all():
        raise RawFileError("nonfinite", "a coordinate is not finite")
    shown: Array = (joints != 0).any(axis=(2, 3))
    if not shown.any():
        raise RawFileError("zero", "all coordinates are zero")
    length = int(np.flatnonzero(shown.any(axis=0))[-1]) + 1 if frames else joints.shape[1]
    count = int(np.flatnonzero(shown.any(axis=1))[-1]) + 1 if persons else len(joints)
    return np.ascontiguousarray(joints[:count, :length])


def join_sets(sets: Sequence[OfficialSet]) -> OfficialSet:
    """Files of several protocols as one set: each sample once, with all its parts.

    Args:
        sets: one a protocol.

    Raises:
        DataError: if samples have no names to join by, or the files do not hold the same ones.
    """
    first, *others = sets
    if not others:
        return first
    if not all(each.named for each in sets):
        raise DataError(
            "files of several protocols are joined by the names of their samples, and these have none; give one file"
        )
    trains = {sample.name: sample.trains for sample in first.samples}
    labels = {sample.name: sample.label for sample in first.samples}
    for other in others:
        if {sample.name: sample.label for sample in other.samples} != labels or other.shape != first.shape:
            raise DataError("the files of the protocols do not hold the same samples; give those of one preparation")
        for sample in other.samples:
            trains[sample.name] |= sample.trains
    return dataclasses.replace(
        first,
        samples=tuple(dataclasses.replace(sample, trains=trains[sample.name]) for sample in first.samples),
        listed=tuple(dict.fromkeys(protocol for each in sets for protocol in each.listed)),
        digest=tuple(part for each in sets for part in each.digest),
    )


def _protocol_in(name: str, meanings: Mapping[str, str]) -> str:
    words = re.split(r"[^a-z0-9]+", re.sub(r"cross[-_ ]", "cross", name.lower()))
    return next((meanings[word] for word in words if word in meanings), "")


def _is_unicode(text: str) -> bool:
    """Python's text can hold half of a pair of surrogates, which no file can."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
