# SPDX-License-Identifier: Apache-2.0
"""Batches: seeded order, workers, collation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from bonefide.data.dataset import Draw, Sample, SkeletonDataset
from bonefide.data.descriptor_dataset import DescriptorDataset
from bonefide.types import Batch

__all__ = ["EpochSampler", "Samples", "collate", "loader"]

Samples = SkeletonDataset | DescriptorDataset
"""Rows of a store, as clips or as images."""


class EpochSampler(Sampler[Draw]):
    """Order of an epoch, from (seed, epoch) alone; tells each sample which epoch it is.

    Args:
        size: number of samples.
        shuffle: whether the order is random.
        seed: of the order.

    Example:
        >>> sampler = EpochSampler(3, shuffle=False)
        >>> sampler.set_epoch(2)
        >>> list(sampler)[1]
        Draw(position=1, epoch=2)
    """

    def __init__(self, size: int, *, shuffle: bool, seed: int = 0) -> None:
        self.size, self.shuffle, self.seed, self.epoch = size, shuffle, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Draw]:
        order = np.arange(self.size)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        return map(partial(_draw, epoch=self.epoch), order.tolist())


def loader(
    dataset: Samples,
    *,
    batch_size: int,
    shuffle: bool = False,
    drop_last: bool = False,
    workers: int = 0,
    pin_memory: bool = False,
) -> DataLoader[Sample]:
    """Batches of a data set.

    Call `.sampler.set_epoch(epoch)` before each epoch (Lightning does). Order and randomness are the same for any
    number of workers.

    Args:
        dataset: samples; its seed also orders them.
        batch_size: samples a batch.
        shuffle: whether the order is random.
        drop_last: whether a last batch that is not full is left out; never if it would be the only one.
        workers: processes that read and transform; 0 does it in this one.
        pin_memory: whether batches are placed for fast transfer to a GPU.

    Returns:
        A loader of `Batch`.
    """
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=EpochSampler(len(dataset), shuffle=shuffle, seed=dataset.seed),
        drop_last=drop_last and len(dataset) >= batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
        collate_fn=collate,
        # Otherwise it draws from the global generator, how often depends on the number of workers.
        generator=torch.Generator().manual_seed(dataset.seed),
    )


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples to a batch.

    Shape:
        clip: (N, C, T, V, M), or images (N, I, 3, H, W).
        joints: the same, if the samples have them.
        view: (N, W, C, T, V, M), if the samples have them.
    """
    clips, labels, indices, joints, views = zip(*samples, strict=True)
    return Batch(
        clip=torch.from_numpy(np.stack(clips)),
        label=torch.tensor(labels, dtype=torch.int64),
        index=torch.tensor(indices, dtype=torch.int64),
        joints=None if joints[0] is None else torch.from_numpy(np.stack(joints)),
        view=None if views[0] is None else torch.from_numpy(np.stack(views)),
    )


def _draw(position: int, *, epoch: int) -> Draw:
    return Draw(position, epoch)
