# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import call
from tiny import loaded, tiny_store, trained

from bonefide.cli.export import export
from bonefide.errors import BonefideError, DataError, OutputError, StoreError, UnknownNameError
from bonefide.hub.recognizer import Recognizer
from bonefide.serving.program import FACTS_FILE

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
    with pytest.raises(BonefideError, match="is a store: say --as ctrgcn, mamp, npy or pyskl"):
        call(export, store, tmp_path / "out")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    store = tiny_store(folder / "store")
    return trained(loaded(folder, training__epochs=1), folder / "out", store).folder


def test_a_run_becomes_a_program(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.pt2"
    said = call(export, run, out, "--trust-code").stdout
    assert said.startswith(f"wrote {out}")
    assert "of the largest logit at most" in said
    extra = {FACTS_FILE: ""}
    program = torch.export.load(out, extra_files=extra).module()
    facts = json.loads(extra[FACTS_FILE])
    assert facts["layout"] == "ucla20"
    assert len(json.loads(facts["classes"])) == 10
    clip = torch.randn(2, int(facts["channels"]), int(facts["frames"]), 20, int(facts["persons"]))
    assert program(clip).shape == (2, 10)
    with pytest.raises(OutputError, match="--overwrite"):
        call(export, run, out, "--trust-code")
    with pytest.raises(DataError, match="code from outside bonefide"):
        call(export, run, tmp_path / "other.pt2")


def test_a_run_becomes_an_onnx_file(run: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    out = tmp_path / "net"
    told = json.loads(call(export, run, out, "--as", "onnx", "--json", "--trust-code").stdout)
    assert told["form"] == "onnx"
    assert max(each["error"] for each in told["checked"]) < 1e-4
    assert len({each["samples"] for each in told["checked"]}) > 2
    model = onnx.load(out)
    assert {each.key: each.value for each in model.metadata_props} == told["facts"]
    assert [each.name for each in model.graph.output] == ["logits"]


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose store was moved; its network has a layer that is worth quantising."""
    folder = tmp_path_factory.mktemp("wide")
    store = tiny_store(folder / "store", count=40)
    made = trained(loaded(folder, encoder__width=64, training__epochs=1), folder / "out", store).folder
    (folder / "store").rename(folder / "moved")
    return made


def test_a_run_becomes_an_int8_file(wide: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    moved = next(each / "moved" for each in wide.parents if (each / "moved").is_dir())
    out = tmp_path / "net.onnx"
    arguments = (wide, out, "--precision", "int8", "--trust-code", "--store", moved)
    told = json.loads(call(export, *arguments, "--calibrate", 6, "--json").stdout)
    assert told["compared"]["sequences"] == 6
    assert told["compared"]["alike"] > 0.8
    assert 0 < told["compared"]["error"] < 0.2
    model = onnx.load(out)
    assert {each.key: each.value for each in model.metadata_props} == told["facts"]
    assert (told["facts"]["precision"], told["facts"]["calibration_sequences"]) == ("int8", "6")
    assert any(each.data_type == onnx.TensorProto.INT8 and len(each.dims) == 2 for each in model.graph.initializer)
    said = call(export, *arguments, "--overwrite").stdout
    assert "calibrated on 10 training sequences; of 10 others it decides" in said
    assert "% as float32 does" in said


def test_mistakes_with_int8_are_told(wide: Path, store: Path, tmp_path: Path) -> None:
    rounded = ("--precision", "int8", "--trust-code")
    out = tmp_path / "net.onnx"
    with pytest.raises(UnknownNameError, match="precisions: no 'int4'"):
        call(export, wide, out, "--precision", "int4")
    with pytest.raises(BonefideError, match=r"int8 is for ONNX files: say --as onnx, or give OUT the suffix \.onnx"):
        call(export, wide, tmp_path / "net.pt2", *rounded)
    with pytest.raises(BonefideError, match="--store and --calibrate are for --precision int8"):
        call(export, wide, out, "--calibrate", 9)
    with pytest.raises(BonefideError, match="--precision is for networks"):
        call(export, store, out, "--as", "npy", *rounded)
    with pytest.raises(StoreError):
        call(export, wide, out, *rounded)
    with pytest.raises(DataError, match="code from outside bonefide"):
        call(export, wide, out, "--precision", "int8")
    Recognizer.load(wide, trust_code=True).save(tmp_path / "net.safetensors")
    with pytest.raises(BonefideError, match="does not say what it was trained with, which int8 needs: give the run's"):
        call(export, tmp_path / "net.safetensors", out, *rounded)
    assert not out.exists()


def test_a_recogniser_becomes_a_program(run: Path, tmp_path: Path) -> None:
    Recognizer.load(run, trust_code=True).save(tmp_path / "net.safetensors")
    told = json.loads(call(export, tmp_path / "net.safetensors", tmp_path / "net.pt2", "--json", "--trust-code").stdout)
    assert told["form"] == "program"
    assert json.loads(told["facts"]["transforms"])[0]["name"] == "sample_frames"


def test_mistakes_with_networks_are_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="forms to export a network in: no 'onx'"):
        call(export, run / "weights.safetensors", tmp_path / "out", "--as", "onx")
    with pytest.raises(StoreError, match="is not a store"):
        call(export, run, tmp_path / "out", "--as", "npy")
    with pytest.raises(BonefideError, match=r"say --as onnx or program, or give OUT the suffix \.onnx or \.pt2"):
        call(export, run, tmp_path / "out")
    with pytest.raises(BonefideError, match="--protocol and --frames are for stores"):
        call(export, run, tmp_path / "out.onnx", "--frames", 9)
    with pytest.raises(DataError, match="there is no"):
        call(export, tmp_path / "nowhere", tmp_path / "out.onnx")
    assert not list(tmp_path.iterdir())
