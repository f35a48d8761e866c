# SPDX-License-Identifier: Apache-2.0
"""The preparation of PYSKL: where it differs from that of CTR-GCN, and stores in half precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ntu.make import person, recording_of

from bonefide.data import datasets, write_store
from bonefide.data.dataset import SkeletonDataset
from bonefide.data.preparation.ntu_denoise import NTUDenoise
from bonefide.data.preparation.ntu_pyskl import NTUPYSKL
from bonefide.errors import RawFileError
from bonefide.transforms.pre_normalize import PreNormalize
from bonefide.types import Array, SkeletonSequence

MOVING = person(20, seed=1, sway=0.5)
STILL = person(20, seed=2, place=1.0, sway=0.1)
WIDE, WIDER = person(20, seed=3, place=2.0, width=3.0), person(20, seed=4, width=4.0)
ALL = range(20)


def _prepared(frames: int, *bodies: tuple[range | list[int], Array]) -> Array:
    return NTUPYSKL()(recording_of(frames, *bodies)).joints


def _equal(joints: Array, *persons: Array) -> None:
    assert joints.dtype == np.float16
    np.testing.assert_array_equal(joints, np.stack(persons).astype(np.float32).astype(np.float16))


def test_a_lone_body_stays_where_it_was_seen() -> None:
    _equal(_prepared(30, ([2, 3, 9, 20], WIDE[:4])), WIDE[:4])


def test_the_one_who_moves_most_is_first() -> None:
    _equal(_prepared(20, (ALL, STILL), (ALL, MOVING)), MOVING, STILL)
    mirrored = MOVING * [-1, 1, 1]
    for first, second in ((MOVING, mirrored), (mirrored, MOVING)):
        _equal(_prepared(20, (ALL, first), (ALL, second)), first, second)


def test_short_bodies_go_unless_all_are_short() -> None:
    _equal(_prepared(20, (range(11), MOVING[:11]), (ALL, STILL)), STILL)
    _equal(_prepared(20, (range(12), MOVING[:12]), (ALL, STILL))[:, :12], MOVING[:12], STILL[:12])
    _equal(_prepared(9, (range(9), STILL[:9]), (range(9), MOVING[:9])), MOVING[:9], STILL[:9])


def test_wide_bodies_go_even_the_last_one_tested() -> None:
    recording = recording_of(20, (range(20), MOVING), (ALL, WIDE))
    _equal(NTUPYSKL()(recording).joints, MOVING)
    _equal(_prepared(20, (ALL, WIDE), (ALL, MOVING), (ALL, STILL)), MOVING, STILL)


def test_if_all_are_wide_the_one_of_most_motion_stays() -> None:
    assert WIDER.var(axis=(0, 1)).sum() > WIDE.var(axis=(0, 1)).sum()
    _equal(_prepared(20, (ALL, WIDE), (ALL, WIDER)), WIDER)
    _equal(_prepared(20, (ALL, WIDER), (ALL, WIDE)), WIDER)


def test_wide_frames_do_not_count_as_motion() -> None:
    partly_wide = person(20, seed=5, sway=0.1)
    partly_wide[:5, :, 0] = person(20, seed=5, place=9.0, width=3.0)[:5, :, 0]
    _equal(_prepared(20, (ALL, partly_wide), (ALL, MOVING)), MOVING, partly_wide)


def test_one_frame_together_is_an_overlap() -> None:
    first, later = person(15, sway=0.5), person(15, seed=7, sway=0.3)
    touching = recording_of(29, (range(15), first), (range(14, 29), later))
    joints = NTUPYSKL()(touching).joints
    _equal(joints[:1, :15], first)
    _equal(joints[1:, 14:], later)
    assert not NTUDenoise()(touching).joints[1].any()
    one_after_the_other = _prepared(30, (range(15), first), (range(15, 30), later))
    _equal(one_after_the_other[:1], np.concatenate([first, later]))
    assert not one_after_the_other[1].any()


def test_the_second_slot_is_taken_from_the_start() -> None:
    long, late, early = person(40, sway=0.9), person(15, seed=4, sway=0.3), person(15, seed=5, sway=0.2)
    joints = _prepared(40, (range(40), long), (range(25, 40), late), (range(15), early))
    _equal(joints[1:, 25:], late)
    assert not joints[1, :25].any()


def test_a_returning_body_is_packed() -> None:
    joints = _prepared(26, (range(26), person(26, sway=0.9)), ([*range(8), *range(14, 26)], STILL))
    _equal(joints[1:, :20], STILL)
    assert not joints[1, 20:].any()


def test_frames_without_anybody_go_at_the_ends_only() -> None:
    ghost = STILL[:5]
    first, later = person(15, sway=0.5), person(15, seed=7, sway=0.3)
    joints = _prepared(
        47,
        (range(5), ghost),
        (range(6, 21), first),
        (range(21, 26), ghost),
        (range(26, 41), later),
        (range(41, 46), ghost),
    )
    # Frame 5 has no body, so it is not counted; the ghost's frames are.
    assert joints.shape[1] == 35
    _equal(joints[:1, :15], first)
    assert not joints[:, 15:20].any()
    _equal(joints[:1, 20:], later)


def test_whoever_is_there_at_the_start_is_first() -> None:
    lively, early = person(15, seed=4, sway=0.9), person(20, seed=5, sway=0.1)
    joints = _prepared(20, (range(5, 20), lively), (range(20), early))
    _equal(joints[:1], early)
    _equal(joints[1:, 5:], lively)


def test_half_precision_reaches_no_further() -> None:
    far = STILL + np.array([70_000, 0, 0])
    with pytest.raises(RawFileError, match="body 1 has coordinates that are not finite in float16") as caught:
        _prepared(20, (ALL, MOVING), (ALL, far))
    assert caught.value.code == "nonfinite"
    assert NTUDenoise()(recording_of(20, (ALL, MOVING), (ALL, far))).joints.max() > 60_000


def test_stores_keep_half_precision_until_it_is_normalized(tmp_path: Path) -> None:
    prepared = {"one": _prepared(20, (ALL, MOVING)), "two": _prepared(20, (ALL, STILL), (ALL, MOVING))}
    sequences = [SkeletonSequence(name, 0, joints) for name, joints in prepared.items()]
    entries = [write_store.Entry(sequence) for sequence in sequences]
    info = datasets.info("ntu60")
    store = write_store.write_store(tmp_path / "store", info, entries, layout=NTUPYSKL.layout, dtype=NTUPYSKL.dtype)
    assert (store.info.dtype, store.layout.name) == ("float16", "ntu25_pyskl")
    samples = SkeletonDataset(store, np.arange(2), transform=PreNormalize(), persons=2)
    unused = np.random.default_rng(0)
    for row, sequence in enumerate(sequences):
        half = sequence.joints.transpose(3, 1, 2, 0)
        official, single = PreNormalize()(half, unused), PreNormalize()(half.astype(np.float32), unused)
        np.testing.assert_array_equal(samples[row].clip[..., : len(sequence.joints)], official)
        assert np.abs(official - single).max() > 1e-4, "half precision must be visible, else this test sees nothing"
