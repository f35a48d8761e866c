# SPDX-License-Identifier: Apache-2.0
"""`bonefide draw`: a sample as a picture or an animation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore
    from bonefide.evaluation.pretraining import Picture
    from bonefide.types import SkeletonSequence

__all__ = ["draw"]


def draw(
    store: Annotated[Path, typer.Argument(help="Folder of the store.")],
    sample: Annotated[str, typer.Argument(help="Name of a sample, or its row, 0-based.")],
    out: Annotated[Path, typer.Argument(help="File to write: .gif moves, .png shows frames side by side.")],
    *,
    frames: Annotated[
        int | None, typer.Option(help="Draw at most so many frames. (default: 8 in a PNG, 150 in a GIF)", min=1)
    ] = None,
    size: Annotated[int, typer.Option(help="Height of a frame in pixels.", min=32, max=4096)] = 320,
    fps: Annotated[float, typer.Option(help="Frames per second of the recording.", min=0.1)] = 30.0,
    descriptors: Annotated[
        bool, typer.Option("--descriptors", help="Below the frames of a .png, the images of its descriptors.")
    ] = False,
    corrected: Annotated[
        bool, typer.Option("--corrected", help="Those images without the mistakes of the official code.")
    ] = False,
    prime: Annotated[
        Path | None,
        typer.Option(help="Run or weights of STJD-MP or STJD-CL: mark the joints they find prime, in a .png."),
    ] = None,
    hidden: Annotated[
        Path | None,
        typer.Option(help="Run or weights of MAE, MAMP or STJD-MP: hide tokens, and show where they are guessed."),
    ] = None,
    attention: Annotated[
        Path | None,
        typer.Option(
            help="Run or weights whose encoder is masked_transformer: colour joints by the attention they get."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw a sample of a store, seen from the front wherever its camera stood."""
    from bonefide.data.store import open_store
    from bonefide.errors import DataError
    from bonefide.visualization.descriptors import draw_descriptors
    from bonefide.visualization.drawing import draw as draw_sequence

    if corrected and not descriptors:
        raise DataError("--corrected is for --descriptors")
    places: dict[Picture, Path | None] = {"prime": prime, "hidden": hidden, "attention": attention}
    asked = {picture: place for picture, place in places.items() if place is not None}
    if len(asked) + descriptors > 1:
        raise DataError("--descriptors, --prime, --hidden and --attention are pictures of their own: give one of them")
    opened = open_store(store)
    sequence = opened[_named(opened, sample)]
    if asked:
        picture, place = asked.popitem()
        file = _draw_seen(sequence, picture, place, out, frames=frames or 8, size=size)
    elif descriptors:
        file = draw_descriptors(sequence, opened.layout, out, corrected=corrected, frames=frames or 8, size=size)
    else:
        file = draw_sequence(sequence, opened.layout, frames=frames, size=size, fps=fps).save(out)
    label = opened.info.classes[sequence.label]
    if as_json:
        persons, length = sequence.joints.shape[:2]
        facts = {"file": str(file), "sample": sequence.name, "class": label, "persons": persons, "frames": length}
        typer.echo(json.dumps(facts))
    else:
        typer.echo(f"{file}: {sequence.name}, {label}, {sequence.joints.shape[1]} frames")


def _draw_seen(sequence: SkeletonSequence, picture: Picture, place: Path, out: Path, *, frames: int, size: int) -> Path:
    """The clip as the network takes it, not the recording."""
    from bonefide.cli._pretraining import drawn
    from bonefide.errors import OutputError
    from bonefide.hub.recognizer import Recognizer
    from bonefide.writing import write_file

    if out.suffix.lower() != ".png":
        raise OutputError(f"{out}: what a network sees is drawn as a .png")
    write_file(out, drawn(Recognizer.load(place), sequence, picture, frames=frames, size=size))
    return out


def _named(store: SkeletonStore, sample: str) -> str | int:
    """A name, or a row if no sample is called like the number."""
    from bonefide.errors import DataError

    if sample in store.names or not sample.isdecimal():
        return sample
    row = int(sample)
    if row >= len(store):
        raise DataError(f"row {row} is beyond the store, whose {len(store)} samples are rows 0 to {len(store) - 1}")
    return row
