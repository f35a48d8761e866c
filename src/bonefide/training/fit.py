# SPDX-License-Identifier: Apache-2.0
"""Training: a recipe and a store to finished runs."""

from __future__ import annotations

import contextlib
import json
import platform
import signal
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from safetensors import safe_open
from torch.utils.data import DataLoader

from bonefide.config.build import Experiment, build_data, build_method
from bonefide.config.components import check_recipe
from bonefide.config.load import dump, recipe_digest, single_run
from bonefide.config.recipe import Recipe, StartRecipe
from bonefide.config.recognizer import config_of_run
from bonefide.data.dataset import Sample
from bonefide.data.loader import Samples, loader
from bonefide.data.store import SkeletonStore
from bonefide.errors import RunError
from bonefide.evaluation.audit import audit, save_card
from bonefide.evaluation.calibration import calibration_of
from bonefide.evaluation.features import save_features
from bonefide.evaluation.scores import save_scores
from bonefide.evaluation.test import load_weights, score
from bonefide.hub.weights import HEADER
from bonefide.methods._method import Method
from bonefide.run import Run
from bonefide.training.callbacks import EpochEnd, save_weights
from bonefide.training.devices import describe_device, resolve_device
from bonefide.training.freezing import freeze
from bonefide.training.module import MethodModule
from bonefide.training.seeds import seed_all
from bonefide.training.start import located, start, start_facts
from bonefide.training.trainer import Precision, build_trainer
from bonefide.types import Scores
from bonefide.writing import hold, write_file

__all__ = ["Precision", "plan_runs", "train_run"]


def plan_runs(
    recipe: Recipe,
    out: Path,
    *,
    runs: Sequence[str] = (),
    seeds: Sequence[int] = (),
    start_from: Path | None = None,
) -> list[tuple[Recipe, str, Path]]:
    """Which trainings a recipe asks for, and where they go: `out/<recipe>/<run>`, with `.seed<k>` if seeds are named.

    Args:
        recipe: whole.
        out: folder of all runs.
        runs: those to train; all of the recipe's if empty. One that is named twice is trained once.
        seeds: one training each, likewise; the recipe's own seed if empty.
        start_from: a run or a file of weights, instead of those that the runs start from; their encoder, if none does.

    Raises:
        UnknownNameError: if the recipe has no such run.
        RecipeError: if a run's settings or a component's options do not fit.
        RunError: if what a run starts from is not there.
    """
    place, plans = out / recipe.name, []
    for name in dict.fromkeys(runs or recipe.runs):
        if seeds:
            plans += [
                (single_run(recipe, name, seed=seed), name, place / f"{name}.seed{seed}")
                for seed in dict.fromkeys(seeds)
            ]
        else:
            plans.append((single_run(recipe, name), name, place / name))
    for planned, _, _ in plans:
        check_recipe(planned)
    if start_from is not None and all(planned.start_from is None for planned, _, _ in plans):
        encoder = StartRecipe(path=str(start_from))
        plans = [(planned.model_copy(update={"start_from": encoder}), name, at) for planned, name, at in plans]
    return [
        (
            planned if Run(folder).finished and start_from is None else located(planned, out, path=start_from),
            name,
            folder,
        )
        for planned, name, folder in plans
    ]


