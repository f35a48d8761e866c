# SPDX-License-Identifier: Apache-2.0
"""The examples run, and do what they say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

_EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def _load(number: str) -> ModuleType:
    (file,) = [each for each in _EXAMPLES if each.name.startswith(number)]
    spec = importlib.util.spec_from_file_location(f"example_{number}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run_here() -> None:
    assert [file.name[:2] for file in _EXAMPLES] == ["01", "02"]


def test_looking_at_a_store_names_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _load("01").main(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert sum("hug, 2 persons" in line for line in lines) == 2
    assert (tmp_path / "last.gif").stat().st_size > 1000


def test_a_plain_loop_learns_four_actions(tmp_path: Path) -> None:
    accuracy = _load("02").main(tmp_path, subjects=6, epochs=12)
    assert accuracy > 50  # chance is 25
