# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from calling import call
from tiny import tiny_recipe, tiny_store

from bonefide.cli.test import test as verb
from bonefide.cli.train import train
from bonefide.errors import RunError, StoreError
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.scores import load_scores


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tested")
    store = tiny_store(folder / "store").path
    for name, select in (("honest", "last"), ("leaky", "best_on_test")):
        recipe = tiny_recipe(folder, name=name, training__select=select)
        call(train, recipe, "--store", store, "--out", folder / "runs", "--device", "cpu")
    return folder


def test_metrics_of_a_run(place: Path) -> None:
    folder = place / "runs" / "honest" / "main"
    before = load_scores(folder / "scores.npz")
    (folder / "scores.npz").unlink()
    said = json.loads(call(verb, folder, "--device", "cpu", "--json").stdout)[str(folder)]
    assert (load_scores(folder / "scores.npz").values == before.values).all()
    assert (said["top1"], said["top5"], said["samples"], said["selected_on"]) == (
        top_k(before, 1),
        top_k(before, 5),
        12,
        "last",
    )


def test_all_runs_below_a_folder(place: Path) -> None:
    lines = call(verb, place / "runs", "--device", "cpu").stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(place / f"runs/{name}/main") for name in ("honest", "leaky")]
    assert "top1" in lines[0]


def test_what_test_labels_chose_is_named_so(place: Path) -> None:
    folder = place / "runs" / "leaky" / "main"
    said = json.loads(call(verb, folder, "--device", "cpu", "--json").stdout)[str(folder)]
    assert set(said) == {"best_on_test_top1", "best_on_test_top5", "best_on_test_balanced", "samples", "selected_on"}


def test_a_store_that_has_moved(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "store", tmp_path / "moved")
    folder = place / "runs" / "honest" / "main"
    assert call(verb, folder, "--store", tmp_path / "moved", "--device", "cpu").stdout.startswith(str(folder))
    other = tiny_store(tmp_path / "other", count=16)
    with pytest.raises(RunError, match=r"the (split|preparation) is not the one it was trained with"):
        call(verb, folder, "--store", other.path, "--device", "cpu")
    with pytest.raises(StoreError, match="nowhere"):
        call(verb, folder, "--store", tmp_path / "nowhere", "--device", "cpu")


def test_what_is_no_finished_run(place: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run at or below"):
        call(verb, tmp_path)
    shutil.copytree(place / "runs" / "honest", tmp_path / "copy")
    (tmp_path / "copy" / "main" / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(RunError, match="these weights do not fit the recipe"):
        call(verb, tmp_path / "copy", "--store", place / "store", "--device", "cpu")
    (tmp_path / "copy" / "main" / "weights.safetensors").unlink()
    with pytest.raises(RunError, match="no weights yet; the training has not finished"):
        call(verb, tmp_path / "copy", "--store", place / "store", "--device", "cpu")
