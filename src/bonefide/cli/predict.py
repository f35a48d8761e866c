# SPDX-License-Identifier: Apache-2.0
"""`bonefide predict`: what happens in recordings, by a trained network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bonefide.data.store_info import LeftOut
    from bonefide.hub.recognizer import Recognizer
    from bonefide.types import SkeletonSequence

__all__ = ["predict"]

_TOGETHER = 16
_Say = Callable[[list["SkeletonSequence"]], Iterator[tuple[dict[str, Any], list[str]]]]
"""From sequences to what is found in each, and to lines that tell it."""


def predict(
    weights: Annotated[Path, typer.Argument(help="Folder of a run or recogniser, or a .safetensors file of one.")],
    sources: Annotated[list[str], typer.Argument(help="Raw files, archives or folders; or a store, then its samples.")],
    *,
    top: Annotated[int, typer.Option(help="So many of the likeliest classes.", min=1)] = 5,
    labels: Annotated[
        str | None,
        typer.Option(help="Names of your own to choose among, a, b or 'a: description; b'; for zero-shot networks."),
    ] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="One of the labels it must be, however badly it fits.")
    ] = False,
    layout: Annotated[str | None, typer.Option(help="Of the raw joints, for formats that do not say it.")] = None,
    format: Annotated[str | None, typer.Option(help="Raw format; recognised if left out.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Import networks of other packages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Name the actions in raw recordings of any format, or in samples of a store.

    Raw recordings are prepared as those were that the network learned from. A zero-shot network also takes names of
    your own, and says "none of these" when a class it was trained on fits better, or nothing fits.
    """
    from bonefide.cli._device import computing_device
    from bonefide.data.store_info import LeftOut
    from bonefide.errors import DataError
    from bonefide.hub.recognizer import Recognizer

    if closed and labels is None:
        raise DataError("--closed is about --labels: give names to choose among")
    recognizer = Recognizer.load(weights, device=computing_device(device), trust_code=trust_code)
    say = _chooser(recognizer, labels, open_world=not closed) if labels is not None else _ranker(recognizer, top)
    left_out: list[LeftOut] = []
    predictions: list[dict[str, Any]] = []

    def readable() -> Iterator[SkeletonSequence]:
        for each in _sequences(recognizer, sources, layout=layout, format=format):
            if isinstance(each, LeftOut):
                left_out.append(each)
                typer.echo(f"left out: {each.reason}", err=True)
            else:
                yield each

    following = readable()
    while together := list(islice(following, _TOGETHER)):
        for found, lines in say(together):
            predictions.append(found)
            if not as_json:
                typer.echo("\n".join(lines))
    if not predictions:
        raise DataError(f"nothing to recognise: {left_out[0].reason if left_out else 'no recording is there'}")
    if as_json:
        faults = [{"name": each.member, "code": each.code, "reason": each.reason} for each in left_out]
        typer.echo(json.dumps({"weights": str(weights), "predictions": predictions, "left_out": faults}))


def _ranker(recognizer: Recognizer, count: int) -> _Say:
    """The likeliest of the classes it was trained on, with their probabilities."""

    def say(together: list[SkeletonSequence]) -> Iterator[tuple[dict[str, Any], list[str]]]:
        for sequence, probabilities in zip(together, recognizer.scores(together), strict=True):
            found = _top(recognizer, probabilities, count)
            lines = [f"  {100 * each['probability']:6.2f} %  {each['class']}" for each in found]
            yield {"name": sequence.name, "top": found}, [f"{sequence.name}: {found[0]['class']}", *lines]

    return say


def _chooser(recognizer: Recognizer, labels: str, *, open_world: bool) -> _Say:
    """One of the user's labels or none, with the scores of all."""
    from bonefide.serving.naming import Namer
    from bonefide.text.labels import split_labels

    namer = Namer(recognizer, split_labels(labels), open_world=open_world)

    def say(together: list[SkeletonSequence]) -> Iterator[tuple[dict[str, Any], list[str]]]:
        for each in namer(together):
            nearest = f" (most like: {each.nearest})" if each.nearest not in each.scores else ""
            title = f"{each.name}: {each.label or f'none of these{nearest}'}"
            ranked = sorted(each.scores.items(), key=lambda item: -item[1])
            yield each._asdict(), [title, *(f"  {score:8.4f}  {label}" for label, score in ranked)]

    return say


def _sequences(
    recognizer: Recognizer, sources: list[str], *, layout: str | None, format: str | None
) -> Iterator[SkeletonSequence | LeftOut]:
    from bonefide.data.write_store import is_store

    if is_store(Path(sources[0])):
        yield from _of_store(recognizer, Path(sources[0]), sources[1:])
        return
    for source in sources:
        yield from recognizer.prepare(source, layout=layout, format=format)


def _of_store(recognizer: Recognizer, place: Path, samples: list[str]) -> Iterator[SkeletonSequence]:
    from bonefide.data.store import open_store
    from bonefide.errors import DataError

    store, config = open_store(place), recognizer.config
    if (store.info.preparation, dict(store.info.options)) != (config.preparation, config.options):
        raise DataError(
            f"{place} was prepared by {store.info.preparation} {dict(store.info.options) or ''}, these weights learned "
            f"from {config.preparation} {config.options or ''}; prepare the recordings so, or give the raw files"
        )
    for sample in samples or store.names.tolist():
        yield store[sample]


def _top(recognizer: Recognizer, probabilities: Any, count: int) -> list[dict[str, Any]]:
    order = (-probabilities).argsort(kind="stable")[:count].tolist()
    return [
        {"class": recognizer.classes[label], "label": label, "probability": float(probabilities[label])}
        for label in order
    ]
