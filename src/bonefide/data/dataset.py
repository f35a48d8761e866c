# SPDX-License-Identifier: Apache-2.0
"""Samples: rows of a store, through a transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.transforms import Compose, Transform
from bonefide.types import Array

__all__ = ["Draw", "Sample", "SkeletonDataset"]


class Draw(NamedTuple):
    """What a sampler asks for: which sample, in which epoch, so that its randomness differs from epoch to epoch.

    Args:
        position: place in the data set.
        epoch: 0-based.
    """

    position: int
    epoch: int


class Sample(NamedTuple):
    """One item.

    Args:
        clip: the transformed clip.
        label: class, 0-based.
        index: place of the sample in the data set, each repetition of a row having its own.
        joints: the clip before a stream was made of it, if it was asked for.
        view: further views of it, if the transform makes some.

    Shape:
        clip: (C, T, V, M) float32.
        joints: (C, T, V, M) float32, or None.
        view: (W, C, T, V, M) float32, or None.
    """

    clip: Array
    label: int
    index: int  # type: ignore[assignment]  # hides tuple.index, as in Batch
    joints: Array | None = None
    view: Array | None = None


class SkeletonDataset(Dataset[Sample]):
    """Rows of a store as clips.

    What is random in a clip depends on (seed, epoch, position) and on nothing else: not on the number of workers, the
    order of the samples, or what was drawn before. An interrupted training therefore continues as it would have.

    Args:
        store: where the sequences are.
        rows: rows of the store.
        transform: from clip to clip.
        persons: person slots M; absent ones are zeros, persons beyond are left out.
        repeat: how often an epoch goes through the rows.
        seed: of the transform's randomness.
        joints: give each sample its joints besides the stream, for encoders that ask for them.
        classes: labels of all rows, which are renumbered by their places here; None leaves labels as they are.

    Shape:
        clip: (C, T, V, M) float32.

    Raises:
        DataError: if there are no rows, `persons` or `repeat` is below 1, joints are asked for besides views, or a row
            is of none of the classes.
    """

    def __init__(
        self,
        store: SkeletonStore,
        rows: Array,
        *,
        transform: Transform,
        persons: int,
        repeat: int = 1,
        seed: int = 0,
        joints: bool = False,
        classes: Sequence[int] | None = None,
    ) -> None:
        if len(rows) == 0:
            raise DataError(f"{store.path.name}: this part of the protocol holds no samples")
        if persons < 1 or repeat < 1:
            raise DataError(f"persons and repeat must be at least 1, got {persons} and {repeat}")
        self._views = isinstance(transform, Compose) and transform.has_views
        if joints and self._views:
            raise DataError("the encoder asks for joints besides its stream, which clips with several views have not")
        self.store, self.rows, self.transform = store, np.asarray(rows), transform
        self.persons, self.repeat, self.seed, self.joints = persons, repeat, seed, joints
        self._labels = _renumbered(store.labels[self.rows], classes)

    def __len__(self) -> int:
        return len(self.rows) * self.repeat

    @property
    def labels(self) -> Array:
        """Labels of the samples, (n,) int64, as often as they are repeated."""
        return np.tile(self._labels, self.repeat)

    @property
    def names(self) -> Array:
        """Sample ids of the samples, (n,) str, likewise."""
        return np.tile(self.store.names[self.rows], self.repeat)

    @property
    def fingerprint(self) -> str:
        """Digest of what the clips are made of."""
        return self.store.info.fingerprint

    def __getitem__(self, position: int | Draw) -> Sample:
        """One sample; a plain number means epoch 0."""
        place, epoch = position if isinstance(position, tuple) else (position, 0)
        if not 0 <= place < len(self):
            raise IndexError(f"sample {place} of {len(self)}")
        row = int(self.rows[place % len(self.rows)])
        generator = np.random.default_rng((self.seed, epoch, place))
        label = int(self._labels[place % len(self.rows)])
        if self._views and isinstance(self.transform, Compose):
            clip, *others = self.transform.views(self._clip(row), generator)
            return Sample(_as_given(clip), label, place, view=_as_given(np.stack(others)))
        if not self.joints:
            return Sample(_as_given(self.transform(self._clip(row), generator)), label, place)
        chain = self.transform if isinstance(self.transform, Compose) else Compose((self.transform,))
        clip, joints = chain.with_joints(self._clip(row), generator)
        return Sample(_as_given(clip), label, place, _as_given(joints))

    def _clip(self, row: int) -> Array:
        joints = self.store.joints(row)[: self.persons]
        if len(joints) < self.persons:
            joints = np.concatenate([joints, np.zeros((self.persons - len(joints), *joints.shape[1:]), joints.dtype)])
        return joints.transpose(3, 1, 2, 0)


def _renumbered(labels: Array, classes: Sequence[int] | None) -> Array:
    if classes is None:
        return labels
    place = {label: number for number, label in enumerate(classes)}
    if others := set(labels.tolist()) - place.keys():
        raise DataError(f"samples of class {min(others)} are none of the classes that are kept")
    return np.array([place[label] for label in labels.tolist()], dtype=np.int64)


def _as_given(clip: Array) -> Array:
    return np.ascontiguousarray(clip, dtype=np.float32)
