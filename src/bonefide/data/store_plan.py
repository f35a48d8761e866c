# SPDX-License-Identifier: Apache-2.0
"""All that decides the content of a store, known before anything is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bonefide.data.datasets import DatasetInfo
from bonefide.data.store_info import STORE_FORMAT, LeftOut, Option
from bonefide.layouts import layout

__all__ = ["StorePlan"]


@dataclass(frozen=True, eq=False)
class StorePlan:
    """All that decides the content of a store.

    Args:
        info: the data set.
        raw: raw format.
        preparation: its name.
        version: its version.
        options: its options, defaults included.
        layout: layout of the prepared joints.
        dtype: type of the stored coordinates.
        members: raw files in the order of their samples' names.
        source: digest of the raw files, see `RawSource.digest`.
        skipped: raw files that are not the data set's.
        channels: coordinates of a joint C.
    """

    info: DatasetInfo
    raw: str
    preparation: str
    version: int
    layout: str
    dtype: str
    members: tuple[str, ...]
    source: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    skipped: tuple[LeftOut, ...] = ()
    channels: int = 3

    @property
    def shape(self) -> tuple[int, int]:
        """Joints V and channels C."""
        return len(layout(self.layout).joints), self.channels

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything above: equal fingerprints, equal stores."""
        facts = [STORE_FORMAT, self.info.name, list(self.info.classes), self.raw, self.preparation, self.version]
        facts += [dict(self.options), self.layout, self.dtype, self.channels, list(self.members), self.source]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
