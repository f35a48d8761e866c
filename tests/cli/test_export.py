# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from calling import call

from bonefide.cli.export import export
from bonefide.errors import OutputError, StoreError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from official_files import ntu_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return ntu_store(tmp_path / "store").path


def test_writes_all_protocols_and_says_what(store: Path, tmp_path: Path) -> None:
    said = call(export, store, tmp_path / "out", "--as", "ctrgcn").stdout
    assert "wrote 12 sequences of ntu60 as 'ctrgcn'" in said
    assert [line.strip() for line in said.splitlines()[1:]] == [
        str(tmp_path / "out" / "NTU60_CS.npz"),
        str(tmp_path / "out" / "NTU60_CV.npz"),
    ]
    assert np.load(tmp_path / "out" / "NTU60_CS.npz")["x_train"].shape[1:] == (300, 150)


def test_options_reach_the_work_and_json_is_one_object(store: Path, tmp_path: Path) -> None:
    arguments = (store, tmp_path / "a.npz", "--as", "mamp", "--protocol", "xview", "--frames", 9, "--json")
    facts = json.loads(call(export, *arguments).stdout)
    assert facts == {
        "form": "mamp",
        "files": [str(tmp_path / "a.npz")],
        "bytes": (tmp_path / "a.npz").stat().st_size,
        "sequences": 12,
    }
    assert np.load(tmp_path / "a.npz")["x_test"].shape[1] == 9
    with pytest.raises(OutputError, match="--overwrite"):
        call(export, *arguments)
    call(export, *arguments, "--overwrite")


@pytest.mark.parametrize(("form", "files"), [("npy", 8), ("pyskl", 1)])
def test_every_form_is_written(store: Path, tmp_path: Path, form: str, files: int) -> None:
    said = call(export, store, tmp_path / "out", "--as", form, "--frames", 9, "--json").stdout
    paths = [Path(path) for path in json.loads(said)["files"]]
    assert len(paths) == files
    assert all(path.is_file() for path in paths)


def test_mistakes_are_told(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="forms to export a store in: no 'onnx'"):
        call(export, store, tmp_path / "out", "--as", "onnx")
    with pytest.raises(UnknownNameError, match="did you mean 'xsub'"):
        call(export, store, tmp_path / "out", "--as", "npy", "--protocol", "xsb")
    with pytest.raises(StoreError, match="no store"):
        call(export, tmp_path / "nowhere", tmp_path / "out", "--as", "npy")
    assert not (tmp_path / "out").exists()
