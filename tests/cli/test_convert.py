# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import call
from safetensors import safe_open

from bonefide.cli.convert import convert
from bonefide.conversion import convert as convert_file
from bonefide.errors import DataError, OutputError, UnknownNameError

FIXTURE = Path(__file__).parents[1] / "golden" / "encoders_ctrgcn_ucla.npz"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with np.load(FIXTURE) as arrays:
        keys = json.loads(str(arrays["meta"]))["state_dict"]
    file = tmp_path_factory.mktemp("official") / "official.pt"
    torch.save({key: torch.full(shape, 0.5) for key, shape in keys}, file)
    return file


def test_an_official_file_becomes_safetensors(official: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "weights.safetensors"
    said = call(convert, "ctrgcn", official, out).stdout
    weights = convert_file("ctrgcn", official)
    assert said == f"{len(weights)} tensors, {sum(each.numel() for each in weights.values()):,} numbers: {out}\n"
    with safe_open(out, "pt") as file:
        assert file.metadata() == {"paper": "ctrgcn"}
        assert set(file.keys()) == set(weights)
    assert [file.name for file in out.parent.iterdir()] == [out.name]


def test_what_goes_wrong(official: Path, tmp_path: Path) -> None:
    out = tmp_path / "weights.safetensors"
    with pytest.raises(UnknownNameError, match="did you mean 'ctrgcn'"):
        call(convert, "ctrgnc", official, out)
    with pytest.raises(DataError, match="no such file"):
        call(convert, "ctrgcn", tmp_path / "none.pt", out)
    assert not out.exists()
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "weights.safetensors", tmp_path):
        with pytest.raises(OutputError, match="cannot write"):
            call(convert, "ctrgcn", official, place)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file"]
