# SPDX-License-Identifier: Apache-2.0
"""What `store.json` says about a store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bonefide.errors import StoreError
from bonefide.layouts import layout_from_facts

__all__ = [
    "INDEX_FILE",
    "INFO_FILE",
    "JOINTS_FILE",
    "MOST_PERSONS",
    "STORE_FORMAT",
    "LeftOut",
    "Option",
    "PartCounts",
    "StoreInfo",
    "is_store_json",
]

STORE_FORMAT = 2
"""Raised whenever the files of a store change their meaning."""
JOINTS_FILE = "joints.npy"
INDEX_FILE = "index.parquet"
INFO_FILE = "store.json"
_FORMAT_KEY = "bonefide_store"

MOST_PERSONS = 127
"""Persons of a sequence, at most."""

Option = str | int | float | bool | None
"""What an option of a preparation can be."""


@dataclass(frozen=True)
class LeftOut:
    """A raw file that gave no sample.

    Args:
        member: its name in the raw data.
        code: short name of the fault, "name" if its name is not one of the data set's.
        reason: the fault in words.
    """

    member: str
    code: str
    reason: str


@dataclass(frozen=True)
class PartCounts:
    """How many sequences a protocol has in a store, and how many the data set has; 0 expected means it varies."""

    train: int
    test: int
    expected_train: int = 0
    expected_test: int = 0

    @property
    def complete(self) -> bool:
        """Whether both parts have as many sequences as expected."""
        return self.expected_train in (0, self.train) and self.expected_test in (0, self.test)


@dataclass(frozen=True)
class StoreInfo:
    """Facts about a store, without its index.

    Args:
        dataset: name of the data set.
        raw: raw format it was read from.
        preparation: how the raw recordings were prepared.
        version: version of that preparation.
        options: its options, defaults included.
        layout: name of the layout of the joints.
        skeleton: that layout as plain values, if it is not one of the package's.
        classes: class names; the place is the label.
        sequences: number of sequences.
        expected_sequences: how many the data set has; 0 if it varies.
        shape: (R, V, C) of the joints, R the sum of persons x frames.
        dtype: type of the coordinates.
        sizes: bytes of each file.
        checksums: SHA-256 of each file.
        protocols: how many sequences train and test.
        listed: protocols whose parts are the lists that came with the raw data, kept in the index.
        inferred: names of the joints that are not measured but follow from others.
        left_out: raw files that gave no sample.
        warnings: number of files by code of what was noted of them: tolerated faults, and "foreign" for recordings of
            another data set that were passed over.
        fingerprint: digest of all that decided the content; equal fingerprints, equal stores.
        format: version of the files' format.
    """

    dataset: str
    raw: str
    preparation: str
    version: int
    options: Mapping[str, Option]
    layout: str
    classes: tuple[str, ...]
    sequences: int
    expected_sequences: int
    shape: tuple[int, int, int]
    dtype: str
    sizes: Mapping[str, int]
    checksums: Mapping[str, str]
    protocols: Mapping[str, PartCounts]
    left_out: tuple[LeftOut, ...]
    warnings: Mapping[str, int]
    fingerprint: str
    listed: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    skeleton: Mapping[str, Any] | None = None
    format: int = STORE_FORMAT

    @property
    def complete(self) -> bool:
        """Whether all that the data set has is there."""
        return self.expected_sequences in (0, self.sequences) and all(each.complete for each in self.protocols.values())

    @property
    def preparation_digest(self) -> str:
        """SHA-256 of what was prepared and how, for the audit of a run."""
        what = [self.dataset, self.preparation, self.version, dict(self.options), self.checksums[JOINTS_FILE]]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """The text of `store.json`; equal facts give equal bytes."""
        facts = dataclasses.asdict(self)
        facts[_FORMAT_KEY] = facts.pop("format")
        return json.dumps({**facts, "complete": self.complete}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, place: str) -> StoreInfo:
        """Read `store.json`.

        Args:
            text: its content.
            place: the store's path, for messages.

        Raises:
            StoreError: if it is damaged or of another format version.
        """
        facts = _parse_object(text)
        if facts is None or not isinstance(facts.get(_FORMAT_KEY), int):
            raise StoreError(f"{place} is damaged: its {INFO_FILE} cannot be read; prepare it again with --overwrite")
        if facts[_FORMAT_KEY] != STORE_FORMAT:
            raise StoreError(
                f"{place} is a store of format version {facts[_FORMAT_KEY]}, this bonefide reads version "
                f"{STORE_FORMAT}; prepare it again with --overwrite, or use the bonefide that wrote it"
            )
        try:
            return cls(**_typed_facts(facts))
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise StoreError(
                f"{place} is damaged: its {INFO_FILE} lacks or garbles a fact ({fault}); "
                "prepare it again with --overwrite"
            ) from None


def _parse_object(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object in `text`, or None if there is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_store_json(text: str | bytes) -> bool:
    """Whether this is the `store.json` of a store of any version."""
    facts = _parse_object(text)
    return facts is not None and _FORMAT_KEY in facts


def _typed_facts(facts: dict[str, Any]) -> dict[str, Any]:
    typed = {field.name: facts[field.name] for field in dataclasses.fields(StoreInfo) if field.name != "format"}
    for name in ("dataset", "raw", "preparation", "layout", "dtype", "fingerprint"):
        if not isinstance(typed[name], str):
            raise ValueError(name)
    rows, joints, channels = (int(size) for size in typed["shape"])
    typed["shape"] = (rows, joints, channels)
    typed["version"], typed["sequences"] = int(typed["version"]), int(typed["sequences"])
    typed["options"], typed["warnings"] = dict(typed["options"]), dict(typed["warnings"])
    for name in ("classes", "listed", "inferred"):
        typed[name] = tuple(str(each) for each in typed[name])
    if typed["skeleton"] is not None:
        layout_from_facts(typed["skeleton"])
    typed["sizes"] = {name: int(typed["sizes"][name]) for name in (JOINTS_FILE, INDEX_FILE)}
    typed["checksums"] = {name: str(typed["checksums"][name]) for name in (JOINTS_FILE, INDEX_FILE)}
    typed["protocols"] = {name: PartCounts(**counts) for name, counts in typed["protocols"].items()}
    typed["left_out"] = tuple(LeftOut(**each) for each in typed["left_out"])
    return typed
