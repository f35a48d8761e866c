# SPDX-License-Identifier: Apache-2.0
"""The card of a probe: what frozen features are good for on a data set, and how that was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from bonefide.errors import RunError
from bonefide.evaluation._content import dataset_title, paper_name
from bonefide.evaluation._summary import Figure
from bonefide.writing import write_file

__all__ = ["CLASSIFIERS", "ProbeCard", "is_probe_card", "load_probe_card", "probes_markdown", "save_probe_card"]

CLASSIFIERS = ("1-NN", "5-NN", "linear")
"""In the order of the table."""

_KIND = "probe"
_COLUMNS = ("paper", "network", "weights", *CLASSIFIERS, "seeds", "C", "frames", "inferred joints")


@dataclass(frozen=True)
class ProbeCard:
    """Accuracies of simple classifiers on a frozen network's features. All in percent.

    Args:
        paper: key of the network's paper, "" if unknown.
        network: recipe that says how it was trained, or would be.
        weights: "trained", or "untrained" for the same network before any training.
        statistics: of the batch norms: "own" as the weights say, for untrained ones mean 0 and variance 1; "measured"
            on the training samples.
        seed: of untrained weights; None of trained ones.
        dataset: name of the data set that is classified.
        protocol: who trains the classifiers and who tests.
        stored: preparation of the store.
        preparation: what prepared its sequences once more for the network, "" if nothing did.
        inferred: names of the joints that were not measured.
        frames: clip length the network saw; 0 if clips differ.
        features: how many D.
        train_samples: size of the training part.
        test_samples: size of the test part.
        accuracy: top-1 of each of `CLASSIFIERS`.
        balanced: mean of the classes' accuracies, likewise.
        strength: C of the linear classifier.
        held_out: its accuracy on the training samples held out to choose C.
        chosen: how C was chosen, in words.
        seconds: time of it all.
        hashes: digests of "split" and "preparation".
        environment: versions, device.
        kind: tells these cards from those of runs.
    """

    paper: str
    network: str
    weights: Literal["trained", "untrained"]
    statistics: Literal["own", "measured"]
    seed: int | None
    dataset: str
    protocol: str
    stored: str
    preparation: str
    inferred: tuple[str, ...]
    frames: int
    features: int
    train_samples: int
    test_samples: int
    accuracy: dict[str, float]
    balanced: dict[str, float]
    strength: float
    held_out: float
    chosen: str
    seconds: float = 0.0
    hashes: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    kind: Literal["probe"] = "probe"


def save_probe_card(card: ProbeCard, file: Path) -> None:
    """Write a card as JSON, all or nothing.

    Raises:
        OutputError: if the place cannot be written.
    """
    write_file(file, json.dumps(asdict(card), indent=1) + "\n")


def is_probe_card(file: Path) -> bool:
    """Whether a file says that it is one of these cards."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == _KIND


def load_probe_card(file: Path) -> ProbeCard:
    """Read a card.

    Raises:
        RunError: if the file is no such card.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["kind"] != _KIND or not all(name in content["accuracy"] for name in CLASSIFIERS):
            raise ValueError("it holds no probe")
        return ProbeCard(**{**content, "inferred": tuple(content["inferred"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{file}: not the card of a probe ({error})") from error


def probes_markdown(cards: Sequence[ProbeCard]) -> str:
    """A section a data set, in an order that depends on the cards alone; nothing if there are none.

    Args:
        cards: those that differ by their seed only share a line.

    Example:
        >>> probes_markdown([])
        ''
    """
    lines: list[str] = []
    unique = {json.dumps(asdict(card), sort_keys=True): card for card in cards}.values()
    for (dataset, protocol, tested), group in groupby(sorted(unique, key=_order), key=_section):
        rows = list(group)
        chosen = "; ".join(dict.fromkeys(f"{card.train_samples} training samples, {card.chosen}" for card in rows))
        lines += ["", f"## {dataset_title(dataset)}, {protocol}: frozen features", ""]
        lines += [
            "Simple classifiers on the pooled features of networks that learned from other data and are not trained "
            f"here; top-1 in percent on {tested} test samples, mean ± sample standard deviation over seeds. C of the "
            f"linear classifier is chosen without them ({chosen}).",
            "",
            _row(_COLUMNS),
            "|---|---|---|" + "---:|" * len(CLASSIFIERS) + "---|---|---:|---|",
        ]
        lines += [_row(_cells(list(alike))) for _, alike in groupby(rows, key=_repeated)]
    return "\n".join(lines) + "\n" * bool(lines)


def _cells(cards: list[ProbeCard]) -> list[str]:
    first = cards[0]
    seeds = [card.seed for card in cards if card.seed is not None]
    return [
        paper_name(first.paper),
        first.network,
        _weights(first),
        *(str(Figure.of(card.accuracy[name] for card in cards)) for name in CLASSIFIERS),
        f"{len(seeds)} ({', '.join(map(str, seeds))})" if seeds else "\u2013",
        ", ".join(f"{each:g}" for each in sorted({card.strength for card in cards})),
        str(first.frames or "of the clip"),
        str(len(first.inferred)),
    ]


def _weights(card: ProbeCard) -> str:
    if card.statistics == "measured":
        return f"{card.weights}, norms measured on the training part"
    return card.weights if card.weights == "trained" else "untrained, norms as they start"


def _section(card: ProbeCard) -> tuple[str, str, int]:
    return card.dataset, card.protocol, card.test_samples


def _repeated(card: ProbeCard) -> tuple[object, ...]:
    made = (card.stored, card.preparation, card.inferred, card.frames, card.features)
    return *_section(card), card.paper, card.weights, card.statistics, card.network, *made


def _order(card: ProbeCard) -> tuple[object, ...]:
    return *_repeated(card), -1 if card.seed is None else card.seed, json.dumps(asdict(card), sort_keys=True)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
