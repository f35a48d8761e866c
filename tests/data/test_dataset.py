# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from stores import small_store

from bonefide.data.dataset import Draw, SkeletonDataset
from bonefide.data.loader import collate
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.transforms import Compose
from bonefide.transforms.modality import Modality
from bonefide.transforms.two_views import TwoViews
from bonefide.types import Array


@dataclass(frozen=True)
class Noise:
    """Random numbers in the shape of the clip's first frame."""

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        return generator.normal(size=(*clip.shape[:1], 1, *clip.shape[2:]))


@dataclass(frozen=True)
class Same:
    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        return clip


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return small_store(tmp_path / "store", 12, persons=2)


def dataset(store: SkeletonStore, rows: list[int], transform: Noise | Same, **options: int) -> SkeletonDataset:
    return SkeletonDataset(store, np.array(rows), transform=transform, **{"persons": 2, **options})


def test_a_clip_is_the_sequence_with_other_axes(store: SkeletonStore) -> None:
    sample = dataset(store, [7, 3], Same())[1]
    np.testing.assert_array_equal(sample.clip, store.joints(3).transpose(3, 1, 2, 0))
    assert sample.clip.dtype == np.float32
    assert sample.clip.flags.c_contiguous
    assert sample.clip.flags.writeable, "the store's memory must not be handed out"
    assert (sample.label, sample.index) == (store.labels[3], 1)


def test_absent_persons_are_zeros_and_those_beyond_are_left_out(store: SkeletonStore) -> None:
    whole = store.joints(0)
    one = dataset(store, [0], Same(), persons=1)[0].clip
    np.testing.assert_array_equal(one[..., 0], whole[0].transpose(2, 0, 1))
    assert one.shape[-1] == 1
    four = dataset(store, [0], Same(), persons=4)[0].clip
    np.testing.assert_array_equal(four[..., :2], whole.transpose(3, 1, 2, 0))
    assert four.shape[-1] == 4
    assert not four[..., 2:].any()


def test_randomness_depends_on_seed_epoch_and_position_and_nothing_else(store: SkeletonStore) -> None:
    samples = dataset(store, [4, 5, 6], Noise())
    there = samples[Draw(1, 2)].clip
    for position in (0, 2, 1):
        _ = samples[Draw(position, 5)]
    np.testing.assert_array_equal(samples[Draw(1, 2)].clip, there)
    np.testing.assert_array_equal(dataset(store, [9, 1, 3, 8], Noise())[Draw(1, 2)].clip, there)
    others = [samples[Draw(0, 2)], samples[Draw(1, 3)], dataset(store, [4, 5, 6], Noise(), seed=1)[Draw(1, 2)]]
    assert not any(np.array_equal(other.clip, there) for other in others)


def test_a_plain_number_means_the_first_epoch(store: SkeletonStore) -> None:
    samples = dataset(store, [4, 5], Noise())
    np.testing.assert_array_equal(samples[1].clip, samples[Draw(1, 0)].clip)
    np.testing.assert_array_equal(samples[np.int64(1)].clip, samples[1].clip)


def test_repeating_gives_each_row_several_draws(store: SkeletonStore) -> None:
    samples = dataset(store, [4, 5, 6], Noise(), repeat=3)
    assert len(samples) == 9
    assert [samples[place].index for place in range(9)] == list(range(9))
    assert samples.labels.tolist() == [samples[place].label for place in range(9)]
    assert samples.names.tolist() == 3 * dataset(store, [4, 5, 6], Noise()).names.tolist()
    clips = [samples[place].clip for place in (1, 4, 7)]
    assert not np.array_equal(clips[0], clips[1])
    assert not np.array_equal(clips[1], clips[2])


@pytest.mark.parametrize("place", [3, -1, 100])
def test_positions_beyond(store: SkeletonStore, place: int) -> None:
    with pytest.raises(IndexError, match=f"sample {place} of 3"):
        dataset(store, [4, 5, 6], Same())[place]


def test_going_through_it_ends(store: SkeletonStore) -> None:
    assert [sample.index for sample in dataset(store, [4, 5, 6], Same())] == [0, 1, 2]


def test_what_cannot_be(store: SkeletonStore) -> None:
    with pytest.raises(DataError, match="store: this part of the protocol holds no samples"):
        dataset(store, [], Same())
    with pytest.raises(DataError, match="at least 1, got 0 and 1"):
        dataset(store, [1], Same(), persons=0)
    with pytest.raises(DataError, match="at least 1, got 2 and 0"):
        dataset(store, [1], Same(), repeat=0)


def test_a_pickle_is_small_and_reopens_the_store(tmp_path: Path) -> None:
    store = small_store(tmp_path / "large", 200)
    samples = dataset(store, list(range(200)), Noise())
    there = samples[3].clip
    packed = pickle.dumps(samples)
    assert len(packed) < 5000
    np.testing.assert_array_equal(pickle.loads(packed)[3].clip, there)


def test_joints_come_besides_the_stream_when_asked_for(store: SkeletonStore) -> None:
    chain = Compose((Noise(), Modality("bone", layout=store.layout)))
    plain, both = (
        SkeletonDataset(store, [4, 5], transform=chain, persons=2, joints=joints) for joints in (False, True)
    )
    assert plain[1].joints is None
    sample = both[Draw(1, 3)]
    np.testing.assert_array_equal(sample.clip, plain[Draw(1, 3)].clip)
    noise = SkeletonDataset(store, [4, 5], transform=Noise(), persons=2)[Draw(1, 3)].clip
    np.testing.assert_array_equal(sample.joints, noise)
    assert sample.joints.dtype == np.float32
    alone = SkeletonDataset(store, [4], transform=Same(), persons=2, joints=True)[0]
    np.testing.assert_array_equal(alone.joints, alone.clip)


def test_views_come_besides_the_clip_where_the_chain_makes_some(store: SkeletonStore) -> None:
    views = TwoViews(layout=store.layout)
    samples = SkeletonDataset(store, np.array([4, 2]), transform=Compose((views,)), persons=2, seed=3)
    sample = samples[Draw(1, 5)]
    assert sample.view is not None
    expected = views.views(store.joints(2).transpose(3, 1, 2, 0), np.random.default_rng((3, 5, 1)))
    np.testing.assert_allclose([sample.clip, *sample.view], expected, atol=1e-6)
    assert sample.view.dtype == np.float32
    batch = collate([samples[0], samples[0]])
    assert batch.view is not None
    assert batch.view.shape == (2, 2, *samples[0].clip.shape)
    with pytest.raises(DataError, match="joints besides its stream, which clips with several views have not"):
        SkeletonDataset(store, np.array([4]), transform=Compose((views,)), persons=2, joints=True)
