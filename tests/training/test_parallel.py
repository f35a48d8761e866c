# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny import loaded

from bonefide.data.store import SkeletonStore
from bonefide.errors import BonefideError, RunError
from bonefide.training import parallel
from bonefide.training.fit import plan_runs
from bonefide.training.parallel import train, train_all

RUNS = {"joint": {}, "bone": {"data.stream": "bone"}}


def test_side_by_side_gives_what_one_after_the_other_gives(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = loaded(tmp_path, runs=RUNS)
    rows: list[tuple[str, float]] = []
    one_by_one = train(recipe, store=store, out=tmp_path / "one", device="cpu")
    plans = plan_runs(recipe, tmp_path / "two")
    both = train_all(
        plans,
        store=store,
        device="cpu",
        parallel=2,
        report=lambda folder, row: rows.append((folder.name, row["epoch"])),
    )
    assert [run.folder.name for run in both] == list(one_by_one) == ["joint", "bone"]
    for run in both:
        ours, theirs = load_file(run.weights_file), load_file(one_by_one[run.folder.name].weights_file)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert sorted(rows) == [(name, epoch) for name in ("bone", "joint") for epoch in (1, 2, 3)]


def test_an_error_of_one_run_is_the_error_of_all(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = loaded(tmp_path, runs=RUNS)
    plans = plan_runs(recipe, tmp_path / "runs")
    plans[1][2].mkdir(parents=True)
    (plans[1][2] / "run.json").write_text("{}")
    with pytest.raises(RunError, match=r"bone.run\.json is damaged"):
        train_all(plans, store=store, device="cpu", parallel=2)


def test_a_run_that_is_killed_from_outside(
    tmp_path: Path, store: SkeletonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_one", _killed)
    plans = plan_runs(loaded(tmp_path, runs=RUNS), tmp_path / "runs")
    with pytest.raises(BonefideError, match=r"killed from outside.*fewer than 2"):
        train_all(plans, store=store, device="cpu", parallel=2)


def test_runs_end_with_the_process_that_started_them() -> None:
    context = multiprocessing.get_context("spawn")
    numbers = context.Queue()
    starter = context.Process(target=_start, args=(numbers,))
    starter.start()
    child = numbers.get(timeout=60)
    os.kill(starter.pid or 0, signal.SIGKILL)
    starter.join()
    deadline = time.monotonic() + 30
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(child)


def _start(numbers: Any) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_train_for_long, args=(numbers,))
    child.start()
    child.join()


def _train_for_long(numbers: Any) -> None:
    parallel._begin(1)
    numbers.put(os.getpid())
    time.sleep(120)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
