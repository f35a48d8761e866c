# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from calling import bonefide, call, environment
from tiny import tiny_recipe, tiny_store

from bonefide.cli.describe import describe
from bonefide.cli.train import train
from bonefide.data.descriptor_store import open_descriptors
from bonefide.data.store import SkeletonStore
from bonefide.data.write_descriptors import descriptor_folder
from bonefide.errors import DataError, OutputError, StoreError, UnknownNameError


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return tiny_store(tmp_path / "store", count=12)


def test_images_lie_in_the_store_and_are_made_once(store: SkeletonStore) -> None:
    said = call(describe, store.path, "--as", "jdd, FDD").stdout
    assert "described 12 sequences of nwucla as jdd, add, lad\n" in said
    images = open_descriptors(descriptor_folder(store))
    assert (images.info.stored, images.info.size) == (("jdd", "add", "lad"), 112)
    again = json.loads(call(describe, store.path, "--as", "fdd", "--json").stdout)
    assert again["already_there"]
    assert (again["path"], again["stored"]) == (str(images.path), ["jdd", "add", "lad"])
    assert "nothing to do" in call(describe, store.path, "--as", "fdd").stdout


def test_elsewhere_corrected_and_smaller(store: SkeletonStore, tmp_path: Path) -> None:
    arguments = ("--as", "gd", "--out", tmp_path / "small", "--size", "24", "--corrected")
    assert "(corrected)" in call(describe, store.path, *arguments).stdout
    images = open_descriptors(tmp_path / "small")
    assert (images.info.size, images.info.corrected, images.image("gd", 0).shape) == (24, True, (24, 24, 3))
    with pytest.raises(OutputError, match="--overwrite"):
        call(describe, store.path, "--as", "gd", "--out", tmp_path / "small")
    call(describe, store.path, "--as", "gd", "--out", tmp_path / "small", "--overwrite", "--workers", "1")
    assert open_descriptors(tmp_path / "small").info.size == 112


def test_png_files_and_back(store: SkeletonStore, tmp_path: Path) -> None:
    arguments = ("--as", "gd,lad", "--png", "--out", tmp_path / "png", "--protocol", "xview")
    said = call(describe, store.path, *arguments).stdout
    assert "6 PNG files in" in said
    assert sorted(each.name for each in (tmp_path / "png").iterdir() if each.is_dir()) == [
        f"ucla_{name}_{part}" for name in ("GD", "LAD") for part in ("test", "train")
    ]
    back = ("--as", "gd,lad", "--from", tmp_path / "png", "--out", tmp_path / "read", "--protocol", "xview")
    assert "(from PNG files)" in call(describe, store.path, *back).stdout
    computed, read = (open_descriptors(place) for place in (descriptor_folder(store), tmp_path / "read"))
    for name in ("gd", "lad"):
        np.testing.assert_array_equal(read.array(name), computed.array(name))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--png", "--protocol", "xview"), "say by --out"),
        (("--png", "--out", "x"), "say which by --protocol"),
        (("--from", "x"), "say which by --protocol"),
        (("--from", "x", "--png", "--out", "x", "--protocol", "xview"), "one of the two"),
        (("--from", "x", "--protocol", "xview", "--corrected"), "are as they are"),
        (("--protocol", "xview"), "--protocol is for PNG files"),
        (("--as", ","), "no descriptor is asked for"),
        (("--from", "nowhere", "--protocol", "xview"), "lacks 6 of 6 images, such as 0_"),
    ],
)
def test_options_that_do_not_go_together(store: SkeletonStore, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        call(describe, store.path, *arguments)
    assert not descriptor_folder(store).exists()


def test_what_is_not_there(store: SkeletonStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'jdd'"):
        call(describe, store.path, "--as", "jd")
    with pytest.raises(StoreError, match="no store"):
        call(describe, tmp_path / "nowhere")


def test_killed_it_goes_on(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store", count=3000)
    whole = json.loads(bonefide("describe", store.path, "--out", tmp_path / "whole", "--json").stdout)
    arguments = [sys.executable, "-m", "bonefide.cli.main", "describe", str(store.path), "--workers", "1"]
    marks = store.path / ".descriptors.partial"
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, env=environment()) as process:
        deadline = time.monotonic() + 60
        while not list(marks.glob("lad-*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not descriptor_folder(store).exists()
    done = json.loads(bonefide("describe", store.path, "--json").stdout)
    assert done["checksums"] == whole["checksums"]


def test_training_describes_at_first_use(store: SkeletonStore, tmp_path: Path) -> None:
    settings = {"data__images": ["add"], "data__train": [], "data__test": [], "training__epochs": 1}
    encoder, method = {"name": "descriptor_resnet", "base_width": 2}, {"name": "descriptor_fusion"}
    recipe = tiny_recipe(tmp_path, encoder=encoder, method=method, **settings)
    usual = (recipe, "--store", store.path, "--out", tmp_path / "runs", "--device", "cpu")
    first = call(train, *usual)
    assert first.stderr == f"described 12 sequences; their images lie in {store.path}\n"
    assert "top-1" in first.stdout
    assert call(train, *usual).stderr == ""
