# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from stores import small_store

from bonefide.data.descriptor_dataset import DescriptorDataset
from bonefide.data.descriptor_store import DescriptorStore
from bonefide.data.loader import loader
from bonefide.data.store import SkeletonStore
from bonefide.data.write_descriptors import describe_store
from bonefide.errors import DataError, StoreError, UnknownNameError

ROWS = np.array([5, 0, 11, 7, 3])


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return small_store(tmp_path / "store", 24)


@pytest.fixture
def images(store: SkeletonStore) -> DescriptorStore:
    return describe_store(store, ["fdd"], size=16)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_hold_the_images_of_their_rows(store: SkeletonStore, images: DescriptorStore, workers: int) -> None:
    samples = DescriptorDataset(store, ROWS, descriptors=images, images=("fdd", "add"), seed=4)
    assert samples.labels.tolist() == store.labels[ROWS].tolist()
    assert samples.names.tolist() == store.names[ROWS].tolist()
    batches = list(loader(samples, batch_size=2, shuffle=True, workers=workers))
    order = torch.cat([batch.index for batch in batches]).tolist()
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert order == torch.cat([batch.index for batch in loader(samples, batch_size=5, shuffle=True)]).tolist()
    clips = torch.cat([batch.clip for batch in batches])
    assert (clips.dtype, tuple(clips.shape)) == (torch.uint8, (5, 2, 3, 16, 16))
    for index, clip in zip(order, clips, strict=True):
        np.testing.assert_array_equal(clip.numpy(), images.planes(["fdd", "add"], int(ROWS[index])))
    assert torch.cat([batch.label for batch in batches]).tolist() == store.labels[ROWS[order]].tolist()


def test_repeated_rows_keep_their_index(store: SkeletonStore, images: DescriptorStore) -> None:
    samples = DescriptorDataset(store, ROWS, descriptors=images, images=("jdd",), repeat=3)
    assert len(samples) == 15
    assert samples[12].index == 2
    np.testing.assert_array_equal(samples[12].clip, samples[2].clip)
    with pytest.raises(IndexError):
        samples[15]


def test_what_does_not_fit(store: SkeletonStore, images: DescriptorStore, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no samples"):
        DescriptorDataset(store, ROWS[:0], descriptors=images, images=("jdd",))
    with pytest.raises(DataError, match="got 1 and 0"):
        DescriptorDataset(store, ROWS, descriptors=images, images=())
    with pytest.raises(DataError, match="got 0 and 1"):
        DescriptorDataset(store, ROWS, descriptors=images, images=("jdd",), repeat=0)
    with pytest.raises(StoreError, match="no images of 'gd'"):
        DescriptorDataset(store, ROWS, descriptors=images, images=("gd",))
    with pytest.raises(UnknownNameError, match="'jd'"):
        DescriptorDataset(store, ROWS, descriptors=images, images=("jd",))
    other = small_store(tmp_path / "other", 12)
    with pytest.raises(DataError, match="another store"):
        DescriptorDataset(other, ROWS, descriptors=images, images=("jdd",))
