# SPDX-License-Identifier: Apache-2.0
"""Sequences of one data set as a preparation of another would have made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bonefide import layouts
from bonefide.data import datasets
from bonefide.data.preparation._options import preparation as preparation_of
from bonefide.data.preparation._plain_steps import recording_of
from bonefide.data.preparation._preparation import ChangesJoints, Preparation
from bonefide.data.raw import reader
from bonefide.data.store import SkeletonStore
from bonefide.data.store_info import Option
from bonefide.errors import DataError
from bonefide.layouts import SkeletonLayout
from bonefide.layouts.conversion import JointConversion, conversion
from bonefide.types import Array, SkeletonSequence

__all__ = ["AdaptedStore", "adapt_store"]


@dataclass(frozen=True, eq=False)
class AdaptedStore:
    """A store read through a conversion of its joints and, behind it, another preparation; made by `adapt_store`.

    Args:
        store: where the sequences are.
        conversion: of their joints.
        step: what prepares the converted joints, as if a sensor had just given them; None if nothing does.
    """

    store: SkeletonStore
    conversion: JointConversion
    step: Preparation | None

    @property
    def inferred(self) -> tuple[str, ...]:
        """Names of the joints that are not measured: by the conversion, or by what made the store already."""
        known = [name not in self.store.info.inferred for name in self.conversion.source.joints]
        measured = self.conversion.measured & ~((self.conversion.weights != 0) & ~np.array(known)).any(axis=1)
        return tuple(name for name, seen in zip(self.conversion.target.joints, measured, strict=True) if not seen)

    def sequence(self, row: int) -> SkeletonSequence:
        """One sequence.

        Args:
            row: of the store.

        Shape:
            joints: (M, T, V, C), as the preparation gives them; without the confidence that the store may hold.

        Raises:
            RawFileError: if the preparation refuses it, as one that is all zeros; the message names it.
            IndexError: if there is no such row.
        """
        stored = self.store[row]
        joints = _known(stored.joints) if _is_sure(self.store) else stored.joints
        if not self.conversion.is_identity:
            joints, _ = self.conversion.apply(joints)
        sequence = SkeletonSequence(stored.name, stored.label, joints)
        return sequence if self.step is None else self.step(recording_of(sequence, self.conversion.target))


def adapt_store(
    store: SkeletonStore,
    *,
    layout: SkeletonLayout,
    dataset: str,
    preparation: str,
    options: Mapping[str, Option],
) -> AdaptedStore:
    """Sequences of a store for a network that learned from another one.

    A store that was made by the same preparation is taken as it is. Otherwise the joints are converted to those that
    the sensor of the network's data set gives, and prepared as that data set was. What `plain` did to the network's own
    recordings (their unit, their up axis) is not done to others: from `plain` only the joints are taken over. Nothing
    else is guessed: the store must hold metres, y up, which `bonefide doctor` tells and `bonefide prepare` mends.

    Args:
        store: of any data set.
        layout: of the joints the network takes.
        dataset: that it learned from.
        preparation: of that.
        options: of the preparation.

    Raises:
        UnknownNameError: if there is no such data set or preparation.
        ShapeError: if the layouts have nothing in common.
        DataError: if the store's joints are flat and the preparation needs space.

    Example:
        >>> import tempfile
        >>> from bonefide.data.write_store import Entry, write_store
        >>> walk = SkeletonSequence("a04_s01_e00_v01", 3, np.random.default_rng(0).normal(size=(1, 7, 20, 3)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = write_store(f"{folder}/walk", datasets.info("nwucla"), [Entry(walk, subject=1, camera=1)])
        ...     ntu = layouts.layout("ntu25")
        ...     adapted = adapt_store(store, layout=ntu, dataset="ntu60", preparation="ntu_agcn", options={})
        ...     adapted.sequence(0).joints.shape, adapted.inferred[0]
        ((1, 300, 25, 3), 'neck')
    """
    step = preparation_of(preparation, options)
    info = store.info
    made_so = (info.preparation, dict(info.options)) == (preparation, dict(options))
    if isinstance(step, ChangesJoints) or (made_so and store.layout.joints == layout.joints):
        return AdaptedStore(store, conversion(store.layout, layout), None)
    raw = reader(next(iter(datasets.info(dataset).preparations)))
    channels = info.shape[2] - _is_sure(store)
    if channels != raw.channels:
        raise DataError(
            f"{store.path} has {channels} coordinates a joint, and {preparation} prepares joints of {raw.channels}"
        )
    target = raw.layout if isinstance(raw.layout, SkeletonLayout) else layouts.layout(raw.layout)
    return AdaptedStore(store, conversion(store.layout, target), step)


def _is_sure(store: SkeletonStore) -> bool:
    """Whether its last channel is the confidence."""
    return store.info.preparation == "plain" and bool(store.info.options.get("confidence", False))


def _known(joints: Array) -> Array:
    known: Array = joints[..., :-1] * (joints[..., -1:] > 0)
    return known
