# SPDX-License-Identifier: Apache-2.0
"""Small stores for the tests of the data layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bonefide.data.datasets import info
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.types import SkeletonSequence


def entries(count: int = 24, *, seed: int = 0, persons: int = 1) -> list[Entry]:
    generator = np.random.default_rng(seed)
    made = []
    for number in range(count):
        subject, camera = number % 4 + 1, number % 3 + 1
        name = f"a{number % 5 + 1:02}_s{subject:02}_e{number:02}_v{camera:02}"
        joints = generator.normal(size=(persons, number % 7 + 1, 20, 3)).astype(np.float32)
        made.append(Entry(SkeletonSequence(name, number % 10, joints), subject, camera, -1, number))
    return made


def small_store(path: Path, count: int = 24, *, persons: int = 1) -> SkeletonStore:
    return write_store(path, info("nwucla"), entries(count, persons=persons))
