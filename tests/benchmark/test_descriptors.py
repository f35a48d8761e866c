# SPDX-License-Identifier: Apache-2.0
"""Descriptors are timed per sequence; goals are judged by what was measured, against what the official code takes."""

from __future__ import annotations

import pytest

from bonefide.benchmark import descriptors
from bonefide.benchmark.timing import Cost


def test_goals_are_judged() -> None:
    costs = dict.fromkeys((descriptors._ALONE, descriptors._TOGETHER, descriptors._GREY, descriptors._LOOP))
    one = {row[0]: row for row in descriptors._rows(1, {name: Cost(1.0, 0.003) for name in costs})}
    assert one[descriptors._ALONE][1:] == (1, 3.0, 99.0, 33.0, "20 x", True, None)
    assert one[descriptors._TOGETHER][4:7] == (33.0, "50 x", False)
    assert one[descriptors._GREY][3:7] == (8.1, pytest.approx(2.7), None, None)
    two = {row[0]: row for row in descriptors._rows(2, {name: Cost(1.0, 0.003) for name in costs})}
    assert two[descriptors._TOGETHER][3:7] == (201.0, pytest.approx(67), "50 x", True)
    assert two[descriptors._LOOP][3] == 4.9


def test_the_loop_computes_distances() -> None:
    joints = descriptors._sequences(2)[0].transpose(1, 0, 2, 3).reshape(80, 50, 3)
    found = descriptors._scalar_distances(joints, 64)
    assert len(found) == 80 * 64
    assert found[64] == pytest.approx(((joints[1, 0] - joints[1, 7]) ** 2).sum() ** 0.5)


def test_it_is_really_measured() -> None:
    table = descriptors.measure_descriptors(rounds=1)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["bodies"] for row in rows] == [1] * 4 + [2] * 4 + [1]
    assert all(row["cpu_ms"] > 0 for row in rows[:-1])
    assert 0.1 < rows[-1]["speedup"] < 4
