# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.raw._tracking import PERSONS, follow
from bonefide.errors import RawFileError
from bonefide.types import Array

BODY = np.random.default_rng(5).normal(size=(17, 3)) * (0.3, 0.6, 0.1)


def walk(start: tuple[float, ...], end: tuple[float, ...], frames: int = 40, *, seed: int = 0) -> Array:
    """One person on a straight way, (T, 17, C)."""
    way = np.linspace(start, end, frames)
    limbs = np.random.default_rng(seed).normal(scale=0.01, size=(frames, 17, len(start)))
    return BODY[None, :, : len(start)] + way[:, None] + limbs


def tracks(who: list[Array], orders: list[Array]) -> list[tuple[int, ...]]:
    """Id of every true person in every frame."""
    return [tuple(ids[np.argsort(order)].tolist()) for ids, order in zip(who, orders, strict=True)]


def test_two_who_cross_apart_in_depth_keep_who_they_are() -> None:
    near, far = walk((-2.0, 0.0, 2.0), (2.0, 0.0, 2.0)), walk((2.0, 0.0, 4.0), (-2.0, 0.0, 4.0), seed=1)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(2) for _ in range(40)]
    who = follow([np.stack([near[t], far[t]])[orders[t]] for t in range(40)])
    assert len(set(tracks(who, orders))) == 1


def test_somebody_is_waited_for_over_a_gap_only_so_long() -> None:
    person = walk((0.0, 0.0), (0.5, 0.0), 30)
    frames = [person[t : t + 1] if t < 5 or t >= 12 else person[:0] for t in range(30)]
    assert [set(ids.tolist()) for ids in follow(frames, gap=7)] == [{0} if len(each) else set() for each in frames]
    late = follow(frames, gap=6)
    assert late[4].tolist() == [0]
    assert late[12].tolist() == [1]


def test_true_numbers_count_for_the_gap() -> None:
    person = walk((0.0, 0.0), (0.1, 0.0), 2)
    assert [ids.tolist() for ids in follow([person[:1], person[1:]], numbers=[3, 400])] == [[0], [1]]
    assert [ids.tolist() for ids in follow([person[:1], person[1:]], numbers=[3, 10])] == [[0], [0]]


def test_who_enters_is_new_and_who_leaves_is_nobody_else() -> None:
    stays, comes = walk((0.0, 0.0), (0.3, 0.0)), walk((5.0, 0.0), (4.0, 0.0), seed=1)
    frames = [np.stack([comes[t], stays[t]]) if 10 <= t < 30 else stays[t : t + 1] for t in range(40)]
    who = follow(frames)
    assert {ids.tolist()[-1] for ids in who} == {0}
    assert {ids.tolist()[0] for ids in who[10:30]} == {1}


def test_who_jumps_further_than_a_body_is_somebody_new() -> None:
    here, there = BODY[None, :, :2], BODY[None, :, :2] + 50.0
    assert [ids.tolist() for ids in follow([here, there, here])] == [[0], [1], [0]]
    assert [ids.tolist() for ids in follow([here, there], reach=1000.0)] == [[0], [0]]


def test_hidden_joints_do_not_count() -> None:
    person = np.repeat(BODY[None, None, :, :2], 3, axis=0)
    seen = np.ones((3, 1, 17))
    person[1, 0, :10], seen[1, 0, :10] = 1000.0, 0.0
    assert [ids.tolist() for ids in follow(list(person), list(seen))] == [[0], [0], [0]]
    assert [ids.tolist() for ids in follow(list(person))] == [[0], [1], [0]]
    nothing = np.zeros((1, 17))
    assert follow([person[0], person[1]], [nothing, nothing])[1].tolist() == [1]


def test_joints_hidden_for_a_moment_are_remembered() -> None:
    """Upper body, then lower body, then upper body again: no two frames in a row share a joint."""
    person = np.repeat(BODY[None, None, :, :2], 3, axis=0)
    upper = (np.arange(17) < 8).astype(float)[None]
    middle = np.ones((1, 17))
    assert [i.tolist() for i in follow([person[0], person[0], person[0]], [middle, upper, 1 - upper])] == [
        [0],
        [0],
        [0],
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), persons=st.integers(2, 5), lost=st.booleans())
def test_the_order_of_the_list_does_not_matter(seed: int, persons: int, lost: bool) -> None:
    rng = np.random.default_rng(seed)
    starts = np.arange(persons)[:, None] * 2.0 + rng.normal(scale=0.2, size=(persons, 2))
    ends = starts + rng.normal(scale=1.0, size=(persons, 2))
    people = np.stack([walk(tuple(a), tuple(b), 25, seed=n) for n, (a, b) in enumerate(zip(starts, ends, strict=True))])
    there = rng.random((25, persons)) > (0.2 if lost else -1)
    there[0] = True
    plain = follow([people[there[t], t] for t in range(25)])
    orders = [np.arange(persons), *(rng.permutation(there[t].sum()) for t in range(1, 25))]
    shuffled = follow([people[there[t], t][orders[t]] for t in range(25)])
    assert [ids.tolist() for ids in plain] == [
        ids[np.argsort(order)].tolist() for ids, order in zip(shuffled, orders, strict=True)
    ]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), persons=st.integers(1, 4))
def test_the_way_without_a_loop_gives_what_the_loop_gives(seed: int, persons: int) -> None:
    rng = np.random.default_rng(seed)
    people = np.stack([walk((2.0 * n, 0.0), (2.0 * n + 0.5, 0.3), 20, seed=n) for n in range(persons)])
    frames = [people[rng.permutation(persons), t] for t in range(20)]
    crowd = [np.zeros((0, 17, 2))]
    # A stranger far away for one frame makes the counts differ, which rules the short way out.
    stranger = [np.concatenate([frames[-1], frames[-1][:1] + 1e6])]
    long = follow([*frames, *stranger])
    assert [ids.tolist() for ids in follow([*frames, *crowd])][:20] == [ids.tolist() for ids in long[:20]]


def test_nobody_and_one_point_are_followed_too() -> None:
    assert [ids.tolist() for ids in follow([np.zeros((0, 17, 2))] * 2)] == [[], []]
    assert follow([]) == []
    point = np.ones((1, 1, 2))
    assert [ids.tolist() for ids in follow([point, point, point + 1])] == [[0], [0], [1]]


def test_a_crowd_is_refused() -> None:
    with pytest.raises(RawFileError, match="at most 64") as caught:
        follow([np.zeros((PERSONS + 1, 17, 2))])
    assert caught.value.code == "count"


def test_it_takes_no_more_than_its_time() -> None:
    rng = np.random.default_rng(0)
    alone = list(walk((0.0, 0.0), (9.0, 0.0), 10_000)[:, None])
    crowds = [rng.normal(size=(PERSONS, 25, 2)) * 0.01 + rng.uniform(0, 1000, (PERSONS, 1, 2)) for _ in range(200)]
    start = time.process_time()
    assert {ids.tolist()[0] for ids in follow(alone)} == {0}
    assert time.process_time() - start < 0.5
    start = time.process_time()
    follow(crowds)
    assert time.process_time() - start < 2
