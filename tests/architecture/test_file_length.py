# SPDX-License-Identifier: Apache-2.0
"""400 lines are a wall, 250 a habit."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_tree import python_files, relative

LIMIT = 400


def _fault(path: Path) -> str:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    return f"{relative(path)} has {lines} lines; split it by topic until each part has under {LIMIT}" * (lines >= LIMIT)


@pytest.mark.parametrize("path", python_files("src", "tests", "examples"), ids=relative)
def test_file_is_short(path: Path) -> None:
    assert not _fault(path), _fault(path)


def test_the_wall_stands(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("x = 1\n" * (LIMIT - 1), encoding="utf-8")
    assert not _fault(path)
    path.write_text("x = 1\n" * LIMIT, encoding="utf-8")
    assert "400 lines" in _fault(path)
