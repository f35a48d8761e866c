# SPDX-License-Identifier: Apache-2.0
"""Samples: rows of a store as images of descriptors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from bonefide.data.dataset import Draw, Sample
from bonefide.data.descriptor_info import array_file, stored_names
from bonefide.data.descriptor_store import DescriptorStore
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.types import Array

__all__ = ["DescriptorDataset"]


class DescriptorDataset(Dataset[Sample]):
    """Rows of a store as images of descriptors; nothing in them is random.

    Args:
        store: where the sequences are.
        rows: rows of the store.
        descriptors: its images.
        images: descriptors whose images a sample has, in order.
        repeat: how often an epoch goes through the rows.
        seed: of the order of an epoch.

    Shape:
        clip: (I, 3, H, W) uint8, planes blue, green, red; see `DescriptorStore.planes`.

    Raises:
        DataError: if there are no rows, `repeat` is below 1, the images are not of this store, or there is no image.
        UnknownNameError: if there is no such descriptor.
        StoreError: if images are missing.
    """

    def __init__(
        self,
        store: SkeletonStore,
        rows: Array,
        *,
        descriptors: DescriptorStore,
        images: Sequence[str],
        repeat: int = 1,
        seed: int = 0,
    ) -> None:
        if len(rows) == 0:
            raise DataError(f"{store.path.name}: this part of the protocol holds no samples")
        if repeat < 1 or not images:
            raise DataError(f"repeat and the number of images must be at least 1, got {repeat} and {len(images)}")
        if descriptors.info.store != store.info.fingerprint:
            raise DataError(f"{descriptors.path} holds images of another store than {store.path}")
        descriptors.planes(images, 0)
        self.store, self.rows, self.descriptors = store, np.asarray(rows), descriptors
        self.images, self.repeat, self.seed = tuple(images), repeat, seed

    def __len__(self) -> int:
        return len(self.rows) * self.repeat

    @property
    def labels(self) -> Array:
        """Labels of the rows, (n,) int64."""
        return self.store.labels[self.rows]

    @property
    def names(self) -> Array:
        """Sample ids of the rows, (n,) str."""
        return self.store.names[self.rows]

    @property
    def fingerprint(self) -> str:
        """Digest of the images, wherever they are from."""
        facts = self.descriptors.info
        used = {name: facts.checksums[array_file(name)] for name in stored_names(self.images)}
        return hashlib.sha256(json.dumps([facts.store, used], sort_keys=True).encode()).hexdigest()

    def __getitem__(self, position: int | Draw) -> Sample:
        """One sample, the same in every epoch."""
        place = position[0] if isinstance(position, tuple) else position
        if not 0 <= place < len(self):
            raise IndexError(f"sample {place} of {len(self)}")
        index = place % len(self.rows)
        row = int(self.rows[index])
        return Sample(self.descriptors.planes(self.images, row), int(self.store.labels[row]), index)
