# SPDX-License-Identifier: Apache-2.0
"""Reads are counted in microseconds, from a store that is given or made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonefide.benchmark.store import measure_store, random_store, store_or_random
from bonefide.errors import StoreError


def test_random_store_has_the_sizes_of_ntu(tmp_path: Path) -> None:
    store = random_store(tmp_path / "store", sequences=8, frames=(5, 9))
    assert (len(store), store.info.layout, store.persons.tolist()) == (8, "ntu25", [1, 1, 1, 2] * 2)
    assert store.frames.min() >= 5
    assert store.frames.max() <= 9


def test_both_ways_of_reading_are_measured(tmp_path: Path) -> None:
    store = random_store(tmp_path / "store", sequences=4, frames=(10, 10))
    table = measure_store(store, rounds=1)
    view, read = table.facts()["rows"]
    assert (view["what"], read["what"]) == ("view", "read")
    assert read["bytes_each"] == 5 * 10 * 25 * 3 * 4 // 4
    assert 0 < read["median_us"] <= read["p99_us"]
    assert read["met"] == (read["median_us"] <= read["goal_us"] == 20)
    assert view["met"] is None


def test_temporary_store_is_removed() -> None:
    with store_or_random(None, sequences=4) as store:
        path = store.path
        assert path.is_dir()
    assert not path.parent.exists()


def test_given_store_is_opened_and_stays(tmp_path: Path) -> None:
    random_store(tmp_path / "mine", sequences=4, frames=(2, 2))
    with store_or_random(tmp_path / "mine", sequences=1000) as store:
        assert len(store) == 4
    assert (tmp_path / "mine").is_dir()
    with pytest.raises(StoreError, match="there is no store"), store_or_random(tmp_path / "none", sequences=4):
        pass
