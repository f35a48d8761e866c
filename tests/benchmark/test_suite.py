# SPDX-License-Identifier: Apache-2.0
"""Names stand for measurements, and nothing is measured before it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonefide.benchmark.suite import Settings, plan
from bonefide.config import components
from bonefide.errors import BonefideError, UnknownNameError


@pytest.mark.parametrize(
    ("what", "measured"),
    [
        (
            "all",
            [
                "startup",
                "prepare",
                "descriptors",
                "store",
                "feeders",
                "loader",
                "training",
                "csre",
                "stjd",
                "zeroshot",
                "networks",
            ],
        ),
        ("loading", ["feeders", "loader"]),
        ("ctrgcn", ["ctrgcn"]),
        ("ctrgcn/nwucla", ["ctrgcn/nwucla"]),
    ],
)
def test_names(what: str, measured: list[str]) -> None:
    assert list(plan(what, Settings())) == measured


def test_every_encoder_can_be_asked_for() -> None:
    for name in components.names("encoders"):
        assert name in plan(name, Settings())


def test_unknown_names_and_numbers_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no 'lading'; did you mean 'loading'"):
        plan("lading", Settings())
    with pytest.raises(BonefideError, match="batch_size must be at least 1, got 0"):
        Settings(batch_size=0)
    with pytest.raises(BonefideError, match="rounds must be at least 1"):
        Settings(rounds=0)


def test_a_folder_of_runs_needs_the_store_they_know(tmp_path: Path) -> None:
    assert list(plan(str(tmp_path), Settings(store=tmp_path))) == ["exported"]
    with pytest.raises(BonefideError, match="is a folder: give --store, the data that its runs were trained with"):
        plan(str(tmp_path), Settings())


def test_the_temporary_store_is_measured() -> None:
    (task,) = plan("store", Settings(rounds=1, sequences=4)).values()
    assert {row["sequences"] for row in task().facts()["rows"]} == {4}
    (_, loader) = plan("loading", Settings(rounds=1, sequences=4)).values()
    assert {row["samples"] for row in loader().facts()["rows"]} == {4}
