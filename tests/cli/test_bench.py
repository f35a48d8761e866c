# SPDX-License-Identifier: Apache-2.0
"""`bonefide bench` shows, tells scripts, and writes a page; the measuring itself is tested beside the benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from bonefide.benchmark import suite
from bonefide.benchmark.table import Table
from bonefide.cli.bench import bench
from bonefide.errors import InstallationError, OutputError, UnknownNameError

TABLE = Table(
    "reads", "Random [reads]", "Read it.", ("what", "wall_us", "met"), (("read", 4.81, True), ("slow", 99.0, False))
)
WIDE = Table("networks", "Networks", "Run.", ("what", *(f"number{place}" for place in range(9))), (("net", *range(9)),))


def _command() -> typer.Typer:
    app = typer.Typer()
    app.command()(bench)
    return app


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, suite.Settings, int]]:
    """Instead of measuring, remember what was asked for and with how many threads it ran."""
    made: list[tuple[str, suite.Settings, int]] = []

    def plan(what: str, settings: suite.Settings) -> dict[str, Callable[[], Table]]:
        def task() -> Table:
            made.append((what, settings, torch.get_num_threads()))
            return WIDE if what == "encoders" else TABLE

        return {what: task}

    monkeypatch.setattr(suite, "plan", plan)
    return made


def test_tables_are_shown(asked: list[tuple[str, suite.Settings, int]]) -> None:
    ended = CliRunner().invoke(_command(), ["store", "--device", "cpu", "--rounds", "3", "--threads", "2"])
    assert ended.exit_code == 0, ended.output
    for part in ("Random [reads]", "wall, µs", "4.81", "yes", "no"):
        assert part in ended.output
    assert asked == [("store", suite.Settings(rounds=3), 2)]


def test_wide_tables_stand_upright(asked: list[tuple[str, suite.Settings, int]]) -> None:
    lines = CliRunner().invoke(_command(), ["encoders", "--device", "cpu"]).output.splitlines()
    assert sum("number" in line for line in lines) == 9
    assert any("number8" in line and line.rstrip(" │").endswith("8") for line in lines)


def test_json_is_one_object(asked: list[tuple[str, suite.Settings, int]]) -> None:
    ended = CliRunner().invoke(_command(), ["store", "--json", "--device", "cpu"])
    told = json.loads(ended.stdout)
    assert told["tables"]["reads"]["rows"][0] == {"what": "read", "wall_us": 4.81, "met": True}
    assert told["machine"]["torch"] == torch.__version__
    assert (told["rounds"], told["threads"]) == (7, 1)


def test_page_names_the_command_but_no_place(asked: list[tuple[str, suite.Settings, int]], tmp_path: Path) -> None:
    out = tmp_path / "docs" / "performance.md"
    options = ["--rounds", "2", "--device", "cpu", "--store", str(tmp_path / "store"), "--out", str(out)]
    ended = CliRunner().invoke(_command(), ["store", *options])
    assert ended.exit_code == 0, ended.output
    page = out.read_text(encoding="utf-8")
    assert "`bonefide bench store --device cpu --rounds 2 --store STORE`" in page
    assert str(tmp_path) not in page
    assert "| read | 4.81 | yes |" in page
    assert [file.name for file in out.parent.iterdir()] == ["performance.md"]
    assert str(out) in ended.output.replace("\n", "")


def test_page_names_no_place_of_runs(asked: list[tuple[str, suite.Settings, int]], tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    runs = tmp_path / "runs"
    runs.mkdir()
    CliRunner().invoke(_command(), [str(runs), "--store", str(tmp_path / "store"), "--out", str(out)])
    assert asked[0][0] == str(runs)
    assert "`bonefide bench RUNS --store STORE`" in out.read_text(encoding="utf-8")


@pytest.mark.usefixtures("asked")
def test_an_unwritable_page_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = CliRunner().invoke(_command(), ["store", "--device", "cpu", "--out", str(tmp_path / "file" / "page.md")])
    assert isinstance(ended.exception, OutputError)
    assert "cannot write" in str(ended.exception)


def test_mistakes_are_told_before_anything_is_measured() -> None:
    unknown = CliRunner().invoke(_command(), ["stroe", "--device", "cpu"]).exception
    assert isinstance(unknown, UnknownNameError)
    assert "did you mean 'store'" in str(unknown)
    assert isinstance(CliRunner().invoke(_command(), ["store", "--device", "abacus"]).exception, InstallationError)
    assert CliRunner().invoke(_command(), ["store", "--rounds", "0"]).exit_code == 2