def train_run(
    recipe: Recipe,
    name: str,
    folder: Path,
    *,
    store: SkeletonStore,
    device: str = "auto",
    precision: Precision = "32",
    workers: int = 0,
    report: Callable[[dict[str, float]], None] | None = None,
) -> Run:
    """Train one run, or continue it where it was interrupted; a finished one is returned as it is.

    Interrupted and continued, a run on the CPU ends with the same weights, bit for bit, as one that was not.

    Args:
        recipe: of a single run.
        name: of the run.
        folder: where it goes.
        store: prepared data.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: of the arithmetic; weights stay float32.
        workers: processes that load data.
        report: called after each epoch with its row of the log.

    Raises:
        RecipeError: if a component does not fit.
        DataError: if the store is of other data.
        RunError: if the folder holds a run of another recipe, seed or data, or if the rehearsal has diverged that a
            zero-shot run takes gamma from.
        OutputError: if the folder cannot be written.
    """
    data = build_data(recipe, store)
    seed_all(recipe.training.seed)
    method = build_method(recipe, data)
    freeze(method, recipe.training.freeze, epoch=0)
    run = Run(folder)
    facts = _facts(recipe, name, store, data, method) | {"start": _start(method, recipe, run)}
    _refuse_another(run, facts)
    if run.finished:
        if not run.report_file.is_file():
            # Killed between its scores and its card.
            save_card(audit(run), run.report_file)
        with contextlib.suppress(OSError):
            # Left if it was killed before it let go.
            run.lock_file.unlink()
        return run
    module = MethodModule(method, recipe.training)
    end_of_epoch = EpochEnd(run, recipe, data, metadata=_header(run, recipe, data, facts), report=report)
    parts, whole = recipe.training.accumulate, len(data.train) // recipe.data.batch_size
    trainer = build_trainer(
        recipe.training,
        device=device,
        precision=precision,
        batches=whole * parts if recipe.data.drop_last and whole else None,
        callbacks=[end_of_epoch],
    )
    batches = loader(
        data.train,
        batch_size=recipe.data.batch_size // parts,
        shuffle=True,
        drop_last=recipe.data.drop_last and whole > 0,
        workers=workers,
        pin_memory=resolve_device(device).startswith("cuda"),
    )
    lock = hold(run.lock_file, folder)
    try:
        _begin(run, recipe, facts)
        _environment(run, device, precision)
        _fit(trainer, module, batches, _checkpoint(run))
        _finish(run, module, recipe, data)
    finally:
        lock.release()
        run.lock_file.unlink(missing_ok=True)
    return run


def _start(method: Method, recipe: Recipe, run: Run) -> dict[str, Any]:
    """Give the method its first weights, unless a checkpoint has later ones; tell whose they are."""
    asked = recipe.start_from
    if asked is None:
        return {}
    if run.facts_file.is_file() and (run.finished or run.checkpoint_file.is_file()):
        told: dict[str, Any] = run.facts.get("start", {})
        if asked.path is not None and Path(asked.path).exists() and start_facts(asked)["sha256"] != told.get("sha256"):
            raise RunError(
                f"{run.folder} holds a run that started from other weights; give another --out, or remove it"
            )
        return told
    if asked.path is None:
        raise RunError(f"{run.folder}: it starts from {asked.recipe}, whose place is not known; plan it by plan_runs")
    start(method, asked)
    return start_facts(asked)


def _checkpoint(run: Run) -> Path | None:
    file = run.checkpoint_file
    if not file.is_file():
        return None
    if not zipfile.is_zipfile(file):
        raise RunError(f"{file} is damaged; remove it to train from the beginning")
    return file


def _fit(trainer: pl.Trainer, module: MethodModule, batches: DataLoader[Sample], resume: Path | None) -> None:
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        with warnings.catch_warnings():
            # Lightning advises on workers and logging, which were chosen on purpose, and on its own use of torch.
            warnings.filterwarnings("ignore", module="lightning")
            trainer.fit(module, batches, ckpt_path=resume, weights_only=True)
    except SystemExit:
        if not trainer.interrupted:
            raise
        # Lightning answers an interrupt by ending the program, deaf to further ones.
        signal.signal(signal.SIGINT, on_interrupt)
        raise KeyboardInterrupt from None


def _finish(run: Run, module: MethodModule, recipe: Recipe, data: Experiment) -> None:
    """Score by the chosen weights and close the run; the scores come last, they say that it is finished."""
    # Anew, since a rehearsal may have been finished meanwhile.
    _close_weights(run, module, recipe, _header(run, recipe, data, run.facts))
    scored = partial(_scored, run, module.method, recipe, data)
    if data.validation is not None:
        save_scores(scored(data.validation), run.validation_scores_file)
    keep = None if data.split is None else partial(save_features, module.method, data.test, run.features_file)
    save_scores(scored(data.test, embedded=keep), run.scores_file)
    save_card(audit(run), run.report_file)


