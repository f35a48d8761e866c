# SPDX-License-Identifier: Apache-2.0
"""Drawing without replacement, against the shuffle written as a loop, and against what chance must give."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from bonefide.losses._distinct import distinct, shuffled


def plain(choices: list[int]) -> list[int]:
    """The steps of Fisher and Yates, one after the other."""
    places = list(range(max([*choices, len(choices)]) + 1))
    for step, choice in enumerate(choices):
        places[step], places[choice] = places[choice], places[step]
    return places[: len(choices)]


def test_every_shuffle_of_few() -> None:
    for size, count in ((1, 1), (2, 2), (3, 2), (4, 4), (5, 3), (6, 5)):
        every = list(itertools.product(*(range(step, size) for step in range(count))))
        found = shuffled(torch.tensor(every)).tolist()
        assert found == [plain(list(choices)) for choices in every]
        assert len({tuple(each) for each in found}) == len(every), "as many sequences as ways to choose"


@given(st.data())
def test_shuffles_of_many(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    more = data.draw(st.integers(0, 10))
    choices = [data.draw(st.integers(step, count - 1 + more)) for step in range(count)]
    assert shuffled(torch.tensor([choices])).tolist() == [plain(choices)]


def test_the_longest_chain() -> None:
    """Every step chooses the place of the next, so the first number wanders through all."""
    for count in (1, 2, 3, 127, 128, 129):
        choices = [*range(1, count), count - 1]
        assert shuffled(torch.tensor([choices])).tolist() == [plain(choices)] == [[*choices[:-1], 0]]


@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=5), count=st.integers(1, 600), seed=st.integers(0, 99))
def test_numbers_are_different_and_below_their_size(sizes: list[int], count: int, seed: int) -> None:
    drawn = distinct(torch.tensor(sizes), count, generator=torch.Generator().manual_seed(seed)).numpy()
    assert drawn.shape == (len(sizes), count)
    assert drawn.min() >= 0
    for row, size in zip(drawn, sizes, strict=True):
        assert len(set(row.tolist())) == count
        assert row.max() < max(size, count)


def test_every_sequence_is_equally_likely() -> None:
    drawn = distinct(torch.full((48_000,), 5), 3, generator=torch.Generator().manual_seed(1))
    counts = Counter(map(tuple, drawn.tolist()))
    assert len(counts) == 5 * 4 * 3
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_the_generator_decides() -> None:
    sizes = torch.tensor([40_000, 40_000])
    first, again, other = (distinct(sizes, 512, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(np.intersect1d(first[0].numpy(), first[1].numpy())) < 30, "rows are drawn apart"
