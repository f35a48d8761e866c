# SPDX-License-Identifier: Apache-2.0
"""Items are compared with the official feeder by the copy measured beside them; the loader by samples per core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from bonefide.benchmark import loading
from bonefide.benchmark.store import random_store
from bonefide.benchmark.timing import Cost


def test_items_are_judged_by_copies_not_by_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, tuple[int, ...]] = {}

    def interleaved(tasks: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Cost]:
        copy = tasks["contiguous copy"]()
        assert isinstance(copy, np.ndarray)
        assert copy.flags.c_contiguous
        assert (copy.shape, copy.dtype) == ((3, 300, 25, 2), np.float32)
        made.update({name: task().clip.shape for name, task in tasks.items() if name != "contiguous copy"})  # type: ignore[attr-defined]
        costs = {name: Cost(9.0, 0.006) for name in tasks} | {"contiguous copy": Cost(9.0, 0.001)}
        return costs

    monkeypatch.setattr(loading, "interleaved", interleaved)
    rows = loading.measure_feeders(rounds=1).facts()["rows"]
    assert made == {
        "test joint 64": (3, 64, 25, 2),
        "train joint 64": (3, 64, 25, 2),
        "train joint 120": (3, 120, 25, 2),
        "train bone 64": (3, 64, 25, 2),
    }
    assert [row["official_copies"] for row in rows[1:]] == [5.5, 8.4, 9.2, 10.5]
    assert [row["met"] for row in rows] == [None, False, True, True, True]
    assert rows[1]["copies"] == pytest.approx(6.0)
    assert rows[1]["cpu_ms"] == pytest.approx(6.0)


def test_loader_counts_samples_per_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interleaved(tasks: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Cost]:
        for task in tasks.values():
            task()
        return {name: Cost(12.0, 3.0) for name in tasks}

    monkeypatch.setattr(loading, "interleaved", interleaved)
    store = random_store(tmp_path / "store", sequences=8, frames=(20, 30))
    rows = loading.measure_loader(store, rounds=1, most=6, batch_size=4).facts()["rows"]
    assert [row["what"] for row in rows] == ["train joint 64", "train bone 64"]
    assert (rows[0]["samples"], rows[0]["samples_per_core_second"]) == (6, 2.0)
    assert (rows[0]["wall_each_ms"], rows[0]["cpu_each_ms"]) == (2000.0, 500.0)
