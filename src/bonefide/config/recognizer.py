# SPDX-License-Identifier: Apache-2.0
"""What turns weights into a recogniser: from a recording to a clip, to a network, to the name of a class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bonefide import layouts
from bonefide.config.build import class_split_of, texts_of
from bonefide.config.components import asks_for, component, create
from bonefide.config.recipe import Component, Descriptor, Recipe, Stream
from bonefide.data import datasets
from bonefide.data.class_splits import ClassSplit
from bonefide.data.preparation import preparation
from bonefide.data.raw import reader
from bonefide.data.store_info import Option, StoreInfo
from bonefide.data.write_descriptors import SIZE
from bonefide.errors import BonefideError, DataError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.text.bank import TextBank
from bonefide.transforms import Compose

__all__ = ["RecognizerConfig", "ZeroShotFacts", "config_of_recipe", "config_of_run"]

_PERSONS = {"ntu": 2, "pkummd": 2}
"""Person slots of the preparations of raw formats that show several persons; the others show one."""
_LONG = 300
_Size = Annotated[int, Field(ge=1)]


class ZeroShotFacts(BaseModel):
    """What a method that reads texts was trained with; the texts themselves lie among its weights.

    Args:
        split: name of the class split.
        seen: classes with training samples.
        unseen: classes without.
        encoder: name of the text encoder.
        width: of its vectors.
        sentences: kind of sentence to how many each class has.
        gamma: what is taken from the scores of seen classes when all classes compete, chosen in a rehearsal; else 0.
        floor: the score that nineteen of twenty samples of classes it had not seen reached in a rehearsal with their
            own class; None without one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: str
    seen: tuple[int, ...]
    unseen: tuple[int, ...]
    encoder: str
    width: _Size
    sentences: dict[str, _Size]
    gamma: float = 0.0
    floor: float | None = None

    @classmethod
    def of(cls, split: ClassSplit, texts: TextBank) -> ZeroShotFacts:
        """Of a training."""
        sentences = {kind: vectors.shape[1] for kind, vectors in texts.embeddings.items()}
        return cls(
            split=split.name,
            seen=split.seen,
            unseen=split.unseen,
            encoder=texts.encoder,
            width=texts.width,
            sentences=sentences,
        )

    def given(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """What constructors ask for, with zeros for the texts that come with the weights."""
        blank = {
            kind: np.zeros((len(classes), count, self.width), np.float32) for kind, count in self.sentences.items()
        }
        return {
            "texts": TextBank(classes, blank, {}, self.encoder),
            "classes": ClassSplit(self.split, self.seen, self.unseen),
        }


class RecognizerConfig(BaseModel):
    """All that weights alone do not say; `config.json` of a recogniser.

    Args:
        encoder: component, as in a recipe.
        method: likewise.
        transform: the test chain of the recipe.
        stream: for transforms that ask for it.
        layout: name of the joints' layout, or its facts if it is not one of the package's.
        images: descriptors whose images it sees instead of clips, or None.
        corrected: whether those are without the mistakes of the official code.
        in_channels: coordinates C, or colours of an image.
        persons: person slots M; 1 for images.
        frames: clip length T behind the transform, or rows and columns of an image.
        dataset: whose classes these are.
        preparation: of the sequences.
        version: of that preparation.
        options: of that preparation.
        classes: names; the place is the label.
        zero_shot: of a method that reads texts, or None.
        origin: where the weights come from, in words; nothing depends on it.
        format: version of this form.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: Component
    method: Component
    transform: tuple[Component, ...]
    stream: Stream
    layout: str | dict[str, Any]
    in_channels: _Size
    persons: _Size
    frames: _Size
    dataset: str
    preparation: str
    version: int
    options: dict[str, Option]
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    images: Annotated[tuple[Descriptor, ...], Field(min_length=1)] | None = None
    corrected: bool = False
    zero_shot: ZeroShotFacts | None = None
    origin: dict[str, str] = Field(default_factory=dict)
    format: Literal[1] = 1

    @classmethod
    def from_json(cls, text: str | bytes, *, place: object) -> RecognizerConfig:
        """Read it.

        Args:
            text: JSON.
            place: where it stands, for messages.

        Raises:
            DataError: if it is damaged or of another version.
        """
        try:
            found = cls.model_validate_json(text)
            found.skeleton  # noqa: B018  # whether it can be made
        except (ValidationError, BonefideError, KeyError, TypeError, ValueError) as error:
            faults = error.errors() if isinstance(error, ValidationError) else []
            first = f" ({'.'.join(map(str, faults[0]['loc']))}: {faults[0]['msg']})" if faults else f" ({error})"
            raise DataError(f"{place} does not describe a recogniser of this version of bonefide{first}") from None
        return found

    def to_json(self) -> str:
        """The text of `config.json`."""
        return self.model_dump_json(indent=1) + "\n"

    @property
    def skeleton(self) -> SkeletonLayout:
        """Layout of the joints."""
        return layouts.layout(self.layout) if isinstance(self.layout, str) else layouts.layout_from_facts(self.layout)

    @property
    def given(self) -> dict[str, Any]:
        """What constructors of encoders and methods may ask for."""
        texts = {} if self.zero_shot is None else self.zero_shot.given(self.classes)
        if self.zero_shot is not None:
            # These too come with the weights, if any do.
            sizes = (len(self.zero_shot.unseen), self.in_channels, self.frames, len(self.skeleton.joints), self.persons)
            texts["exemplars"] = np.zeros(sizes, np.float32)
        return texts | {
            "layout": self.skeleton,
            "images": self.images,
            "in_channels": self.in_channels,
            "frames": self.frames,
            "persons": self.persons,
            "num_classes": len(self.classes),
        }

    @property
    def foreign(self) -> tuple[str, ...]:
        """Components from outside the package, whose code would be imported."""
        return tuple(each.name for each in (self.encoder, self.method, *self.transform) if ":" in each.name)

    def chain(self) -> Compose:
        """The transform."""
        return _chain(self.transform, self.skeleton, self.stream)


def config_of_run(
    recipe: Recipe,
    info: StoreInfo,
    clip: tuple[int, ...],
    *,
    origin: Mapping[str, str],
    split: ClassSplit | None = None,
    texts: TextBank | None = None,
) -> RecognizerConfig:
    """Of a training.

    Args:
        recipe: of a single run.
        info: facts of the store it is trained on; its classes are those the network knows.
        clip: (C, T, V, M) of its clips, or (I, C, H, W) of its images.
        origin: in words.
        split: which classes are seen, of a method that reads texts.
        texts: about the classes, likewise.
    """
    return RecognizerConfig(
        encoder=recipe.encoder,
        method=_at_test(recipe.method),
        transform=recipe.data.test,
        stream=recipe.data.stream,
        images=recipe.data.images,
        corrected=recipe.data.corrected,
        layout=info.layout if info.skeleton is None else dict(info.skeleton),
        **_sizes(recipe, clip),
        dataset=info.dataset,
        preparation=info.preparation,
        version=info.version,
        options=dict(info.options),
        classes=info.classes,
        zero_shot=None if split is None or texts is None else ZeroShotFacts.of(split, texts),
        origin=dict(origin),
    )


def config_of_recipe(recipe: Recipe, *, origin: Mapping[str, str]) -> RecognizerConfig:
    """Of weights that were trained elsewhere, as the recipe says.

    Args:
        recipe: of a single run.
        origin: in words.

    Raises:
        ShapeError: if its data set has no classes of its own.
    """
    info = datasets.info(recipe.data.dataset)
    if not info.classes:
        raise ShapeError(f"the recipe {recipe.name} is for one's own data, which says nothing about classes")
    raw, usual = next(iter(info.preparations.items()))
    name = recipe.data.preparation or usual
    step = preparation(name, info.options.get(name, {}))
    options: dict[str, Option] = {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}  # type: ignore[arg-type]
    skeleton = layouts.layout(step.layout or str(reader(raw).layout))
    sequence = (_PERSONS.get(raw, 1), _LONG, len(skeleton.joints), reader(raw).channels)
    shown = _shown(recipe, sequence, skeleton)
    classes, zero_shot = _known_classes(recipe)
    return RecognizerConfig(
        encoder=recipe.encoder,
        method=_at_test(recipe.method),
        transform=recipe.data.test,
        stream=recipe.data.stream,
        images=recipe.data.images,
        corrected=recipe.data.corrected,
        layout=skeleton.name,
        **_sizes(recipe, shown),
        dataset=info.name,
        preparation=name,
        version=step.version,
        options=options,
        classes=classes,
        zero_shot=zero_shot,
        origin=dict(origin),
    )


def _known_classes(recipe: Recipe) -> tuple[tuple[str, ...], ZeroShotFacts | None]:
    """Class names, and what a method that reads texts is to know of them; any other method knows seen classes only."""
    classes = datasets.info(recipe.data.dataset).classes
    if recipe.data.classes is None:
        return classes, None
    split = class_split_of(recipe)
    if asks_for("methods", recipe.method.name, "classes"):
        return classes, ZeroShotFacts.of(split, texts_of(recipe))
    return tuple(classes[label] for label in split.seen), None


def _shown(recipe: Recipe, sequence: tuple[int, ...], skeleton: SkeletonLayout) -> tuple[int, ...]:
    """Shape of what a network sees of a sequence (M, T, V, C)."""
    if recipe.data.images is not None:
        return len(recipe.data.images), 3, SIZE, SIZE
    clip = np.random.default_rng(0).normal(size=sequence).transpose(3, 1, 2, 0)
    return _chain(recipe.data.test, skeleton, recipe.data.stream)(clip, np.random.default_rng(0)).shape


def _sizes(recipe: Recipe, shown: tuple[int, ...]) -> dict[str, Any]:
    if recipe.data.images is not None:
        return {"in_channels": shown[1], "frames": shown[2], "persons": 1}
    return {"in_channels": shown[0], "frames": shown[1], "persons": shown[3]}


def _at_test(method: Component) -> Component:
    """What is left of a method when it has been trained."""
    left: str | None = getattr(component("methods", method.name), "recognizes_as", None)
    return method if left is None else Component(name=left)


def _chain(asked: tuple[Component, ...], skeleton: SkeletonLayout, stream: Stream) -> Compose:
    given = {"layout": skeleton, "stream": stream}
    return Compose(tuple(create("transforms", each, given) for each in asked))
