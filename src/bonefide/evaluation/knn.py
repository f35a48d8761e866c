# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours on clips as they are: what a data set gives away without learning."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from bonefide.data.dataset import SkeletonDataset
from bonefide.types import Array

__all__ = ["knn_accuracy"]


def knn_accuracy(train: SkeletonDataset, test: SkeletonDataset, *, neighbors: int = 1) -> float:
    """Accuracy of the k nearest training clips by Euclidean distance, in percent.

    Args:
        train: clips with their labels, all of one shape.
        test: clips to classify, of the same shape.
        neighbors: how many vote.
    """
    classifier = KNeighborsClassifier(neighbors).fit(_vectors(train), train.labels)
    return float(100 * classifier.score(_vectors(test), test.labels))


def _vectors(samples: SkeletonDataset) -> Array:
    return np.stack([samples[place].clip.ravel() for place in range(len(samples))])
