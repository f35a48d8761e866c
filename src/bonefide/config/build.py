# SPDX-License-Identifier: Apache-2.0
"""From a recipe and a store to data, encoder and method: the only place that connects them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bonefide.config.components import asks_for, check_recipe, component, create
from bonefide.config.recipe import Component, Recipe
from bonefide.data import datasets
from bonefide.data.class_splits import ClassSplit, class_split, rehearsed, restricted
from bonefide.data.dataset import SkeletonDataset
from bonefide.data.descriptor_dataset import DescriptorDataset
from bonefide.data.loader import Samples
from bonefide.data.protocols import Split, carve_validation, split, split_digest
from bonefide.data.store import SkeletonStore
from bonefide.data.write_descriptors import training_images
from bonefide.errors import DataError, RecipeError
from bonefide.text.bank import TextBank
from bonefide.text.banks import bank
from bonefide.text.read_bank import read_bank
from bonefide.transforms import Compose
from bonefide.types import Array

if TYPE_CHECKING:
    from torch import nn

    from bonefide.layouts import SkeletonLayout
    from bonefide.methods._method import Method

__all__ = [
    "Experiment",
    "build_data",
    "build_method",
    "class_split_of",
    "encoder",
    "make_images",
    "method",
    "texts_of",
]


@dataclass(frozen=True, eq=False)
class Experiment:
    """The data of a run.

    Args:
        train: samples that train.
        test: samples that test.
        validation: samples kept from training to choose with, or None.
        known: the samples that train, as they are shown at test time, for methods that look for similar ones.
        digest: names who trains and who tests.
        classes: class names.
        split: which classes are seen, if the method reads texts of those that are not.
        texts: about the classes, likewise.
        exemplars: one sample of each class that is not seen, in their order, if unseen classes are compared with those;
            the first of the training part, and no sample to test with.
    """

    train: Samples
    test: Samples
    validation: Samples | None
    known: Samples
    digest: str
    classes: tuple[str, ...]
    split: ClassSplit | None = None
    texts: TextBank | None = None
    exemplars: Samples | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """Digests of what is learned from."""
        found = {"split": self.digest, "preparation": self.train.fingerprint}
        return found if self.texts is None else found | {"texts": self.texts.digest}


def build_data(recipe: Recipe, store: SkeletonStore) -> Experiment:
    """The data of a run. Images that it needs are computed into the store, unless they are there.

    Args:
        recipe: of a single run.
        store: prepared data; must be of the recipe's data set and preparation.

    Raises:
        RecipeError: if a component does not fit.
        DataError: if the store is of other data.
        OutputError: if images cannot be written into the store.
    """
    check_recipe(recipe)
    _refuse_others(recipe, store)
    data = recipe.data
    share_seed = recipe.training.seed if data.share_seed is None else data.share_seed
    parts = split(store, data.protocol, share=data.share, seed=share_seed, by=data.share_by)
    if data.classes is not None:
        return _of_classes(recipe, store, parts)
    train_rows, validation_rows = _validated(recipe, store, parts)
    samples = _clips if data.images is None else _images
    return Experiment(
        train=samples(recipe, store, train_rows, data.train, repeat=data.repeat),
        test=samples(recipe, store, parts.test, data.test),
        validation=None if validation_rows is None else samples(recipe, store, validation_rows, data.test),
        known=samples(recipe, store, train_rows, data.test),
        digest=split_digest(store, Split(train_rows, parts.test)),
        classes=store.info.classes,
    )


def make_images(recipe: Recipe, store: SkeletonStore, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Compute the images that a recipe asks for into the store, if it asks for any and they are not there.

    Args:
        recipe: of a single run.
        store: prepared data; must be of the recipe's data set and preparation.
        progress: called with the number of sequences done and of all, if there is something to do.

    Raises:
        DataError: if the store is of other data.
        OutputError: if images cannot be written into the store.
    """
    _refuse_others(recipe, store)
    if recipe.data.images is not None:
        training_images(store, recipe.data.images, corrected=recipe.data.corrected, progress=progress)


def build_method(recipe: Recipe, data: Experiment) -> Method:
    """The method of a run around its encoder, freshly initialised.

    Raises:
        RecipeError: if an option does not fit.
    """
    given: dict[str, Any] = {
        **_sizes(data.train),
        "layout": data.train.store.layout,
        "num_classes": len(data.classes),
        "train_labels": data.train.labels,
        "texts": data.texts,
        "classes": data.split,
        "exemplars": None if data.exemplars is None else _stacked(data.exemplars),
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
    layout: SkeletonLayout | None = None,
    texts: TextBank | None = None,
    classes: ClassSplit | None = None,
    options: Mapping[str, Any] | None = None,
) -> Method:
    """A method by name around an encoder: losses to train, outputs to test.

    Args:
        name: a file of `methods/`, or `package.module:Class`.
        encoder: from clips to features.
        num_classes: classes K.
        frames: clip length T, for methods that must know it.
        train_labels: labels of the training samples, for methods that remember them.
        layout: the skeleton, for methods that must know it.
        texts: about all classes, for zero-shot methods.
        classes: which of them are seen, likewise.
        options: the method's own, as in a recipe.

    Raises:
        UnknownNameError: if there is no such method.
        RecipeError: if an option does not fit, or a zero-shot method is given no texts or classes.
    """
    if asks_for("methods", name, "texts") and (texts is None or classes is None):
        raise RecipeError([f"methods.{name}: is zero-shot; give texts, as of bonefide.text.banks.bank, and classes"])
    given = {
        "encoder": encoder,
        "num_classes": num_classes,
        "frames": frames,
        "train_labels": train_labels,
        "layout": layout,
        "texts": texts,
        "classes": classes,
    }
    made: Method = create("methods", Component(name=name, **(options or {})), given)
    return made


