# SPDX-License-Identifier: Apache-2.0
"""`pytest tests/golden --golden DIR...` in all the ways people write it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest_of_the_suite import suite

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with one fixture each."""
    made = (tmp_path / "one", tmp_path / "two")
    for folder in made:
        folder.mkdir()
        np.savez(folder / f"csre_{folder.name}.npz", meta="{}")
    return made


class _Config:
    """What pytest knows after reading `pytest ARGUMENTS --golden GOLDEN`."""

    def __init__(self, arguments: list[str], **options: list[str] | str) -> None:
        self.args, self.options = arguments, {"golden": [], **options}

    def getoption(self, name: str) -> list[str] | str | None:
        return self.options.get(name.removeprefix("--"))


def _configured(arguments: list[str], golden: list[str]) -> _Config:
    config = _Config(arguments, golden=golden)
    suite.pytest_configure(config)
    return config


def test_folders_after_the_first_are_fixtures_and_tests_stay_tests(folders: tuple[Path, Path]) -> None:
    one, two = map(str, folders)
    config = _configured([two, "tests/golden"], [one])
    assert config.args == ["tests/golden"]
    assert config.getoption("golden") == [one, two]


def test_our_own_folder_is_run_when_only_fixtures_are_given(folders: tuple[Path, Path]) -> None:
    one, two = map(str, folders)
    assert _configured([two], [one]).args == [str(ROOT / "tests" / "golden")]


def test_without_the_option_places_are_left_alone(folders: tuple[Path, Path]) -> None:
    assert _configured([str(folders[0])], []).args == [str(folders[0])]


def test_a_missing_folder_is_a_mistake_of_use(tmp_path: Path) -> None:
    with pytest.raises(pytest.UsageError, match="no such folder"):
        _configured(["tests/golden"], [str(tmp_path / "absent")])


def test_a_folder_without_fixtures_is_a_mistake_of_use(tmp_path: Path) -> None:
    with pytest.raises(pytest.UsageError, match="holds no fixtures"):
        _configured(["tests/golden"], [str(tmp_path)])


def test_real_recordings_join_only_when_nothing_else_is_asked_for(folders: tuple[Path, Path], tmp_path: Path) -> None:
    real = tmp_path / "golden_real"
    real.mkdir()
    own = ROOT / "tests" / "golden"
    assert suite.golden_folders(_Config([], shared=str(tmp_path))) == [own, real]
    assert suite.golden_folders(_Config([], shared=str(tmp_path), golden=[str(folders[0])])) == [own, folders[0]]
    assert suite.golden_folders(_Config([], shared=str(tmp_path / "absent"))) == [own]


def test_places_of_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONEFIDE_SHARED", str(tmp_path))
    monkeypatch.delenv("BONEFIDE_NWUCLA", raising=False)
    monkeypatch.setenv("BONEFIDE_UTDMHAD", "by_variable")
    assert suite.archives(_Config([])) == {
        "nwucla": tmp_path / "data" / "NW-UCLA" / "all_sqe.zip",
        "utdmhad": Path("by_variable"),
        "shiftgcn": tmp_path / "data" / "checkpoints",
    }
    assert suite.archives(_Config([], utdmhad="by_option"))["utdmhad"] == Path("by_option")


def test_absent_real_data_are_skipped_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    config = _Config([], shared=str(tmp_path))
    assert suite.optional_folder(config, "data") == tmp_path / "data"
    with pytest.raises(pytest.skip.Exception, match=r"absent: no .*golden_real; give its parent by --shared"):
        suite.optional_folder(config, "golden_real")


def _pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_whole_command_line(folders: tuple[Path, Path]) -> None:
    one, two = map(str, folders)
    ended = _pytest("tests/golden/test_golden.py", "-k", "test_fixture", "--collect-only", "--golden", one, two)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "test_fixture[one/csre_one]" in ended.stdout
    assert "test_fixture[two/csre_two]" in ended.stdout
    assert "test_fixture[golden/data_graphs]" in ended.stdout


def test_the_command_line_names_a_missing_folder(tmp_path: Path) -> None:
    ended = _pytest("tests/golden", "--golden", str(tmp_path / "absent"))
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no such folder" in ended.stderr
