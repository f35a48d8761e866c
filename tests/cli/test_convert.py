# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import call
from safetensors import safe_open

from bonefide.cli.convert import convert
from bonefide.conversion import convert as convert_file
from bonefide.conversion import descriptor_fusion, shiftgcn
from bonefide.data.datasets import info
from bonefide.encoders.descriptor_resnet import DescriptorResNet
from bonefide.encoders.shiftgcn import ShiftGCN
from bonefide.errors import DataError, OutputError, UnknownNameError
from bonefide.hub.recognizer import Recognizer
from bonefide.layouts import layout
from bonefide.methods.descriptor_fusion import DescriptorFusion
from bonefide.methods.supervised import Supervised

FIXTURE = Path(__file__).parents[1] / "golden" / "encoders_ctrgcn_ucla.npz"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with np.load(FIXTURE) as arrays:
        keys = json.loads(str(arrays["meta"]))["state_dict"]
    file = tmp_path_factory.mktemp("official") / "official.pt"
    torch.save({key: torch.full(shape, 0.5) for key, shape in keys}, file)
    return file


def test_an_official_file_becomes_a_recogniser(official: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "weights.safetensors"
    said = call(convert, "ctrgcn", official, out).stdout.splitlines()
    weights = convert_file("ctrgcn", official)
    assert said == [
        f"{len(weights)} tensors, {sum(each.numel() for each in weights.values()):,} numbers: {out}",
        "recognises 10 classes of nwucla from the joint stream, prepared by nwucla, as the recipe ctrgcn/nwucla says",
    ]
    with safe_open(out, "pt") as file:
        assert file.metadata()["paper"] == "ctrgcn"
        assert file.metadata()["sha256"] == hashlib.sha256(official.read_bytes()).hexdigest()
        assert set(file.keys()) == set(weights)
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    recognizer = Recognizer.load(out)
    assert recognizer.classes == info("nwucla").classes
    call(convert, "ctrgcn", official, tmp_path / "folder", "--stream", "bone")
    assert sorted(file.name for file in (tmp_path / "folder").iterdir()) == ["config.json", "model.safetensors"]
    assert Recognizer.load(tmp_path / "folder").config.stream == "bone"


def test_weights_no_recipe_fits_are_written_alone(official: Path, tmp_path: Path) -> None:
    state = torch.load(official, weights_only=True)
    torch.save(state | {"fc.weight": torch.zeros(11, 256), "fc.bias": torch.zeros(11)}, tmp_path / "eleven.pt")
    said = call(convert, "ctrgcn", tmp_path / "eleven.pt", tmp_path / "out").stdout
    assert "no recipe fits the stream 'joint', so these are weights alone" in said
    with pytest.raises(DataError, match="weights alone"):
        Recognizer.load(tmp_path / "out" / "model.safetensors")
    with pytest.raises(DataError, match=r"do not fit what is said about them: 'head\.bias' should be of shape"):
        call(convert, "ctrgcn", tmp_path / "eleven.pt", tmp_path / "out2", "--recipe", "ctrgcn/nwucla")
    with pytest.raises(DataError, match="no stream 'bones'; did you mean 'bone'"):
        call(convert, "ctrgcn", official, tmp_path / "out2", "--stream", "bones")
    with pytest.raises(DataError, match="has no run of the stream 'bone'"):
        call(convert, "ctrgcn", official, tmp_path / "out2", "--recipe", "ctrgcn/nwucla_small", "--stream", "bone")
    assert not (tmp_path / "out2").exists()


@pytest.mark.parametrize(("images", "stream"), [(1, "jdd"), (5, "joint"), (5, "jdd")])
def test_networks_of_images(images: int, stream: str, tmp_path: Path) -> None:
    """One image the weights do not tell, five they do."""
    FIVE = ("gd", "fdd", "jdd", "add", "lad")  # noqa: N806
    names = FIVE[:images]
    torch.manual_seed(0)
    with torch.device("meta"):
        method = DescriptorFusion(DescriptorResNet(names), 10, names)
    weights = {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in method.state_dict().items()}
    torch.save(descriptor_fusion.DescriptorFusion().to_official(weights), tmp_path / "official.tar")
    said = call(convert, "descriptor_fusion", tmp_path / "official.tar", tmp_path / "out", "--stream", stream).stdout
    seen = "gd, fdd, jdd, add, lad" if images == 5 else stream
    assert f"recognises 10 classes of nwucla from images of {seen}, prepared by nwucla" in said
    assert Recognizer.load(tmp_path / "out").config.images == (FIVE if images == 5 else ("jdd",))
    if images == 1:
        said = call(convert, "descriptor_fusion", tmp_path / "official.tar", tmp_path / "alone").stdout
        assert "no recipe fits the stream 'joint'" in said
        assert "said by --stream" in said


def test_what_the_weights_cannot_tell_is_said(tmp_path: Path) -> None:
    method = Supervised(ShiftGCN(layout("ntu25")), 120)
    torch.save(shiftgcn.ShiftGCN().to_official(method.state_dict()), tmp_path / "official.pt")
    said = call(convert, "shiftgcn", tmp_path / "official.pt", tmp_path / "out").stdout.splitlines()
    assert said[1].endswith("as the recipe shiftgcn/ntu120_xset says")
    assert said[2] == "the weights fit shiftgcn/ntu120_xsub as well and cannot tell; say by --recipe which it was"
    which = ("--recipe", "shiftgcn/ntu120_xsub")
    said = call(convert, "shiftgcn", tmp_path / "official.pt", tmp_path / "out", *which).stdout.splitlines()
    assert len(said) == 2
    assert Recognizer.load(tmp_path / "out").config.origin["recipe"] == "shiftgcn/ntu120_xsub"


def test_what_goes_wrong(official: Path, tmp_path: Path) -> None:
    out = tmp_path / "weights.safetensors"
    with pytest.raises(UnknownNameError, match="did you mean 'ctrgcn'"):
        call(convert, "ctrgnc", official, out)
    with pytest.raises(DataError, match="no such file"):
        call(convert, "ctrgcn", tmp_path / "none.pt", out)
    assert not out.exists()
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "weights.safetensors", tmp_path / "file"):
        with pytest.raises(OutputError, match="cannot write"):
            call(convert, "ctrgcn", official, place)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file"]