def _validated(recipe: Recipe, store: SkeletonStore, parts: Split) -> tuple[Array, Array | None]:
    """Rows to train with, and to choose with."""
    asked = recipe.data.validation
    if asked is None:
        return parts.train, None
    return carve_validation(store, parts, share=asked.share, seed=recipe.training.seed, by=asked.by)


def _of_classes(recipe: Recipe, store: SkeletonStore, parts: Split) -> Experiment:
    """Seen classes train. A method that reads texts is tested on all classes, any other one on those it has seen."""
    data, classes = recipe.data, class_split_of(recipe)
    if data.rehearsal:
        parts = rehearsed(store, parts, classes, seed=recipe.training.seed)
    zero_shot = asks_for("methods", recipe.method.name, "classes")
    if zero_shot and data.validation is not None:
        raise RecipeError([f"data.validation: {recipe.method.name} has nothing to choose with seen classes alone"])
    train_rows, validation_rows = _validated(recipe, store, restricted(store, parts, train=classes.seen))
    test_rows = parts.test if zero_shot else restricted(store, parts, test=classes.seen).test
    exemplars = None
    if asks_for("methods", recipe.method.name, "exemplars") and recipe.method.options.get("anchors") == "exemplar":
        rows = _first_of_each(store, parts.train, classes.unseen)
        # In a rehearsal everybody's samples of the classes that play the unseen ones are tested.
        test_rows = test_rows[~np.isin(test_rows, rows)]
        exemplars = _clips(recipe, store, rows, data.test)
    keep = None if zero_shot else classes.seen
    return Experiment(
        train=_clips(recipe, store, train_rows, data.train, repeat=data.repeat, classes=keep),
        test=_clips(recipe, store, test_rows, data.test, classes=keep),
        validation=None if validation_rows is None else _clips(recipe, store, validation_rows, data.test, classes=keep),
        known=_clips(recipe, store, train_rows, data.test, classes=keep),
        digest=split_digest(store, Split(train_rows, test_rows)),
        classes=tuple(store.info.classes[label] for label in keep or range(len(store.info.classes))),
        split=classes if zero_shot else None,
        texts=texts_of(recipe) if zero_shot else None,
        exemplars=exemplars,
    )


def _first_of_each(store: SkeletonStore, rows: Array, classes: Sequence[int]) -> Array:
    labels = store.labels[rows]
    if missing := [label for label in classes if label not in labels]:
        names = ", ".join(store.info.classes[label] for label in missing)
        raise DataError(f"an exemplar of each unseen class is needed, and the training part has none of: {names}")
    return rows[[int(np.flatnonzero(labels == label)[0]) for label in classes]]


def _stacked(samples: Samples) -> Array:
    return np.stack([np.asarray(samples[place].clip) for place in range(len(samples))])


def class_split_of(recipe: Recipe) -> ClassSplit:
    """The classes a run with `data.classes` sees and does not see: in a rehearsal, those it plays with.

    Raises:
        UnknownNameError: if the data set has no such split.
        DataError: if it holds nothing out to rehearse with.
    """
    asked = class_split(str(recipe.data.classes), dataset=recipe.data.dataset)
    return asked.rehearsal if recipe.data.rehearsal else asked


def texts_of(recipe: Recipe) -> TextBank:
    """The texts of the classes that a recipe asks for.

    Raises:
        DataError: if there are none, or they are of other classes.
    """
    data = recipe.data
    file = Path(data.texts)
    texts = read_bank(file) if file.suffix == ".npz" else bank(data.dataset, encoder=data.texts)
    if texts.classes != datasets.info(data.dataset).classes:
        raise DataError(f"the texts {data.texts} are about other classes than those of {data.dataset}")
    return texts


def _refuse_others(recipe: Recipe, store: SkeletonStore) -> None:
    data = recipe.data
    if store.info.dataset != data.dataset:
        raise DataError(f"{store.path} holds {store.info.dataset}, the recipe wants {data.dataset}")
    if data.preparation is not None and store.info.preparation != data.preparation:
        raise DataError(
            f"{store.path} was prepared by {store.info.preparation}, the recipe wants {data.preparation}; "
            f"run: bonefide prepare {data.dataset} --preparation {data.preparation} --raw ... --out ..."
        )


def _sizes(samples: Samples) -> dict[str, Any]:
    shape = samples[0].clip.shape
    if isinstance(samples, DescriptorDataset):
        return {"in_channels": shape[1], "frames": shape[2], "persons": 1, "images": samples.images}
    return {"in_channels": shape[0], "frames": shape[1], "persons": shape[3]}


def _images(
    recipe: Recipe, store: SkeletonStore, rows: Array, _: Sequence[Component], *, repeat: int = 1
) -> DescriptorDataset:
    images = recipe.data.images or ()
    descriptors = training_images(store, images, corrected=recipe.data.corrected)
    return DescriptorDataset(
        store, rows, descriptors=descriptors, images=images, repeat=repeat, seed=recipe.training.seed
    )


def _clips(
    recipe: Recipe,
    store: SkeletonStore,
    rows: Array,
    chain: Sequence[Component],
    *,
    repeat: int = 1,
    classes: Sequence[int] | None = None,
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
        classes=classes,
    )
