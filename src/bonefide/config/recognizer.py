# SPDX-License-Identifier: Apache-2.0
"""What turns weights into a recogniser: from a recording to a clip, to a network, to the name of a class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bonefide import layouts
from bonefide.config.components import component, create
from bonefide.config.recipe import Component, Recipe, Stream
from bonefide.data import datasets
from bonefide.data.preparation import preparation
from bonefide.data.raw import reader
from bonefide.data.store_info import Option, StoreInfo
from bonefide.errors import BonefideError, DataError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.transforms import Compose

__all__ = ["RecognizerConfig", "config_of_recipe", "config_of_run"]

_PERSONS = {"ntu": 2, "pkummd": 2}
"""Person slots of the preparations of raw formats that show several persons; the others show one."""
_LONG = 300
_Size = Annotated[int, Field(ge=1)]


class RecognizerConfig(BaseModel):
    """All that weights alone do not say; `config.json` of a recogniser.

    Args:
        encoder: component, as in a recipe.
        method: likewise.
        transform: the test chain of the recipe.
        stream: for transforms that ask for it.
        layout: name of the joints' layout, or its facts if it is not one of the package's.
        in_channels: coordinates C.
        persons: person slots M.
        frames: clip length T behind the transform.
        dataset: whose classes these are.
        preparation: of the sequences.
        version: of that preparation.
        options: of that preparation.
        classes: names; the place is the label.
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
        return {
            "layout": self.skeleton,
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
    recipe: Recipe, info: StoreInfo, clip: tuple[int, ...], *, origin: Mapping[str, str]
) -> RecognizerConfig:
    """Of a training.

    Args:
        recipe: of a single run.
        info: facts of the store it is trained on.
        clip: (C, T, V, M) of its clips.
        origin: in words.
    """
    return RecognizerConfig(
        encoder=recipe.encoder,
        method=_at_test(recipe.method),
        transform=recipe.data.test,
        stream=recipe.data.stream,
        layout=info.layout if info.skeleton is None else dict(info.skeleton),
        in_channels=clip[0],
        persons=clip[3],
        frames=clip[1],
        dataset=info.dataset,
        preparation=info.preparation,
        version=info.version,
        options=dict(info.options),
        classes=info.classes,
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
    persons, channels = _PERSONS.get(raw, 1), reader(raw).channels
    clip = np.random.default_rng(0).normal(size=(channels, _LONG, len(skeleton.joints), persons))
    shown = _chain(recipe.data.test, skeleton, recipe.data.stream)(clip, np.random.default_rng(0))
    return RecognizerConfig(
        encoder=recipe.encoder,
        method=_at_test(recipe.method),
        transform=recipe.data.test,
        stream=recipe.data.stream,
        layout=skeleton.name,
        in_channels=shown.shape[0],
        persons=persons,
        frames=shown.shape[1],
        dataset=info.name,
        preparation=name,
        version=step.version,
        options=options,
        classes=info.classes,
        origin=dict(origin),
    )


def _at_test(method: Component) -> Component:
    """What is left of a method when it has been trained."""
    left: str | None = getattr(component("methods", method.name), "recognizes_as", None)
    return method if left is None else Component(name=left)


def _chain(asked: tuple[Component, ...], skeleton: SkeletonLayout, stream: Stream) -> Compose:
    given = {"layout": skeleton, "stream": stream}
    return Compose(tuple(create("transforms", each, given) for each in asked))
