# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from calling import bonefide, call, environment
from tiny import tiny_recipe, tiny_store

from bonefide.cli.train import train
from bonefide.errors import InstallationError, OutputError, RecipeError, StoreError, UnknownNameError
from bonefide.run import Run

RUNS = {"joint": {}, "bone": {"data.stream": "bone"}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("stores") / "tiny").path


def test_all_runs_are_trained_and_told(tmp_path: Path, store: Path) -> None:
    recipe = tiny_recipe(tmp_path, runs=RUNS)
    result = call(train, recipe, "--store", store, "--out", tmp_path / "runs", "--device", "cpu")
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(tmp_path / f"runs/tiny/{run}") for run in RUNS]
    assert all("% on 12 test samples (weights: last)" in line for line in lines)
    assert result.stderr == "", "no bars where nobody looks"


def test_one_run_with_seeds_and_settings(tmp_path: Path, store: Path) -> None:
    arguments = (tiny_recipe(tmp_path, runs=RUNS), "--store", store, "--out", tmp_path, "--device", "cpu")
    options = ("--run", "bone", "--seeds", "1,2", "--set", "training.epochs=1", "--json")
    said = json.loads(call(train, *arguments, *options).stdout)
    assert list(said) == [str(tmp_path / f"tiny/bone.seed{seed}") for seed in (1, 2)]
    for folder, card in said.items():
        assert (card["run"], card["stream"], card["epochs"]) == ("bone", "bone", 1)
        assert Run.open(folder).recipe.training.seed == card["seeds"][0]


def test_weights_chosen_by_test_labels_have_no_accuracy(tmp_path: Path, store: Path) -> None:
    recipe = tiny_recipe(tmp_path, training__select="best_on_test", training__epochs=1)
    said = call(train, recipe, "--store", store, "--out", tmp_path, "--device", "cpu").stdout
    assert "chosen with test labels; see best_on_test in the report, which is no accuracy" in said
    assert "%" not in said


def test_what_is_wrong_is_told_before_training(tmp_path: Path, store: Path) -> None:
    recipe = tiny_recipe(tmp_path, runs=RUNS)
    usual = ("--store", store, "--out", tmp_path / "runs", "--device", "cpu")
    with pytest.raises(UnknownNameError, match="runs: no 'bones'; did you mean 'bone'"):
        call(train, recipe, *usual, "--run", "bones")
    for seeds in ("1,x", "-1", "1.5"):
        with pytest.raises(RecipeError, match=f"--seeds: expected numbers from 0 .* got '{seeds}'"):
            call(train, recipe, *usual, f"--seeds={seeds}")
    with pytest.raises(RecipeError, match="widht: not an option; did you mean 'width'"):
        call(train, recipe, *usual, "--set", "encoder.widht=3")
    with pytest.raises(StoreError, match="nowhere"):
        call(train, recipe, "--store", tmp_path / "nowhere")
    with pytest.raises(InstallationError, match="no device 'gpu' here"):
        call(train, recipe, *usual[:4], "--device", "gpu")
    assert "parallel" in call(train, recipe, *usual, "--parallel", "0", code=2).stderr
    assert not (tmp_path / "runs" / "tiny" / "joint" / "log.csv").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path, store: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        call(train, tiny_recipe(tmp_path), "--store", store, "--out", tmp_path / "file", "--device", "cpu")


def _hears_interrupts() -> None:
    """A shell that starts the tests in the background makes them and all they start deaf to interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupted_it_says_how_to_go_on_and_does(tmp_path: Path, store: Path) -> None:
    recipe = tiny_recipe(tmp_path, training__epochs=100_000)
    arguments = [sys.executable, "-m", "bonefide.cli.main", "train", str(recipe), "--store", str(store)]
    arguments += ["--out", str(tmp_path), "--device", "cpu"]
    checkpoint = tmp_path / "tiny" / "main" / "last.ckpt"
    with subprocess.Popen(
        arguments,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=_hears_interrupts,  # noqa: PLW1509  # no threads here
    ) as process:
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == "interrupted; the same command continues from the last finished epoch\n"
    assert checkpoint.is_file()


def test_the_whole_program_trains_in_silence(tmp_path: Path, store: Path) -> None:
    done = bonefide("train", tiny_recipe(tmp_path), "--store", store, "--out", tmp_path, "--device", "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
