# SPDX-License-Identifier: Apache-2.0
"""What the classes of data sets look like in words: our own sentences, of several kinds, from files of this folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bonefide.errors import DataError, UnknownNameError

__all__ = ["KINDS", "PARTS", "Description", "described", "descriptions", "provenance", "sentences", "source_of"]

PARTS = ("head", "hand", "arm", "hip", "leg", "foot")
"""Parts of the body that are described, in the order of their sentences."""

KINDS: Mapping[str, int] = {
    "name": 1,
    "definition": 1,
    "motion": 1,
    "body_parts": len(PARTS),
    "spatial_coarse": 1,
    "spatial_mid": 1,
    "spatial_fine": 1,
    "temporal_1": 1,
    "temporal_12": 1,
    "temporal_123": 1,
}
"""Kind of sentences to their number P of a class."""

# Data set to the one whose file describes it and to how many of its first classes there are; the classes are the same.
_DESCRIBED: Mapping[str, tuple[str, int | None]] = {
    "ntu60": ("ntu120", 60),
    "ntu120": ("ntu120", None),
    "pkummd1": ("pkummd1", None),
    "pkummd2": ("pkummd1", None),
    "nwucla": ("nwucla", None),
    "utdmhad": ("utdmhad", None),
    "synthetic": ("synthetic", None),
}


@dataclass(frozen=True)
class Description:
    """What is known in words about one class.

    Args:
        name: of the class.
        definition: what it is, one sentence.
        motion: which joints move, and how, one sentence.
        body_parts: what each of `PARTS` does, a phrase each.
        spatial: the pose, told coarsely, more closely, and in detail.
        temporal: what happens first, then, and at last.

    Raises:
        DataError: if a sentence is missing.

    Example:
        >>> wave = descriptions("synthetic")[4]
        >>> wave.name, len(wave.sentences("body_parts"))
        ('wave', 6)
        >>> wave.sentences("temporal_12") == (f"wave, {wave.temporal[0]} {wave.temporal[1]}",)
        True
    """

    name: str
    definition: str
    motion: str
    body_parts: tuple[str, ...]
    spatial: tuple[str, ...]
    temporal: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = (len(self.body_parts), len(self.spatial), len(self.temporal))
        if sizes != (len(PARTS), 3, 3):
            raise DataError(f"class '{self.name}': parts, spatial and temporal need 6, 3, 3 sentences, got {sizes}")
        texts = (self.name, self.definition, self.motion, *self.body_parts, *self.spatial, *self.temporal)
        if not all(text.strip() for text in texts):
            raise DataError(f"class '{self.name}': one of its sentences is empty")

    def sentences(self, kind: str) -> tuple[str, ...]:
        """What is encoded for a kind, P sentences.

        The parts, the pose and the phases of many actions are alike, so the name of the class stands before them.

        Raises:
            UnknownNameError: if there is no such kind.
        """
        alone = {"name": self.name, "definition": self.definition, "motion": self.motion}
        named = {
            "body_parts": self.body_parts,
            "spatial_coarse": self.spatial[:1],
            "spatial_mid": self.spatial[1:2],
            "spatial_fine": self.spatial[2:],
            "temporal_1": (self.temporal[0],),
            "temporal_12": (" ".join(self.temporal[:2]),),
            "temporal_123": (" ".join(self.temporal),),
        }
        if kind in alone:
            return (alone[kind],)
        if kind not in named:
            raise UnknownNameError("kinds of sentences", kind, KINDS)
        return tuple(f"{self.name}, {sentence}" for sentence in named[kind])


def described() -> tuple[str, ...]:
    """Names of the data sets whose classes are described.

    Example:
        >>> described()
        ('ntu60', 'ntu120', 'pkummd1', 'pkummd2', 'nwucla', 'utdmhad', 'synthetic')
    """
    return tuple(_DESCRIBED)


def descriptions(dataset: str) -> tuple[Description, ...]:
    """The classes of a data set in words, in their order.

    Raises:
        UnknownNameError: if its classes are not described.
    """
    source, count = source_of(dataset)
    classes = _content(source)["classes"]
    return tuple(_description(name, facts) for name, facts in list(classes.items())[:count])


def provenance(dataset: str) -> Mapping[str, str]:
    """Who wrote the sentences, and under which licence they may be used.

    Raises:
        UnknownNameError: if the classes of the data set are not described.
    """
    content = _content(source_of(dataset)[0])
    return {"sentences": content["provenance"], "licence": content["licence"]}


def sentences(dataset: str, kinds: Sequence[str] = tuple(KINDS)) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The sentences of a data set to encode.

    Args:
        dataset: one of `described`.
        kinds: of `KINDS`.

    Returns:
        Kind to sentences, K times P.

    Raises:
        UnknownNameError: if the classes of the data set are not described, or there is no such kind.

    Example:
        >>> sentences("nwucla", ["name"])["name"][4]
        ('sit down',)
    """
    classes = descriptions(dataset)
    return {kind: tuple(each.sentences(kind) for each in classes) for kind in kinds}


def source_of(dataset: str) -> tuple[str, int | None]:
    """Whose file describes a data set, and how many of the classes there are its own: the first ones, or all (None).

    Raises:
        UnknownNameError: if its classes are not described.

    Example:
        >>> source_of("ntu60")
        ('ntu120', 60)
    """
    if dataset not in _DESCRIBED:
        raise UnknownNameError("data sets with described classes", dataset, _DESCRIBED)
    return _DESCRIBED[dataset]


@cache
def _content(source: str) -> dict[str, Any]:
    file = resources.files("bonefide.text").joinpath("descriptions", f"{source}.json")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _description(name: str, facts: Mapping[str, Any]) -> Description:
    return Description(
        name,
        facts["definition"],
        facts["motion"],
        tuple(facts["body_parts"][part] for part in PARTS),
        tuple(facts["spatial"]),
        tuple(facts["temporal"]),
    )
