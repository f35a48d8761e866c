# SPDX-License-Identifier: Apache-2.0
"""From a recipe and a store to data, encoder and method: the only place that connects them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bonefide.config.components import check_recipe, component, create
from bonefide.config.recipe import Component, Recipe
from bonefide.data.dataset import SkeletonDataset
from bonefide.data.protocols import Split, carve_validation, split, split_digest
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.transforms import Compose
from bonefide.types import Array

if TYPE_CHECKING:
    from torch import nn

    from bonefide.layouts import SkeletonLayout
    from bonefide.methods._method import Method

__all__ = ["Experiment", "build_data", "build_method", "encoder", "method"]


@dataclass(frozen=True, eq=False)
class Experiment:
    """The data of a run.

    Args:
        train: samples that train.
        test: samples that test.
        validation: samples kept from training to choose with, or None.
        digest: names who trains and who tests.
        classes: class names.
    """

    train: SkeletonDataset
    test: SkeletonDataset
    validation: SkeletonDataset | None
    digest: str
    classes: tuple[str, ...]


def build_data(recipe: Recipe, store: SkeletonStore) -> Experiment:
    """The data of a run.

    Args:
        recipe: of a single run.
        store: prepared data; must be of the recipe's data set and preparation.

    Raises:
        RecipeError: if a component does not fit.
        DataError: if the store is of other data.
    """
    check_recipe(recipe)
    data = recipe.data
    if store.info.dataset != data.dataset:
        raise DataError(f"{store.path} holds {store.info.dataset}, the recipe wants {data.dataset}")
    if data.preparation is not None and store.info.preparation != data.preparation:
        raise DataError(
            f"{store.path} was prepared by {store.info.preparation}, the recipe wants {data.preparation}; "
            f"run: bonefide prepare {data.dataset} --preparation {data.preparation} --raw ... --out ..."
        )
    parts = split(store, data.protocol, share=data.share, seed=recipe.training.seed)
    train_rows, validation_rows = parts.train, None
    if data.validation is not None:
        train_rows, validation_rows = carve_validation(
            store, parts, share=data.validation.share, seed=recipe.training.seed, by=data.validation.by
        )
    train = _dataset(recipe, store, train_rows, data.train, repeat=data.repeat)
    return Experiment(
        train=train,
        test=_dataset(recipe, store, parts.test, data.test),
        validation=None if validation_rows is None else _dataset(recipe, store, validation_rows, data.test),
        digest=split_digest(store, Split(train_rows, parts.test)),
        classes=store.info.classes,
    )


def build_method(recipe: Recipe, data: Experiment) -> Method:
    """The method of a run around its encoder, freshly initialised.

    Raises:
        RecipeError: if an option does not fit.
    """
    channels, frames, _, persons = data.train[0].clip.shape
    given: dict[str, Any] = {
        "layout": data.train.store.layout,
        "in_channels": channels,
        "frames": frames,
        "persons": persons,
        "num_classes": len(data.classes),
        "train_labels": data.train.labels,
    }
    given["encoder"] = create("encoders", recipe.encoder, given)
    method: Method = create("methods", recipe.method, given)
    return method


def encoder(
    name: str,
    *,
    layout: SkeletonLayout,
    in_channels: int = 3,
    persons: int = 2,
    frames: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """An encoder by name, alone: a plain `nn.Module` from clips to `Features`.

    Args:
        name: a file of `encoders/`, or `package.module:Class`.
        layout: the skeleton.
        in_channels: coordinates C.
        persons: person slots M.
        frames: clip length T, for encoders that must know it.
        options: the encoder's own, as in a recipe.

    Raises:
        UnknownNameError: if there is no such encoder.
        RecipeError: if an option does not fit.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder("ctrgcn", layout=layout("ucla20"), persons=1, options={"base_channels": 8}).out_channels
        32
    """
    given = {"layout": layout, "in_channels": in_channels, "persons": persons, "frames": frames}
    made: nn.Module = create("encoders", Component(name=name, **(options or {})), given)
    return made


def method(
    name: str,
    *,
    encoder: nn.Module,
    num_classes: int,
    frames: int | None = None,
    train_labels: Array | None = None,
    options: Mapping[str, Any] | None = None,
) -> Method:
    """A method by name around an encoder: losses to train, outputs to test.

    Args:
        name: a file of `methods/`, or `package.module:Class`.
        encoder: from clips to features.
        num_classes: classes K.
        frames: clip length T, for methods that must know it.
        train_labels: labels of the training samples, for methods that remember them.
        options: the method's own, as in a recipe.

    Raises:
        UnknownNameError: if there is no such method.
        RecipeError: if an option does not fit.
    """
    given = {"encoder": encoder, "num_classes": num_classes, "frames": frames, "train_labels": train_labels}
    made: Method = create("methods", Component(name=name, **(options or {})), given)
    return made


def _dataset(
    recipe: Recipe, store: SkeletonStore, rows: Array, chain: Sequence[Component], *, repeat: int = 1
) -> SkeletonDataset:
    given = {"layout": store.layout, "stream": recipe.data.stream}
    transform = Compose(tuple(create("transforms", each, given) for each in chain))
    persons = int(np.max(store.persons))
    # A class says it for all its options, so that an encoder need not be built before its data are.
    joints = bool(getattr(component("encoders", recipe.encoder.name), "needs_joints", False))
    return SkeletonDataset(
        store,
        rows,
        transform=transform,
        persons=persons,
        repeat=repeat,
        seed=recipe.training.seed,
        joints=joints,
    )
