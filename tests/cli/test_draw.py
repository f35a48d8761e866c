# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from bonefide.cli.draw import draw
from bonefide.config import load
from bonefide.data.datasets import info
from bonefide.data.write_store import Entry, write_store
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError, OutputError, StoreError, UnknownNameError
from bonefide.hub.recognizer import Recognizer
from bonefide.layouts import layout
from bonefide.methods.stjd_cl import STJDCL
from bonefide.methods.stjd_mp import STJDMP
from bonefide.types import SkeletonSequence

NAMES = ["a01_s01_e00_v01", "a02_s01_e00_v01"]
app = typer.Typer()
app.command()(draw)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    sequences = [SkeletonSequence(name, row, generator.normal(size=(1, 12, 20, 3))) for row, name in enumerate(NAMES)]
    path = tmp_path_factory.mktemp("draw") / "store"
    write_store(path, info("nwucla"), [Entry(sequence, 1, 1) for sequence in sequences])
    return path


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_by_name_and_by_row_draw_the_same(store: Path, tmp_path: Path) -> None:
    said = call(store, NAMES[1], tmp_path / "name.png", "--frames", 3, "--size", 64)
    call(store, "1", tmp_path / "row.png", "--frames", 3, "--size", 64)
    call(store, "0", tmp_path / "other.png", "--frames", 3, "--size", 64)
    assert (tmp_path / "name.png").read_bytes() == (tmp_path / "row.png").read_bytes()
    assert (tmp_path / "name.png").read_bytes() != (tmp_path / "other.png").read_bytes()
    assert NAMES[1] in said
    assert info("nwucla").classes[1] in said


def test_animation_and_json(store: Path, tmp_path: Path) -> None:
    facts = json.loads(call(store, "0", tmp_path / "x.gif", "--size", 48, "--fps", 10, "--json"))
    assert facts == {
        "file": str(tmp_path / "x.gif"),
        "sample": NAMES[0],
        "class": info("nwucla").classes[0],
        "persons": 1,
        "frames": 12,
    }
    picture = Image.open(tmp_path / "x.gif")
    assert (picture.n_frames, picture.info["duration"], picture.height) == (12, 100, 48)


def test_what_is_not_there(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{NAMES[0]}'"):
        call(store, "a01_s01_e00_v1", tmp_path / "x.png")
    with pytest.raises(DataError, match="rows 0 to 1"):
        call(store, "2", tmp_path / "x.png")
    with pytest.raises(StoreError, match="no store"):
        call(tmp_path / "nowhere", "0", tmp_path / "x.png")
    with pytest.raises(OutputError, match=r"\.gif \(moving\) or \.png"):
        call(store, "0", tmp_path / "x.bmp")


def test_beside_its_descriptors(store: Path, tmp_path: Path) -> None:
    call(store, "0", tmp_path / "plain.png", "--size", 64)
    said = call(store, "0", tmp_path / "with.png", "--size", 64, "--descriptors")
    call(store, "0", tmp_path / "corrected.png", "--size", 64, "--descriptors", "--corrected")
    assert NAMES[0] in said
    heights = {name: Image.open(tmp_path / f"{name}.png").height for name in ("plain", "with", "corrected")}
    assert heights["with"] == heights["corrected"] > heights["plain"] + 160
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "corrected.png").read_bytes()
    with pytest.raises(OutputError, match=r"is a \.png"):
        call(store, "0", tmp_path / "x.gif", "--descriptors")
    with pytest.raises(DataError, match="--corrected is for"):
        call(store, "0", tmp_path / "x.png", "--corrected")


@pytest.mark.parametrize("option", ["--prime", "--hidden", "--attention"])
def test_what_a_pre_training_sees(store: Path, tmp_path: Path, option: str) -> None:
    small = {"encoder.width": 16, "encoder.depth": 2, "method.decoder_depth": 1, "method.decoder_width": 16}
    recipe = load.single_run(load.recipe("stjd_mp/nwucla_small", set=small), "main")
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=32, width=16, depth=2, heads=4)
    weights = tmp_path / "weights.safetensors"
    trained = STJDMP(encoder, decoder_depth=1, decoder_width=16).state_dict()
    Recognizer.from_weights(trained, recipe).save(weights)
    said = json.loads(call(store, "0", tmp_path / "a.png", option, weights, "--frames", "3", "--size", "64", "--json"))
    assert Path(said["file"]).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match="pictures of their own: give one of them"):
        call(store, "0", tmp_path / "b.png", option, weights, "--descriptors")
    with pytest.raises(OutputError, match=r"is drawn as a \.png"):
        call(store, "0", tmp_path / "b.gif", option, weights)


def test_prime_joints_of_a_contrast(store: Path, tmp_path: Path) -> None:
    recipe = load.single_run(load.recipe("stjd_cl/nwucla_small", set={"encoder.base_channels": 4}), "joint")
    encoder = STGCN(layout("ucla20"), 3, base_channels=4, last_channels=128, dropout=0, init="default")
    weights = tmp_path / "weights.safetensors"
    trained = STJDCL(encoder, frames=32, queue=512).weights()
    Recognizer.from_weights(trained, recipe).save(weights)
    call(store, "0", tmp_path / "a.png", "--prime", weights, "--frames", "3", "--size", "64")
    assert (tmp_path / "a.png").is_file()
    with pytest.raises(DataError, match="STJDCL hides nothing"):
        call(store, "0", tmp_path / "a.png", "--hidden", weights)
    with pytest.raises(DataError, match="STGCN has no attention"):
        call(store, "0", tmp_path / "a.png", "--attention", weights)
