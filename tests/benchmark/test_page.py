# SPDX-License-Identifier: Apache-2.0
"""The page says where and how, and is the same for the same measurements."""

from __future__ import annotations

import pytest
import torch

from bonefide.benchmark.page import machine, render
from bonefide.benchmark.table import Table
from bonefide.errors import InstallationError

TABLE = Table("reads", "Random reads", "Read it.", ("what", "wall_us", "goal_us", "met"), (("read", 4.81, 20.0, True),))


def _page(place: dict[str, str]) -> str:
    return render([TABLE], command="bonefide bench store", place=place, rounds=7, threads=1)


def test_page_holds_command_machine_method_and_numbers() -> None:
    page = _page({"torch": "2.13"})
    assert page == _page({"torch": "2.13"})
    for part in ("`bonefide bench store`", "7 rounds", "1 thread,", "| torch | 2.13 |", "## Random reads", "Read it."):
        assert part in page
    assert "| what | wall, µs | goal, µs | met |\n| --- | --- | --- | --- |\n| read | 4.81 | 20 | yes |" in page


def test_machine_names_versions() -> None:
    place = machine("cpu")
    assert place["torch"] == torch.__version__
    assert place["processor"]
    assert place["device"].startswith("cpu")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InstallationError, match="no device 'abacus'"):
        machine("abacus")
