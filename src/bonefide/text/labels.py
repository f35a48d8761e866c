# SPDX-License-Identifier: Apache-2.0
"""Names of actions a user gives, as texts: what is to be recognised, in the user's own words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bonefide.errors import DataError, UnknownNameError
from bonefide.text.bank import TextBank
from bonefide.text.descriptions import KINDS, Description, described, descriptions, provenance
from bonefide.text.embed import embed
from bonefide.text.encode import TextEncoder

__all__ = ["bank_of_labels", "split_labels"]


def split_labels(text: str) -> tuple[str, ...]:
    """Labels of one line: with semicolons between, or else with commas.

    Example:
        >>> split_labels("wave, fall down")
        ('wave', 'fall down')
        >>> split_labels("wave: a hand is raised, then swung; fall down")
        ('wave: a hand is raised, then swung', 'fall down')
    """
    parts = text.split(";" if ";" in text else ",")
    return tuple(part.strip() for part in parts if part.strip())


def bank_of_labels(
    labels: Sequence[str],
    kinds: Sequence[str] = tuple(KINDS),
    encoder: str | TextEncoder = "minilm",
    like: str | None = None,
) -> TextBank:
    """Encode names of actions, live.

    A name that a data set of the package describes is encoded by that description, of every kind. A description that is
    given with the name stands for all kinds but the name. A name alone stands for itself.

    Args:
        labels: "name" or "name: description", K of them.
        kinds: of sentences.
        encoder: its name, as `bonefide.text.encode.text_encoder` takes it, or the encoder itself.
        like: data set whose descriptions come first; the others of the package follow.

    Raises:
        DataError: if there are no labels, or a name comes twice.
        UnknownNameError: if there is no such kind.

    Example:
        >>> import numpy as np
        >>> class Lengths:
        ...     name, origin = "lengths", {"model": "none"}
        ...
        ...     def __call__(self, sentences):
        ...         return np.array([[len(each)] for each in sentences], dtype=np.float32)
        ...
        ...     def too_long(self, sentences):
        ...         return 0
        >>> bank = bank_of_labels(["drink water", "yodel", "moonwalk: sliding backwards"], ["motion"], Lengths())
        >>> bank.classes
        ('drink water', 'yodel', 'moonwalk')
        >>> bank.prompts["motion"][1:]
        (('yodel',), ('sliding backwards',))
    """
    given = [_parted(label) for label in labels]
    _check([name for name, _ in given], kinds)
    order = [like, *described()] if like in described() else list(described())
    known = _known(str(dataset) for dataset in order)
    sentences = {
        kind: [_sentences(name, words, known.get(_plain(name)), kind) for name, words in given] for kind in kinds
    }
    ours = any(not words and _plain(name) in known for name, words in given)
    told = "given by the user" + (f"; others {provenance(described()[0])['sentences']}" if ours else "")
    return embed([name for name, _ in given], sentences, encoder, origin={"sentences": told})


def _parted(label: str) -> tuple[str, str]:
    name, _, words = label.partition(": ")
    return name.strip(" :"), words.strip()


def _plain(name: str) -> str:
    return " ".join(name.lower().split())


def _check(names: Sequence[str], kinds: Sequence[str]) -> None:
    if not names or not all(names):
        raise DataError("no labels: give names of actions, as in 'waving, falling down, drinking'")
    twice = sorted({name for name in names if [_plain(each) for each in names].count(_plain(name)) > 1})
    if twice:
        raise DataError(f"labels come twice: {', '.join(twice)}; give each once")
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kinds of sentences", kind, KINDS)


def _known(order: Iterable[str]) -> dict[str, Description]:
    found: dict[str, Description] = {}
    for dataset in order:
        for each in descriptions(dataset):
            found.setdefault(_plain(each.name), each)
    return found


def _sentences(name: str, words: str, known: Description | None, kind: str) -> tuple[str, ...]:
    if kind == "name":
        return (name,)
    if words:
        sentence = words if kind in {"definition", "motion"} else f"{name}, {words}"
        return (sentence,) * KINDS[kind]
    return known.sentences(kind) if known is not None else (name,) * KINDS[kind]
