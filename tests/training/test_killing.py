# SPDX-License-Identifier: Apache-2.0
"""Killed with SIGKILL at any moment and started again, a training ends as if nothing had happened."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny import tiny_recipe

from bonefide.data.store import SkeletonStore
from bonefide.evaluation.audit import load_card
from bonefide.evaluation.scores import load_scores

SCRIPT = Path(__file__).with_name("killed_training.py")


def run(recipe: Path, store: SkeletonStore, out: Path, *moments: int) -> list[int]:
    command = [sys.executable, str(SCRIPT), str(recipe), str(store.path), str(out), *map(str, moments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(line) for line in done.stdout.split()]


def assert_equal_runs(first: Path, second: Path, *, epochs: int) -> None:
    ours, theirs = (load_file(folder / "weights.safetensors") for folder in (first, second))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    headers = [safe_open(folder / "weights.safetensors", "pt").metadata() for folder in (first, second)]
    assert headers[0] == headers[1]
    for name in ("scores.npz", "validation_scores.npz"):
        if (second / name).is_file():
            scores = [load_scores(folder / name) for folder in (first, second)]
            np.testing.assert_array_equal(scores[0].values, scores[1].values)
            np.testing.assert_array_equal(scores[0].names, scores[1].names)
    logs = [list(csv.DictReader((folder / "log.csv").open())) for folder in (first, second)]
    assert [int(float(row["epoch"])) for row in logs[0]] == list(range(1, epochs + 1))
    assert [{**row, "seconds": ""} for row in logs[0]] == [{**row, "seconds": ""} for row in logs[1]]
    assert load_card(first / "report.json").accuracy == load_card(second / "report.json").accuracy
    assert {file.name for file in first.iterdir()} == {file.name for file in second.iterdir()}


def test_killed_at_any_moment_it_goes_on_bit_for_bit(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = tiny_recipe(
        tmp_path,
        data__validation={"share": 0.5},
        data__batch_size=2,
        training__select="validation",
        training__schedule={"name": "cosine", "per": "step", "warmup_epochs": 1},
    )
    count = run(recipe, store, tmp_path / "whole", 0)[0]
    assert count > 40
    generator = np.random.default_rng(7)
    moments = sorted({*generator.integers(1, count, 5).tolist(), count - 1, count - 5, count})
    run(recipe, store, tmp_path / "killed", *moments)
    for moment in moments:
        assert_equal_runs(tmp_path / f"killed/{moment}/tiny/main", tmp_path / "whole/0/tiny/main", epochs=3)


@pytest.mark.parametrize("moments", [(11,)])
def test_so_does_ctrgcn(tmp_path: Path, store: SkeletonStore, moments: tuple[int, ...]) -> None:
    encoder = {"name": "ctrgcn", "base_channels": 8}
    recipe = tiny_recipe(tmp_path, encoder=encoder, training__epochs=2, data__batch_size=4)
    run(recipe, store, tmp_path, 0, *moments)
    for moment in moments:
        assert_equal_runs(tmp_path / f"{moment}/tiny/main", tmp_path / "0/tiny/main", epochs=2)


def test_so_does_csre(tmp_path: Path, store: SkeletonStore) -> None:
    method = {"name": "csre", "width": 8, "positives": 2, "negatives": 3, "reduction": 4}
    recipe = tiny_recipe(tmp_path, method=method, data__repeat=2, data__batch_size=4)
    run(recipe, store, tmp_path / "whole", 0)
    rows = list(csv.DictReader((tmp_path / "whole/0/tiny/main/log.csv").open()))
    assert all(float(row["spatial"]) > 0 < float(row["temporal"]) for row in rows)
    for moment in (9, 21):
        run(recipe, store, tmp_path / "killed", moment)
        assert_equal_runs(tmp_path / f"killed/{moment}/tiny/main", tmp_path / "whole/0/tiny/main", epochs=3)
    checkpoints = [
        torch.load(tmp_path / place / "tiny/main/last.ckpt", weights_only=True)["state_dict"]
        for place in ("whole/0", "killed/9", "killed/21")
    ]
    assert all(checkpoints[0]["method.memory.filled"])
    for each in checkpoints[1:]:
        assert each.keys() == checkpoints[0].keys()
        assert all(torch.equal(each[key], value) for key, value in checkpoints[0].items())
