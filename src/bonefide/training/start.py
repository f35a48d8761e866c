# SPDX-License-Identifier: Apache-2.0
"""Where a training starts: from the weights of another run, all that is asked for and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from bonefide.config.build import class_split_of
from bonefide.config.recipe import Recipe, StartRecipe
from bonefide.data import datasets
from bonefide.errors import RunError
from bonefide.layers.position import resize_times
from bonefide.methods._method import Method
from bonefide.run import Run

__all__ = ["WHOLE", "located", "start", "start_facts"]

WHOLE = "whole"
"""The part that is all of a method."""
_TIMES = ".position.times"


def located(recipe: Recipe, out: Path, *, path: Path | None = None) -> Recipe:
    """The recipe with the place of the weights it starts from, if it starts from any.

    Args:
        recipe: of a single run.
        out: folder of all runs; the run it starts from is looked for there, that of the same seed first.
        path: a run or a file of weights to start from instead.

    Raises:
        RunError: if there is no such finished run, or no such file, or that run has seen what this one must not have.
    """
    start = recipe.start_from
    if start is None or (path is None and start.path is not None):
        return recipe
    place = _named(start, out, recipe.training.seed) if path is None else path
    _weights_file(place)
    if recipe.data.classes is not None and Run(place).recipe_file.is_file():
        _refuse_tainted(recipe, place)
    return recipe.model_copy(update={"start_from": start.model_copy(update={"path": str(place)})})


def start(method: Method, asked: StartRecipe) -> None:
    """Give a fresh method the weights it starts from; whatever does not fit is told.

    Args:
        method: its part `asked.part` is overwritten, all of it but what may stay fresh.
        asked: with the place of the weights.

    Raises:
        RunError: if the weights cannot be read, or are of another network.
    """
    file = _weights_file(Path(asked.path or ""))
    try:
        given = load_file(file)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{file}: cannot start from it, it is no file of weights ({error})") from error
    target: nn.Module = method
    if asked.part != WHOLE:
        if asked.part not in dict(method.named_children()):
            parts = ", ".join(name for name, _ in method.named_children())
            raise RunError(
                f"start_from.part: {type(method).__name__} has no '{asked.part}'; it has {parts} and {WHOLE}"
            )
        target = method.get_submodule(asked.part)
        start_of_name = f"{asked.part}."
        given = {
            name.removeprefix(start_of_name): value for name, value in given.items() if name.startswith(start_of_name)
        }
    _take(target, given, fresh=asked.fresh, source=f"{file}, {asked.part}")


def start_facts(asked: StartRecipe | None) -> dict[str, Any]:
    """What a run remembers of where it started; nothing if it did so from random weights.

    Raises:
        RunError: if the weights are not there.
    """
    if asked is None:
        return {}
    place = Path(asked.path or "")
    file = _weights_file(place)
    with safe_open(file, "pt") as opened:
        header = opened.metadata() or {}
    return {
        "weights": str(place),
        "part": asked.part,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        **{key: header[key] for key in ("recipe", "run", "epoch", "preparation", "layout") if key in header},
        **({"seed": Run(place).facts["seed"]} if place.is_dir() else {}),
    }


def _named(start: StartRecipe, out: Path, seed: int) -> Path:
    assert start.recipe is not None
    folders = [out / start.recipe / name for name in (f"{start.run}.seed{seed}", start.run)]
    for folder in folders:
        if Run(folder).finished:
            return folder
    raise RunError(
        f"it starts from {start.recipe}, run {start.run}, and {folders[1]} holds no finished run; train that first "
        f"(bonefide train {start.recipe} --out {out}), or give a run or weights by --start-from"
    )


def _refuse_tainted(recipe: Recipe, place: Path) -> None:
    """What is unseen must not have trained the weights either, nor those who test a rehearsal.

    Other data sets are not looked at, and of a mere file of weights nothing is known.
    """
    before = Run(place).recipe
    if before.data.dataset != recipe.data.dataset:
        return
    names = datasets.info(recipe.data.dataset).classes
    known = class_split_of(before).seen if before.data.classes is not None else range(len(names))
    what = "rehearsal" if recipe.data.rehearsal else "training"
    if shown := sorted(set(class_split_of(recipe).unseen).intersection(known)):
        said = ", ".join(names[label] for label in shown)
        raise RunError(
            f"{place} was trained with samples of {said}, which this {what} takes for unseen; start from a {what} on "
            "its seen classes alone, or say by --run which runs this start is for"
        )
    if recipe.data.rehearsal and (before.data.rehearsal, before.training.seed) != (True, recipe.training.seed):
        raise RunError(
            f"{place} was trained with subjects that this rehearsal holds out; start from a rehearsal of the same "
            f"seed, {recipe.training.seed}"
        )


def _weights_file(place: Path) -> Path:
    file = Run(place).weights_file if place.is_dir() else place
    if not file.is_file():
        raise RunError(f"{place}: no weights to start from; give the folder of a finished run or a .safetensors file")
    return file


def _take(target: nn.Module, given: dict[str, Tensor], *, fresh: tuple[str, ...], source: str) -> None:
    own = target.state_dict()
    given = {name: _resized(name, value, own.get(name)) for name, value in given.items()}
    if not given:
        raise RunError(f"{source}: there is no such part in these weights to start from")
    faults = [f"lacks {name}" for name in own if name not in given and not name.startswith(fresh)]
    faults += [f"has {name} besides" for name in given if name not in own]
    faults += [
        f"has {name} as {tuple(value.shape)} instead of {tuple(own[name].shape)}"
        for name, value in given.items()
        if name in own and value.shape != own[name].shape
    ]
    if faults:
        more = f" and differs in {len(faults) - 1} more" if len(faults) > 1 else ""
        raise RunError(
            f"{source}: cannot start from weights of another network: it {faults[0]}{more}; give weights of the same "
            "network with the same options"
        )
    target.load_state_dict({**own, **given}, strict=True)


def _resized(name: str, value: Tensor, own: Tensor | None) -> Tensor:
    """Vectors of times are interpolated for clips of another length, as the official code does; the rest stays."""
    if own is None or not f".{name}".endswith(_TIMES) or value.ndim != own.ndim or value.shape[1:] != own.shape[1:]:
        return value
    return resize_times(value, len(own))
