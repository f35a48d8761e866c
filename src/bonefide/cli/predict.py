# SPDX-License-Identifier: Apache-2.0
"""`bonefide predict`: what happens in recordings, by a trained network."""

from __future__ import annotations

import json
from collections.abc import Iterator
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


def predict(
    weights: Annotated[Path, typer.Argument(help="Folder of a run or recogniser, or a .safetensors file of one.")],
    sources: Annotated[list[str], typer.Argument(help="Raw files, archives or folders; or a store, then its samples.")],
    *,
    top: Annotated[int, typer.Option(help="So many of the likeliest classes.", min=1)] = 5,
    layout: Annotated[str | None, typer.Option(help="Of the raw joints, for formats that do not say it.")] = None,
    format: Annotated[str | None, typer.Option(help="Raw format; recognised if left out.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Import networks of other packages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Name the actions in raw recordings of any format, or in samples of a store.

    Raw recordings are prepared as those were that the network learned from.
    """
    from bonefide.data.store_info import LeftOut
    from bonefide.errors import DataError
    from bonefide.hub.recognizer import Recognizer
    from bonefide.training.devices import resolve_device

    recognizer = Recognizer.load(weights, device=resolve_device(device), trust_code=trust_code)
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
        for sequence, probabilities in zip(together, recognizer.scores(together), strict=True):
            found = _top(recognizer, probabilities, top)
            predictions.append({"name": sequence.name, "top": found})
            if not as_json:
                _print(sequence.name, found)
    if not predictions:
        raise DataError(f"nothing to recognise: {left_out[0].reason if left_out else 'no recording is there'}")
    if as_json:
        faults = [{"name": each.member, "code": each.code, "reason": each.reason} for each in left_out]
        typer.echo(json.dumps({"weights": str(weights), "predictions": predictions, "left_out": faults}))


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


def _print(name: str, found: list[dict[str, Any]]) -> None:
    typer.echo(f"{name}: {found[0]['class']}")
    for each in found:
        typer.echo(f"  {100 * each['probability']:6.2f} %  {each['class']}")
