# SPDX-License-Identifier: Apache-2.0
"""Several runs, one after the other or side by side on one device."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from bonefide.config.build import make_images
from bonefide.config.recipe import Recipe
from bonefide.data.store import SkeletonStore
from bonefide.errors import BonefideError
from bonefide.run import Run
from bonefide.training.fit import Precision, plan_runs, train_run
from bonefide.training.memory import keep_freed_memory

__all__ = ["train", "train_all"]

Plan = tuple[Recipe, str, Path]
Report = Callable[[Path, dict[str, float]], None]


def train(
    recipe: Recipe,
    *,
    store: SkeletonStore,
    out: str | Path = "runs",
    runs: Sequence[str] = (),
    seeds: Sequence[int] = (),
    start_from: str | Path | None = None,
    device: str = "auto",
    parallel: int = 1,
) -> dict[str, Run]:
    """Train the runs of a recipe, or continue them.

    Args:
        recipe: whole.
        store: prepared data.
        out: folder of all runs; they go to `out/<recipe>/<run>`.
        runs: those to train; all if empty.
        seeds: one training each; the recipe's own seed if empty.
        start_from: a run or a file of weights, instead of those that the runs start from.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        parallel: how many at a time.

    Returns:
        Name of the run's folder to the run.

    Raises:
        BonefideError: as `plan_runs` and `train_run`.
    """
    first = None if start_from is None else Path(start_from)
    plans = plan_runs(recipe, Path(out), runs=runs, seeds=seeds, start_from=first)
    return {run.folder.name: run for run in train_all(plans, store=store, device=device, parallel=parallel)}


def train_all(
    plans: Sequence[Plan],
    *,
    store: SkeletonStore,
    device: str = "auto",
    precision: Precision = "32",
    workers: int = 0,
    parallel: int = 1,
    report: Report | None = None,
) -> list[Run]:
    """Train runs; those that are finished are returned as they are.

    Side by side, each run is a process of its own, and the cores are shared out among them. One run does not fill a
    modern GPU, so several there take little longer than one.

    Args:
        plans: from `plan_runs`.
        store: prepared data.
        device: of all of them.
        precision: of the arithmetic.
        workers: processes that load data, a run.
        parallel: how many at a time.
        report: called after each epoch with the run's folder and its row of the log.

    Raises:
        BonefideError: the first that a run raises, or if the system killed one; runs already started are ended first.
    """
    options: dict[str, Any] = {"store": store, "device": device, "precision": precision, "workers": workers}
    if parallel == 1 or len(plans) == 1:
        return [
            train_run(recipe, name, folder, report=partial(report, folder) if report else None, **options)
            for recipe, name, folder in plans
        ]
    for recipe, _, _ in plans:
        # Once, and not by all at once.
        make_images(recipe, store)
    # What others choose gamma on comes first.
    found: dict[Path, Run] = {}
    for rehearsal in (True, False):
        group = [plan for plan in plans if plan[0].data.rehearsal is rehearsal]
        if group:
            done = _side_by_side(group, min(parallel, len(group)), options, report)
            found |= {folder: run for (_, _, folder), run in zip(group, done, strict=True)}
    return [found[folder] for _, _, folder in plans]


def _side_by_side(plans: Sequence[Plan], parallel: int, options: dict[str, Any], report: Report | None) -> list[Run]:
    # A forked process cannot use CUDA, nor safely torch's threads.
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        rows = manager.Queue()
        threads = max(1, torch.get_num_threads() // parallel)
        pool = ProcessPoolExecutor(parallel, mp_context=context, initializer=_begin, initargs=(threads,))
        try:
            futures = [pool.submit(_one, plan, options, rows) for plan in plans]
            _await(futures, rows, report)
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise BonefideError(
                f"a training was killed from outside, as systems do when memory is short; the same command continues "
                f"all of them, perhaps with fewer than {parallel} side by side"
            ) from error
        except BaseException:
            for process in (pool._processes or {}).values():
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _begin(threads: int) -> None:
    """Start a process of the pool; it ends with the one that started it, however that is ended."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _one(plan: Plan, options: dict[str, Any], rows: Any) -> Run:
    recipe, name, folder = plan
    return train_run(recipe, name, folder, report=lambda row: rows.put((folder, row)), **options)


def _await(futures: list[Future[Run]], rows: Any, report: Report | None) -> None:
    """Pass on rows until all are done or one has failed."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        try:
            while True:
                folder, row = rows.get_nowait()
                if report is not None:
                    report(folder, row)
        except Empty:
            continue
