# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from stores import small_store
from torch.utils.data import DataLoader

from bonefide.data.dataset import SkeletonDataset
from bonefide.data.loader import EpochSampler, loader
from bonefide.transforms import Compose
from bonefide.transforms.random_move import RandomMove
from bonefide.transforms.sample_frames import SampleFrames
from bonefide.types import Batch


@pytest.fixture
def samples(tmp_path: Path) -> SkeletonDataset:
    transform = Compose((SampleFrames(6, random=True), RandomMove()))
    return SkeletonDataset(small_store(tmp_path / "store", 11), np.arange(11), transform=transform, persons=1, seed=4)


def epoch(batches: DataLoader, number: int) -> list[Batch]:
    batches.sampler.set_epoch(number)
    return list(batches)


def test_batches_have_their_shapes_and_types(samples: SkeletonDataset) -> None:
    first, *_, last = epoch(loader(samples, batch_size=4), 0)
    assert isinstance(first, Batch)
    assert (first.clip.shape, first.clip.dtype) == ((4, 3, 6, 20, 1), torch.float32)
    assert (first.label.dtype, first.index.dtype) == (torch.int64, torch.int64)
    assert (first.joints, first.view) == (None, None)
    assert first.index.tolist() == [0, 1, 2, 3]
    assert last.index.tolist() == [8, 9, 10]
    np.testing.assert_array_equal(first.label.numpy(), samples.labels[:4])
    torch.testing.assert_close(first.clip[2], torch.tensor(samples[2].clip), rtol=0, atol=0)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch(samples: SkeletonDataset) -> None:
    def order(seed: int, number: int) -> list[int]:
        sampler = EpochSampler(11, shuffle=True, seed=seed)
        sampler.set_epoch(number)
        drawn = list(sampler)
        assert {draw.epoch for draw in drawn} == {number}
        assert len(sampler) == 11
        return [draw.position for draw in drawn]

    assert order(0, 3) == order(0, 3)
    orders = [order(seed, number) for seed in (0, 1) for number in range(3)]
    assert all(sorted(each) == list(range(11)) for each in orders)
    assert len({tuple(each) for each in orders}) == 6


def test_going_through_twice_gives_the_same_until_the_epoch_changes(samples: SkeletonDataset) -> None:
    batches = loader(samples, batch_size=4, shuffle=True)
    first, again, other = epoch(batches, 1), list(batches), epoch(batches, 2)
    assert all(torch.equal(one.clip, two.clip) for one, two in zip(first, again, strict=True))
    assert not all(torch.equal(one.clip, two.clip) for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize(("size", "sizes"), [(4, [4, 4]), (11, [11]), (12, [11]), (100, [11])])
def test_the_only_batch_is_never_dropped(samples: SkeletonDataset, size: int, sizes: list[int]) -> None:
    batches = loader(samples, batch_size=size, drop_last=True)
    assert [len(batch.label) for batch in batches] == sizes
    assert len(batches) == len(sizes)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_change_nothing(samples: SkeletonDataset, start: str) -> None:
    alone = loader(samples, batch_size=4, shuffle=True)
    helped = loader(samples, batch_size=4, shuffle=True, workers=2)
    helped.multiprocessing_context = start
    for number in (0, 1):
        state = torch.random.get_rng_state()
        ours = epoch(helped, number)
        assert torch.equal(torch.random.get_rng_state(), state), "the global generator is not drawn from"
        theirs = epoch(alone, number)
        assert torch.equal(torch.random.get_rng_state(), state)
        for one, two in zip(ours, theirs, strict=True):
            assert torch.equal(one.clip, two.clip)
            assert torch.equal(one.index, two.index)


def test_joints_are_a_batch_too(samples: SkeletonDataset) -> None:
    samples.joints = True
    first = epoch(loader(samples, batch_size=4, shuffle=True, workers=1), 2)[0]
    assert first.joints.dtype == torch.float32
    assert torch.equal(first.joints, first.clip), "no stream was made"
