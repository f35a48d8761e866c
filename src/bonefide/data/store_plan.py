# SPDX-License-Identifier: Apache-2.0
"""All that decides the content of a store, known before anything is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from bonefide.data.datasets import DatasetInfo
from bonefide.data.store_info import STORE_FORMAT, LeftOut, Option
from bonefide.layouts import SkeletonLayout, layout_facts

__all__ = ["SHARD_BYTES", "SHARD_RECORDINGS", "StorePlan"]

SHARD_RECORDINGS = 256
"""Recordings in a shard, at most."""
SHARD_BYTES = 6 * 2**20
"""Raw bytes in a shard, unless one recording alone has more."""


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
        members: raw recordings, in the order in which they are read.
        source: digest of the raw files, see `RawSource.digest`.
        skipped: raw files that are not the data set's.
        channels: coordinates of a joint C.
        sizes: bytes of each raw recording; empty where they are in memory.
        listed: protocols whose parts are lists that came with the raw data.
        inferred: names of the joints that are not measured but follow from others.
    """

    info: DatasetInfo
    raw: str
    preparation: str
    version: int
    layout: SkeletonLayout
    dtype: str
    members: tuple[str, ...]
    source: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    skipped: tuple[LeftOut, ...] = ()
    channels: int = 3
    sizes: tuple[int, ...] = ()
    listed: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Joints V and channels C."""
        return len(self.layout.joints), self.channels

    @property
    def finite(self) -> bool:
        """Whether all coordinates must be finite: yes, unless the preparation was told to keep others."""
        return self.options.get("nonfinite") != "keep"

    def parts(self) -> list[range]:
        """Ranges of members, one a shard: what memory holds at once, and what an interruption costs at most."""
        sizes = self.sizes or (0,) * len(self.members)
        starts, held = [0] if sizes else [], 0
        for place, size in enumerate(sizes):
            held += size
            if place - starts[-1] == SHARD_RECORDINGS or (held > SHARD_BYTES and place > starts[-1]):
                starts.append(place)
                held = size
        return [range(start, stop) for start, stop in pairwise([*starts, len(sizes)])]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything above: equal fingerprints, equal stores."""
        facts = [STORE_FORMAT, self.info.name, list(self.info.classes), self.raw, self.preparation, self.version]
        facts += [dict(self.options), layout_facts(self.layout), self.dtype, self.channels, list(self.listed)]
        facts += [list(self.members), self.source]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
