# SPDX-License-Identifier: Apache-2.0
"""The whole conversion is timed against splitting the same bytes; goals are judged by what was measured."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bonefide.benchmark import preparing
from bonefide.benchmark.timing import Cost
from bonefide.data.raw.ntu import NTU
from bonefide.errors import InstallationError


def test_files_are_the_official_kind_and_the_archive_holds_the_same(tmp_path: Path) -> None:
    size = preparing._write_files(tmp_path / "raw", tmp_path / "raw.zip", 5)
    with zipfile.ZipFile(tmp_path / "raw.zip") as packed:
        contents = {Path(name).name: packed.read(name) for name in packed.namelist()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "raw").iterdir()} == contents
    assert size == sum(map(len, contents.values()))
    recordings = [NTU().read(name, content) for name, content in contents.items()]
    assert sorted(len(each.bodies) for each in recordings) == [1, 1, 1, 2, 2]
    assert all(60 <= each.frames <= 100 and b"\r\n" in contents[f"{each.name}.skeleton"] for each in recordings)
    assert all(body.tracked is not None for each in recordings for body in each.bodies)


def test_goals_are_judged() -> None:
    costs = {
        "read": Cost(0.1, 0.1),
        "bytes.split": Cost(1.0, 1.0),
        preparing._ALONE: Cost(2.5, 2.5),
        preparing._FOLDER: Cost(2.0, 2.0),
        preparing._TOGETHER: Cost(1.25, 1.0),
    }
    peaks = {preparing._ALONE: 120.0, preparing._FOLDER: 700.0, preparing._TOGETHER: None}
    rows = {row[0]: row for row in preparing._rows(costs, peaks, 100, 50_000_000)}
    alone, together = rows[preparing._ALONE], rows[preparing._TOGETHER]
    assert alone[1:10] == (2.5, 40.0, 20.0, 2.5, None, "3 splits", True, 120.0, True)
    assert alone[10:] == (pytest.approx(56_578 * 0.025 / 60), pytest.approx(113_945 * 0.025 / 60))
    assert together[5:10] == (2.0, "1.7 x faster", True, None, None)
    assert rows[preparing._FOLDER][6:10] == (None, None, 700.0, False)
    assert rows["official scripts"][4] == 12.5
    slow = costs | {preparing._ALONE: Cost(3.1, 3.1), preparing._TOGETHER: Cost(2.0, 1.0)}
    rows = {row[0]: row for row in preparing._rows(slow, peaks, 100, 50_000_000)}
    assert (rows[preparing._ALONE][7], rows[preparing._TOGETHER][7]) == (False, False)


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not tell a process's largest memory")
def test_it_is_really_measured() -> None:
    table = preparing.measure_prepare(rounds=1, files=4)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["what"] for row in rows][-1] == "official scripts"
    assert all(row["wall_s"] > 0 for row in rows)
    assert all(20 < row["peak_mb"] < 600 for row in rows if str(row["what"]).startswith("prepare"))


def test_a_process_that_fails_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nOSError: lost\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(InstallationError, match="a fresh process cannot prepare: OSError: lost"):
        preparing._peak(tmp_path, tmp_path, 1)
