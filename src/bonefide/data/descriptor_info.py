# SPDX-License-Identifier: Apache-2.0
"""What `descriptors.json` says about the images of a store."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bonefide.data.store import SkeletonStore
from bonefide.errors import StoreError, UnknownNameError

__all__ = [
    "COLOURED",
    "DESCRIPTORS_FILE",
    "DESCRIPTORS_FORMAT",
    "STORED",
    "DescriptorInfo",
    "array_file",
    "stored_names",
]

DESCRIPTORS_FORMAT = 1
"""Raised whenever the files change their meaning, or the same joints give other images."""
DESCRIPTORS_FILE = "descriptors.json"
STORED = ("gd", "jdd", "add", "lad")
"""Descriptors that are stored; the others are put together from them."""
COLOURED = frozenset({"gd"})
"""Stored descriptors with three colours."""
_COMPOSED = {"fdd": ("jdd", "add", "lad")}
_FORMAT_KEY = "bonefide_descriptors"
_AGAIN = "describe the store again with --overwrite"


@dataclass(frozen=True)
class DescriptorInfo:
    """Facts about the images of the sequences of a store.

    Args:
        store: fingerprint of that store.
        dataset: its data set.
        preparation: how its recordings were prepared.
        layout: of its joints.
        sequences: number of sequences N.
        size: rows, and columns, of an image.
        corrected: whether the mistakes of the official code were left out.
        origin: whether the images were computed here, or read from PNG files.
        checksums: SHA-256 of each file.
        format: version of the files' format.
    """

    store: str
    dataset: str
    preparation: str
    layout: str
    sequences: int
    size: int
    corrected: bool
    origin: Literal["computed", "png"] = "computed"
    checksums: Mapping[str, str] = dataclasses.field(default_factory=dict)
    format: int = DESCRIPTORS_FORMAT

    @property
    def stored(self) -> tuple[str, ...]:
        """Descriptors whose arrays are there."""
        return tuple(name for name in STORED if array_file(name) in self.checksums)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of the array of a stored descriptor: (N, H, W), or (N, H, W, 3)."""
        return (self.sequences, self.size, self.size, *((3,) if name in COLOURED else ()))

    def alike(self, other: DescriptorInfo) -> bool:
        """Whether both are of the same sequences and made in the same way, whatever images there are of each."""
        return dataclasses.replace(self, checksums={}) == dataclasses.replace(other, checksums={})

    @classmethod
    def of(
        cls, store: SkeletonStore, *, corrected: bool, size: int, origin: Literal["computed", "png"] = "computed"
    ) -> DescriptorInfo:
        """What images of a store's sequences will be, of whichever descriptors; arguments as of the class."""
        facts = store.info
        return cls(
            facts.fingerprint,
            facts.dataset,
            facts.preparation,
            store.layout.name,
            len(store),
            size,
            corrected,
            origin,
        )

    def to_json(self) -> str:
        """The text of `descriptors.json`; equal facts give equal bytes."""
        facts = dataclasses.asdict(self)
        facts[_FORMAT_KEY] = facts.pop("format")
        return json.dumps(facts, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, place: str) -> DescriptorInfo:
        """Read `descriptors.json`.

        Args:
            text: its content.
            place: where it stands, for messages.

        Raises:
            StoreError: if it is damaged or of another version.
        """
        try:
            facts = json.loads(text)
            version = facts.pop(_FORMAT_KEY)
            found = None if version != DESCRIPTORS_FORMAT else cls(**facts)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(f"{place} is damaged: {DESCRIPTORS_FILE} cannot be read; {_AGAIN}") from None
        if found is None:
            raise StoreError(
                f"{place} has version {version!r} of descriptors, this bonefide reads {DESCRIPTORS_FORMAT}; {_AGAIN}"
            )
        return found


def array_file(name: str) -> str:
    """File of a stored descriptor."""
    return f"{name}.npy"


def stored_names(names: Iterable[str]) -> tuple[str, ...]:
    """The stored descriptors that some descriptors need, in the order of `STORED`.

    Raises:
        UnknownNameError: if there is no such descriptor.

    Example:
        >>> stored_names(["fdd", "jdd"])
        ('jdd', 'add', 'lad')
    """
    wanted: set[str] = set()
    for name in names:
        if name not in STORED and name not in _COMPOSED:
            raise UnknownNameError("descriptors", name, (*STORED, *_COMPOSED))
        wanted |= {*_COMPOSED.get(name, (name,))}
    return tuple(name for name in STORED if name in wanted)
