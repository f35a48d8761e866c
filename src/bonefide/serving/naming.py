# SPDX-License-Identifier: Apache-2.0
"""Actions by names that a user gives: a zero-shot network chooses among them, or says that it was none of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import DataError
from bonefide.hub.recognizer import Recognizer
from bonefide.text.bank import TextBank
from bonefide.text.encode import TextEncoder, text_encoder
from bonefide.text.labels import bank_of_labels
from bonefide.types import Array, SkeletonSequence

__all__ = ["Namer", "Naming"]


class Naming(NamedTuple):
    """What happens in one sequence.

    Args:
        name: of the sequence.
        label: the user's word for it, or None for none of these.
        nearest: the class that fits best, which is a seen one if `label` is None and a class said so.
        scores: of the user's labels, as the method gives them; higher fits better.
    """

    name: str
    label: str | None
    nearest: str
    scores: dict[str, float]


class Namer:
    """Chooses among a user's names of actions.

    The user's names compete with each other and with all classes the network was trained on, from whose scores
    the gamma of its rehearsal is taken. It was none of the user's names if a trained class that is not among them wins,
    or if the winner's score lies below what nineteen of twenty samples of unseen classes reached in the rehearsal.
    A network without a rehearsal has a gamma of 0 and believes any score.

    Args:
        recognizer: a zero-shot network.
        labels: "name" or "name: description". A name of a class it was trained on means that class.
        encoder: of texts, which must be that of its training; loaded by its name if None.
        open_world: whether it may be none of these; else the best of the names is always believed.

    Raises:
        DataError: if the network is not a zero-shot one, there are no labels, or one comes twice.
        InstallationError: if the text encoder is not installed.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        labels: Sequence[str],
        *,
        encoder: TextEncoder | None = None,
        open_world: bool = True,
    ) -> None:
        known = recognizer.config.zero_shot
        if known is None:
            raise DataError(
                f"the method {recognizer.config.method.name} recognises the {len(recognizer.classes)} classes it was "
                "trained with; names of your own need a zero-shot one: smie, pgfa, neuron, star"
            )
        kinds = tuple(recognizer.seen_texts)
        asked = bank_of_labels(labels, kinds, encoder or text_encoder(known.encoder), like=recognizer.config.dataset)
        seen = tuple(recognizer.classes[label] for label in known.seen)
        texts, self.labels = _together(asked, seen, recognizer.seen_texts)
        split = ClassSplit("labels", tuple(range(len(seen))), tuple(range(len(seen), len(texts.classes))))
        self.recognizer = recognizer.about(texts, split)
        self.places = [texts.classes.index(label) for label in self.labels]
        self.floor, self.open_world = known.floor, open_world

    def __call__(self, sequences: Iterable[SkeletonSequence]) -> list[Naming]:
        """Name prepared sequences.

        Raises:
            ShapeError: if a sequence has other joints or coordinates.
        """
        given = list(sequences)
        values = self.recognizer.values(given)
        return [self._named(each.name, row) for each, row in zip(given, values, strict=True)]

    def _named(self, name: str, scores: Array) -> Naming:
        handicapped = scores - self.recognizer.handicap
        best = self.places[int(handicapped[self.places].argmax())]
        winner = int(handicapped.argmax())
        beaten = winner not in self.places or (self.floor is not None and scores[best] < self.floor)
        classes = self.recognizer.classes
        return Naming(
            name,
            None if self.open_world and beaten else classes[best],
            classes[winner],
            {label: float(scores[place]) for label, place in zip(self.labels, self.places, strict=True)},
        )


def _together(asked: TextBank, seen: tuple[str, ...], vectors: dict[str, Array]) -> tuple[TextBank, tuple[str, ...]]:
    """Texts of seen classes, then of the names that are none of them; and the names as those classes are called."""
    called = {_plain(name): name for name in seen}
    labels = tuple(called.get(_plain(name), name) for name in asked.classes)
    rows = [row for row, label in enumerate(labels) if label not in seen]
    if not rows:
        raise DataError("all these names are of classes the network was trained with; give one of another action")
    others = asked.rows(rows)
    embeddings = {kind: np.concatenate([vectors[kind], others.of(kind)]) for kind in vectors}
    return TextBank((*seen, *others.classes), embeddings, {}, asked.encoder, asked.origin), labels


def _plain(name: str) -> str:
    return " ".join(name.lower().split())
