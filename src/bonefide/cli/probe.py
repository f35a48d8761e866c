# SPDX-License-Identifier: Apache-2.0
"""`bonefide probe`: what a frozen network's features are good for on another data set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from bonefide.data.adapt_store import AdaptedStore
    from bonefide.data.protocols import Split
    from bonefide.data.store import SkeletonStore
    from bonefide.evaluation.probe_card import ProbeCard
    from bonefide.hub.recognizer import Recognizer
    from bonefide.types import Array, SkeletonSequence

__all__ = ["probe"]


def probe(
    weights: Annotated[Path, typer.Argument(help="Folder of a run or recogniser, or a .safetensors file of one.")],
    *,
    store: Annotated[Path, typer.Option(help="Store whose samples are classified.")],
    protocol: Annotated[str, typer.Option(help="Who trains and who tests; needed if there are several.")] = "",
    frames: Annotated[int | None, typer.Option(min=1, help="Only so many first frames of every clip.")] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="The same network with fresh weights.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of fresh weights.")] = 0,
    measure_statistics: Annotated[
        bool, typer.Option("--measure-statistics", help="Batch norms take the statistics of the training samples.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips at once.")] = 16,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Import networks of other packages.")] = False,
    out: Annotated[Path | None, typer.Option(help="Store the card (.json) there, for `bonefide report`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Classify a store by the features of a network that learned from other data: nearest neighbours, and linear.

    The joints are converted and prepared as the network knows them. Nothing is chosen with test labels.
    """
    from bonefide.data.protocols import split
    from bonefide.data.store import open_store

    opened = open_store(store)
    name = protocol or _only_protocol(opened)
    parts = split(opened, name)
    _check_parts(opened, parts, name)

    from bonefide.cli._device import computing_device
    from bonefide.evaluation.probe_card import save_probe_card
    from bonefide.hub.recognizer import Recognizer

    recognizer = Recognizer.load(weights, device=computing_device(device), trust_code=trust_code)
    asked = _Asked(name, frames, batch_size, measure_statistics, seed if untrained else None)
    card = _card(recognizer, opened, parts, asked)
    if out is not None:
        save_probe_card(card, out)
    typer.echo(json.dumps(asdict(card), indent=1) if as_json else _words(card, opened))


class _Asked(NamedTuple):
    """`seed` is that of fresh weights, None for those that are there."""

    protocol: str
    frames: int | None
    batch_size: int
    measure: bool
    seed: int | None


def _only_protocol(store: SkeletonStore) -> str:
    from bonefide.errors import DataError

    names = list(store.info.protocols)
    if len(names) != 1:
        known = f"one of {', '.join(names)}" if names else "but it knows none"
        raise DataError(f"{store.path}: say by --protocol who trains and who tests, {known}")
    return names[0]


def _card(recognizer: Recognizer, store: SkeletonStore, parts: Split, asked: _Asked) -> ProbeCard:
    from bonefide.data.protocols import split_digest
    from bonefide.evaluation.probe import linear_probe, nearest_probe
    from bonefide.evaluation.probe_card import ProbeCard

    began = time.perf_counter()
    recognizer = recognizer if asked.seed is None else recognizer.untrained(seed=asked.seed)
    adapted = recognizer.adapt(store)
    train, tested, length = _features(recognizer, adapted, parts, asked)
    linear = linear_probe(train, tested)
    neighbors = {f"{count}-NN": nearest_probe(train, tested, neighbors=count) for count in (1, 5)}
    accuracy, balanced = _accuracies(neighbors | {"linear": linear.predictions}, store.labels[parts.test])
    origin = recognizer.config.origin
    return ProbeCard(
        paper=origin.get("paper", ""),
        network=origin.get("recipe", recognizer.config.encoder.name),
        weights="trained" if asked.seed is None else "untrained",
        statistics="measured" if asked.measure else "own",
        seed=asked.seed,
        dataset=store.info.dataset,
        protocol=asked.protocol,
        stored=store.info.preparation,
        preparation="" if adapted.step is None else recognizer.config.preparation,
        inferred=adapted.inferred,
        frames=length,
        features=tested.shape[1],
        train_samples=len(parts.train),
        test_samples=len(parts.test),
        accuracy=accuracy,
        balanced=balanced,
        strength=linear.strength,
        held_out=linear.held_out,
        chosen=linear.chosen,
        seconds=time.perf_counter() - began,
        hashes={"split": split_digest(store, parts), "preparation": store.info.preparation_digest},
        environment=_environment(recognizer),
    )


