# SPDX-License-Identifier: Apache-2.0
"""What of a store goes into official files: its samples in the official order, padded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from bonefide.data.protocols import Split, split
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.types import Array

__all__ = ["FIXED_LENGTH", "Export", "ExportForm"]

FIXED_LENGTH = ("ntu_50frames", "pkummd_neuron")
"""Preparations whose sequences are all resampled to one length, so that no frame is padding."""
_USUAL_FRAMES = 300


@dataclass(frozen=True, eq=False)
class Export:
    """A store about to be written as official files.

    Args:
        store: opened.
        protocols: whose parts are written.
        wanted: frames of a padded sample; None for 300, or the longest sequence if that is longer.
        tick: called after every sample.
    """

    store: SkeletonStore
    protocols: tuple[str, ...]
    wanted: int | None
    tick: Callable[[], None]

    @property
    def frames(self) -> int:
        """Frames T of a padded sample.

        Raises:
            DataError: if a sequence is longer than the frames asked for.
        """
        longest = int(self.store.frames.max())
        if self.wanted is not None and longest > self.wanted:
            name = self.store.names[self.store.frames.argmax()]
            raise DataError(f"sample '{name}' has {longest} frames, more than the {self.wanted} asked for")
        if self.wanted is not None or self.store.info.preparation in FIXED_LENGTH:
            return self.wanted or longest
        return max(_USUAL_FRAMES, longest)

    def rows(self, protocol: str, part: str) -> Array:
        """Rows of the store that are one part of a protocol ("train" or "test"), in the official order."""
        return self._splits[protocol].train if part == "train" else self._splits[protocol].test

    def joints(self, rows: Array, *, persons: int) -> Iterator[Array]:
        """Padded joints of some samples, one after the other.

        Args:
            rows: of the store.
            persons: persons M of a padded sample, at least as many as any sequence has.

        Shape:
            yielded: (M, T, V, C) float32.
        """
        frames = self.frames
        for row in rows.tolist():
            found = self.store.joints(row)
            padded = np.zeros((persons, frames, *found.shape[2:]), np.float32)
            padded[: len(found), : found.shape[1]] = found
            yield padded
            self.tick()

    def bytes_of(self, *, persons: int) -> int:
        """Bytes of all samples, padded, as float32."""
        _, joints, channels = self.store.info.shape
        return 4 * len(self.store) * persons * self.frames * joints * channels

    def require(self, *, joints: int, channels: int, persons: int, form: str) -> None:
        """Check that a form can hold the sequences.

        Raises:
            DataError: if it cannot.
        """
        _, has_joints, has_channels = self.store.info.shape
        most = int(self.store.persons.max())
        if (has_joints, has_channels) != (joints, channels) or most > persons:
            raise DataError(
                f"files of '{form}' hold up to {persons} persons of {joints} joints with {channels} coordinates; "
                f"{self.store.path} has up to {most} of {has_joints} with {has_channels}: use --as npy or pyskl"
            )

    @cached_property
    def _splits(self) -> dict[str, Split]:
        return {protocol: split(self.store, protocol) for protocol in self.protocols}


class ExportForm(Protocol):
    """A form that stores can be written in."""

    def targets(self, export: Export, out: Path) -> dict[str, Path]:
        """What is written to the file that will hold it.

        Raises:
            DataError: if the place does not suit.
        """

    def write(self, export: Export, targets: dict[str, Path]) -> None:
        """Write files.

        Args:
            export: what to write.
            targets: as `targets` gave them.

        Raises:
            DataError: if the form cannot hold the store.
            OutputError: if they cannot be written.
        """
