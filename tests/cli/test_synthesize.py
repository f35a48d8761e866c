# SPDX-License-Identifier: Apache-2.0
"""The verb `synthesize`."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

from bonefide.cli.synthesize import synthesize
from bonefide.data.synthetic.write import Format
from bonefide.errors import DataError

APP = typer.Typer()
APP.command()(synthesize)
FEW = ["--subjects", "1", "--cameras", "1"]


def test_it_writes_the_archive_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "people.zip"
    result = CliRunner().invoke(APP, ["ntu", str(out), *FEW, "--actions", "bow,shake_hands", "--repeats", "2"])
    assert result.exit_code == 0
    assert "wrote 4 recordings" in result.output
    with zipfile.ZipFile(out) as archive:
        assert len(archive.namelist()) == 4


def test_json_is_one_object_and_the_seed_counts(tmp_path: Path) -> None:
    contents = []
    for seed in ("0", "0", "1"):
        out = tmp_path / f"{len(contents)}.zip"
        arguments = ["nwucla", str(out), *FEW, "--actions", "carry", "--seed", seed, "--json"]
        said = json.loads(CliRunner().invoke(APP, arguments).stdout)
        contents.append(out.read_bytes())
        expected = {"path": str(out), "format": "nwucla", "files": 1, "bytes": len(contents[-1]), "seed": int(seed)}
        assert said == expected
    assert contents[0] == contents[1] != contents[2]


def test_help_describes_every_format() -> None:
    text = CliRunner().invoke(APP, ["--help"]).output
    described = {
        word.strip(" ,") for line in text.splitlines() if ":" in line for word in line.partition(":")[0].split()
    }
    assert set(get_args(Format)) <= described


def test_wrong_arguments_stay_errors_of_the_package(tmp_path: Path) -> None:
    result = CliRunner().invoke(APP, ["ntu", str(tmp_path / "x.zip"), "--cameras", "9"])
    assert isinstance(result.exception, DataError)
    with pytest.raises(DataError, match="cameras must be between 1 and 3"):
        raise result.exception


def test_a_folder_counts_with_all_its_files(tmp_path: Path) -> None:
    out = tmp_path / "pku"
    arguments = ["pkummd2", str(out), "--subjects", "1", "--actions", "bow,hug", "--json"]
    said = json.loads(CliRunner().invoke(APP, arguments).stdout)
    assert said["files"] == 3
    assert said["bytes"] == sum(file.stat().st_size for file in out.iterdir()) > 100_000