def _check_parts(store: SkeletonStore, parts: Split, protocol: str) -> None:
    """Refuse what must fail before minutes are spent on features."""
    from bonefide.errors import DataError

    for part, rows in (("training", parts.train), ("test", parts.test)):
        if not len(rows):
            raise DataError(f"{store.path}: the {part} part of {protocol} holds no samples")
    labels = store.labels[parts.train]
    if (labels == labels[0]).all():
        raise DataError(
            f"{store.path}: all training samples of {protocol} are of class '{store.info.classes[labels[0]]}'; there "
            "is nothing to tell apart"
        )


def _features(recognizer: Recognizer, adapted: AdaptedStore, parts: Split, asked: _Asked) -> tuple[Any, Array, int]:
    """A sheet of the training part, features of the test part, and the length of the clips."""
    from bonefide.cli._progress import Counter
    from bonefide.evaluation.frozen import measure_statistics, pooled_features
    from bonefide.evaluation.probe import Sheet

    store, encoder = adapted.store, recognizer.encoder
    lengths: set[int] = set()
    rows = [parts.train, parts.test]
    with Counter("features") as counter:
        done = _Steps(counter, sum(map(len, rows)) + (len(parts.train) if asked.measure else 0))

        def batches(part: Array) -> Iterator[Any]:
            sequences = _sequences(adapted, part, done)
            for batch in recognizer.batches(sequences, batch_size=asked.batch_size, frames=asked.frames):
                lengths.add(batch.clip.shape[2])
                yield batch

        if asked.measure:
            measure_statistics(encoder, batches(parts.train))
        train, tested = (pooled_features(encoder, batches(part)) for part in rows)
    sheet = Sheet(train, store.labels[parts.train], store.subjects[parts.train])
    return sheet, tested, lengths.pop() if len(lengths) == 1 else 0


class _Steps:
    """Counts samples over several passes."""

    def __init__(self, counter: Any, total: int) -> None:
        self.counter, self.total, self.done = counter, total, 0

    def one_more(self) -> None:
        self.done += 1
        self.counter(self.done, self.total)


def _sequences(adapted: AdaptedStore, rows: Array, steps: _Steps) -> Iterator[SkeletonSequence]:
    for row in rows.tolist():
        yield adapted.sequence(row)
        steps.one_more()


def _accuracies(predictions: dict[str, Array], labels: Array) -> tuple[dict[str, float], dict[str, float]]:
    """Top-1 and the mean of the classes' accuracies, in percent."""
    import numpy as np

    right = {name: 100.0 * (found == labels) for name, found in predictions.items()}
    classes = np.unique(labels)
    return {name: float(each.mean()) for name, each in right.items()}, {
        name: float(np.mean([each[labels == label].mean() for label in classes])) for name, each in right.items()
    }


def _environment(recognizer: Recognizer) -> dict[str, Any]:
    from importlib.metadata import version

    versions = {name: version(name) for name in ("bonefide", "torch", "numpy", "scikit-learn")}
    return {**versions, "device": str(next(recognizer.method.parameters()).device)}


def _words(card: ProbeCard, store: SkeletonStore) -> str:
    own = "" if card.statistics == "own" else ", norms measured on the training part"
    seed = "" if card.seed is None else f" (seed {card.seed})"
    lines = [
        f"{card.network}, {card.weights}{seed}{own}: {card.features} features of {card.train_samples} training and "
        f"{card.test_samples} test samples of {card.dataset}, {card.protocol}"
    ]
    if card.preparation:
        lines.append(f"  {store.info.preparation} prepared once more by {card.preparation}, {card.frames} frames")
    if card.inferred:
        lines.append(f"  {len(card.inferred)} joints are inferred, not measured: {', '.join(card.inferred)}")
    lines += [f"  {name:<6} {accuracy:6.2f} %" for name, accuracy in card.accuracy.items()]
    lines.append(f"  C = {card.strength:g} chosen on {card.chosen} of the training part ({card.held_out:.2f} % there)")
    return "\n".join(lines)
