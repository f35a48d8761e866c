# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.data.dataset import SkeletonDataset
from bonefide.data.datasets import info
from bonefide.data.write_store import Entry, write_store
from bonefide.evaluation.knn import knn_accuracy
from bonefide.transforms import Compose
from bonefide.transforms.resample import Resample
from bonefide.types import SkeletonSequence


@pytest.fixture
def parts(tmp_path: Path) -> tuple[SkeletonDataset, SkeletonDataset]:
    """Two classes at 0 and 10; one test sample of class 1 lies at 4, nearer to the other class."""
    places = [(0, 0.0), (0, 1.0), (1, 10.0), (1, 11.0), (0, 0.5), (1, 9.0), (1, 4.0), (0, 0.6)]
    entries = [
        Entry(SkeletonSequence(f"s{row}", label, np.full((1, 3 + row, 20, 3), place)), subject=1, camera=1)
        for row, (label, place) in enumerate(places)
    ]
    store = write_store(tmp_path / "store", info("nwucla"), entries)
    chain = Compose([Resample(4)])
    train, test = (SkeletonDataset(store, rows, transform=chain, persons=1) for rows in (np.arange(4), np.arange(4, 8)))
    return train, test


def test_the_nearest_decides(parts: tuple[SkeletonDataset, SkeletonDataset]) -> None:
    assert knn_accuracy(*parts) == 75.0


def test_more_neighbours_vote(parts: tuple[SkeletonDataset, SkeletonDataset]) -> None:
    assert knn_accuracy(*parts, neighbors=3) == 75.0
    assert knn_accuracy(*parts, neighbors=4) == 50.0  # a draw everywhere goes to the first class
