# SPDX-License-Identifier: Apache-2.0
"""Tables hold what their columns say."""

from __future__ import annotations

import json

import pytest

from bonefide.benchmark.table import Table, heading, shown
from bonefide.errors import ShapeError


def test_rows_must_fit_the_columns() -> None:
    with pytest.raises(ShapeError, match="a row of 1 cells for 2 columns"):
        Table("reads", "Reads", "Read.", ("what", "wall_ms"), (("one",),))


def test_facts_are_json_by_column() -> None:
    table = Table("reads", "Reads", "Read.", ("what", "goal_us"), (("one", None), ("two", 2.5)))
    facts = json.loads(json.dumps(table.facts()))
    assert facts == {
        "title": "Reads",
        "how": "Read.",
        "rows": [{"what": "one", "goal_us": None}, {"what": "two", "goal_us": 2.5}],
    }


@pytest.mark.parametrize(
    ("column", "words"), [("cpu_per_step_ms", "cpu per step, ms"), ("peak_mb", "peak, MB"), ("s", "s")]
)
def test_headings_set_the_unit_apart(column: str, words: str) -> None:
    assert heading(column) == words


def test_false_is_no_and_not_zero() -> None:
    assert (shown(False), shown(0), shown(0.0)) == ("no", "0", "0")
