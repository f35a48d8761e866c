# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import loaded

from bonefide.config.build import build_data, build_method
from bonefide.config.load import single_run
from bonefide.data.store import SkeletonStore
from bonefide.errors import OutputError, RunError
from bonefide.run import Run
from bonefide.training.callbacks import save_weights, write_log
from bonefide.training.fit import train_run
from bonefide.training.module import MethodModule


def test_a_log_of_uneven_rows(tmp_path: Path) -> None:
    write_log(
        tmp_path / "log.csv", [{"epoch": 1.0, "loss": 0.123456789012}, {"epoch": 2.0, "loss": 1.0, "test_top1": 50.0}]
    )
    assert list(csv.reader((tmp_path / "log.csv").open())) == [
        ["epoch", "loss", "test_top1"],
        ["1", "0.12345679", ""],
        ["2", "1", "50"],
    ]
    assert Run(tmp_path).log()[0] == {"epoch": 1.0, "loss": 0.12345679}


def test_what_cannot_be_written(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = single_run(loaded(tmp_path), "main")
    module = MethodModule(build_method(recipe, build_data(recipe, store)), recipe.training)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*log\.csv"):
        write_log(tmp_path / "file" / "log.csv", [])
    with pytest.raises(OutputError, match=r"cannot write .*weights\.safetensors"):
        save_weights(module, tmp_path / "file" / "weights.safetensors", {})


class FullDisk:
    """Renames as long as there is room."""

    def __init__(self, *, room: int, only: str) -> None:
        self.room, self.only, self.rename = room, only, os.replace

    def __call__(self, source: str | Path, target: str | Path) -> None:
        if Path(target).name == self.only:
            self.room -= 1
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        self.rename(source, target)


@pytest.mark.parametrize(
    ("file", "room"),
    [
        ("last.ckpt", 2),
        ("log.csv", 1),
        ("weights.safetensors", 0),
        ("scores.npz", 0),
        ("report.json", 0),
        ("run.json", 0),
    ],
)
def test_a_full_disk_loses_nothing(
    tmp_path: Path, store: SkeletonStore, monkeypatch: pytest.MonkeyPatch, file: str, room: int
) -> None:
    recipe = single_run(loaded(tmp_path), "main")
    whole = train_run(recipe, "main", tmp_path / "whole", store=store, device="cpu")
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", FullDisk(room=room, only=file))
        with pytest.raises(OutputError, match=f"the disk or quota is full while writing .*{file}"):
            train_run(recipe, "main", tmp_path / "run", store=store, device="cpu")
    assert not [each.name for each in (tmp_path / "run").iterdir() if each.name.endswith(".tmp")]
    seen: list[float] = []
    run = train_run(
        recipe, "main", tmp_path / "run", store=store, device="cpu", report=lambda row: seen.append(row["epoch"])
    )
    expected = {"last.ckpt": [3], "log.csv": [2, 3], "run.json": [1, 2, 3]}.get(file, [])
    assert seen == expected, "epochs before the last checkpoint are not trained again"
    ours, theirs = load_file(run.weights_file), load_file(whole.weights_file)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert run.report_file.is_file()


def test_a_training_that_diverges_is_told(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = single_run(loaded(tmp_path, training__optimizer={"name": "sgd", "lr": 1e30}), "main")
    with pytest.raises(RunError, match=r"loss of epoch 1 is not finite.*lower training\.optimizer\.lr"):
        train_run(recipe, "main", tmp_path / "run", store=store, device="cpu")
    assert not Run(tmp_path / "run").finished
