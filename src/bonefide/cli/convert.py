# SPDX-License-Identifier: Apache-2.0
"""`bonefide convert`: an official checkpoint to safetensors, and to a recogniser."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonefide.writing import write_file

if TYPE_CHECKING:
    from torch import Tensor

    from bonefide.config.recipe import Recipe

__all__ = ["convert"]


def convert(
    paper: Annotated[str, typer.Argument(help="Whose checkpoint it is, as in `bonefide ls papers`.")],
    official: Annotated[Path, typer.Argument(help="The official file.")],
    out: Annotated[Path, typer.Argument(help="Where it goes: a .safetensors file, or a folder.")],
    *,
    recipe: Annotated[str, typer.Option(help="How it was trained; the first recipe it fits, if left out.")] = "",
    stream: Annotated[
        str,
        typer.Option(help="What it was trained on: joint, bone, joint_motion or bone_motion; or an image, such as gd."),
    ] = "joint",
) -> None:
    """Convert an official checkpoint; nothing in the file is executed, and every key must have its place.

    Where a recipe fits, class names, layout, preparation and transform go with the weights, as `bonefide predict`
    needs them.
    """
    from bonefide.conversion import convert as convert_file
    from bonefide.hub.recognizer import Recognizer

    weights = convert_file(paper, official)
    size = f"{len(weights)} tensors, {sum(each.numel() for each in weights.values()):,} numbers: {out}"
    found, others = _recipe(paper, recipe, stream, weights)
    if found is None:
        _write_alone(paper, weights, out)
        typer.echo(
            f"{size}\nno recipe fits the stream '{stream}', so these are weights alone, without class names and "
            "transform; what weights do not tell is said by --stream"
        )
        return
    origin = {"paper": paper, "file": official.name, "sha256": hashlib.sha256(official.read_bytes()).hexdigest()}
    recognizer = Recognizer.from_weights(weights, found, origin=origin)
    if out.suffix == ".safetensors":
        recognizer.save(out)
    else:
        recognizer.save_pretrained(out)
    config = recognizer.config
    seen = f"the {config.stream} stream" if config.images is None else f"images of {', '.join(config.images)}"
    typer.echo(
        f"{size}\nrecognises {len(config.classes)} classes of {config.dataset} from {seen}, "
        f"prepared by {config.preparation}, as the recipe {found.name} says"
    )
    if others:
        typer.echo(f"the weights fit {', '.join(others)} as well and cannot tell; say by --recipe which it was")


def _recipe(paper: str, name: str, stream: str, weights: dict[str, Tensor]) -> tuple[Recipe | None, list[str]]:
    """The recipe asked for or the first that fits, and names of further ones that fit."""
    from bonefide.config import load
    from bonefide.errors import DataError
    from bonefide.hub.fitting import fitting_recipes, runs_of

    if not name:
        fitting = list(fitting_recipes(paper, weights, stream=stream))
        return (fitting[0] if fitting else None), [each.name for each in fitting[1:]]
    # Of several images come last: where a stream is asked for, it is a network of that alone.
    runs = sorted(runs_of(load.recipe(name), stream), key=lambda run: len(run.data.images or ()))
    found = runs[0] if runs else None
    if found is None:
        raise DataError(f"the recipe {name} has no run of the stream '{stream}'")
    return found, []


def _write_alone(paper: str, weights: dict[str, Tensor], out: Path) -> None:
    from safetensors.torch import save

    file = out if out.suffix == ".safetensors" else out / "model.safetensors"
    write_file(file, save({name: value.contiguous() for name, value in weights.items()}, {"paper": paper}))