def _close_weights(run: Run, module: MethodModule, recipe: Recipe, header: dict[str, str]) -> None:
    """Write the weights that count, with the header of the end; the module has them afterwards."""
    if recipe.training.select == "last":
        save_weights(module, run.weights_file, header | {"epoch": str(recipe.training.epochs)})
        return
    load_weights(module.method, run.chosen_file)
    with safe_open(run.chosen_file, "pt") as opened:
        epoch = opened.metadata()["epoch"]
    save_weights(module, run.chosen_file, header | {"epoch": epoch})
    write_file(run.weights_file, run.chosen_file.read_bytes())


def _scored(
    run: Run,
    method: Method,
    recipe: Recipe,
    data: Experiment,
    samples: Samples,
    *,
    embedded: Callable[[torch.Tensor], None] | None = None,
) -> Scores:
    return score(
        method,
        samples,
        known=data.known,
        classes=data.classes,
        selected_on=recipe.training.select,
        hashes=run.facts["hashes"],
        batch_size=recipe.data.test_batch_size,
        unseen=() if data.split is None else data.split.unseen,
        embedded=embedded,
    )


def _facts(recipe: Recipe, name: str, store: SkeletonStore, data: Experiment, method: Method) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "run": name,
        "seed": recipe.training.seed,
        "store": str(store.path),
        "preparation": store.info.preparation,
        "parameters": sum(each.numel() for each in method.parameters()),
        "neighbors": method.judged_by_neighbors,
        "hashes": data.hashes | {"recipe": recipe_digest(recipe)},
    }


def _refuse_another(run: Run, facts: dict[str, Any]) -> None:
    there = run.facts if run.facts_file.is_file() else facts
    for key in ("hashes", "seed", "run"):
        if there[key] != facts[key]:
            raise RunError(
                f"{run.folder} holds a run of another {'recipe or store' if key == 'hashes' else key}; "
                "give another --out, or remove it"
            )


def _begin(run: Run, recipe: Recipe, facts: dict[str, Any]) -> None:
    if not run.facts_file.is_file():
        write_file(run.recipe_file, dump(recipe))
        # Comes last: it says that there is a run.
        write_file(run.facts_file, _as_json(facts))


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"


def _header(run: Run, recipe: Recipe, data: Experiment, facts: dict[str, Any]) -> dict[str, str]:
    """Of the weights; made before the training too, so that a rehearsal that is of no use is told at once."""
    origin = {"paper": recipe.paper, "recipe": recipe.name, "run": facts["run"], "select": recipe.training.select}
    info = replace(data.train.store.info, classes=data.classes)
    config = config_of_run(recipe, info, data.train[0].clip.shape, origin=origin, split=data.split, texts=data.texts)
    if config.zero_shot is not None:
        calibration = calibration_of(run.folder, facts["run"], recipe.data)
        told = config.zero_shot.model_copy(update=calibration._asdict())
        config = config.model_copy(update={"zero_shot": told})
    return {
        HEADER: config.model_dump_json(),
        "recipe": recipe.name,
        "run": facts["run"],
        "stream": recipe.data.stream,
        "preparation": facts["preparation"],
        "layout": data.train.store.info.layout,
        "classes": json.dumps(data.classes),
        "hashes": json.dumps(facts["hashes"]),
        "select": recipe.training.select,
    }


def _environment(run: Run, device: str, precision: Precision) -> None:
    environment = {
        "bonefide": metadata.version("bonefide"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning": metadata.version("lightning"),
        "numpy": metadata.version("numpy"),
        "platform": platform.platform(),
        "device": describe_device(device),
        "threads": torch.get_num_threads(),
        "precision": precision,
    }
    write_file(run.environment_file, _as_json(environment))
