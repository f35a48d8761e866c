# SPDX-License-Identifier: Apache-2.0
"""Images of descriptors of all sequences of a store, read through memory maps.

A folder: `gd.npy`, `jdd.npy`, `add.npy` and `lad.npy` hold the images, as far as they were asked for; `names.npy` and
`labels.npy` say whose they are, `descriptors.json` how they were made. FDD has no file: it is JDD, ADD and LAD.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data._checksum import checksum
from bonefide.data.descriptor_info import DESCRIPTORS_FILE, DescriptorInfo, array_file, stored_names
from bonefide.errors import StoreError
from bonefide.types import Array

__all__ = ["LABELS_FILE", "NAMES_FILE", "DescriptorStore", "image_planes", "open_descriptors"]

NAMES_FILE = "names.npy"
LABELS_FILE = "labels.npy"
_AGAIN = "describe the store again with --overwrite"


class DescriptorStore:
    """Images of the descriptors of all sequences of a store, opened for reading.

    Opening reads the facts and checks the sizes; the arrays are mapped at first use, in every process anew, so that it
    can be handed to workers by pickle at the cost of its path.

    Args:
        path: the folder.

    Raises:
        StoreError: if it is missing, unfinished, damaged, or of another version.

    Example:
        >>> import tempfile
        >>> from bonefide.data.datasets import info
        >>> from bonefide.data.write_descriptors import describe_store
        >>> from bonefide.data.write_store import Entry, write_store
        >>> from bonefide.types import SkeletonSequence
        >>> walk = SkeletonSequence("a04_s01_e00_v01", 3, np.random.default_rng(0).normal(size=(1, 7, 20, 3)))
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = write_store(f"{folder.name}/walk", info("nwucla"), [Entry(walk, subject=1, camera=1)])
        >>> images = describe_store(store, ["jdd", "fdd"])
        >>> len(images), images.info.stored, images.image("fdd", 0).shape
        (1, ('jdd', 'add', 'lad'), (112, 112, 3))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(path))
        self.info = _read_info(self.path)
        for name in self.info.stored:
            self._place(name)

    def __len__(self) -> int:
        """Number of sequences."""
        return self.info.sequences

    def __repr__(self) -> str:
        return f"DescriptorStore('{self.path}': {self.info.dataset}, {', '.join(self.info.stored)}, {len(self)} each)"

    def __getstate__(self) -> dict[str, Any]:
        # Memory maps would be pickled with their whole content.
        return {"path": self.path, "info": self.info}

    def __setstate__(self, state: dict[str, Any]) -> None:
        DescriptorStore.__init__(self, state["path"])
        if not self.info.alike(state["info"]):
            raise StoreError(f"{self.path} was replaced by other descriptors while it was in use; open it again")

    @cached_property
    def names(self) -> Array:
        """Names of the sequences, (N,) str, in the order of the store."""
        return self._read(NAMES_FILE)

    @cached_property
    def labels(self) -> Array:
        """Classes, 0-based, (N,) int64."""
        return self._read(LABELS_FILE)

    def array(self, name: str) -> Array:
        """All images of a stored descriptor, a read-only view of the map.

        Args:
            name: one of `info.stored`.

        Shape:
            returned: (N, H, W) uint8, or (N, H, W, 3) in the order red, green, blue.

        Raises:
            StoreError: if its images are not there.
        """
        if name not in self.info.stored:
            there = ", ".join(self.info.stored) or "none"
            raise StoreError(f"{self.path} has no images of '{name}', only of: {there}; describe the store --as {name}")
        if name not in self._maps:
            with self._file(name).open("rb") as file:
                start = self._place(name)
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            shape = self.info.shape(name)
            flat = np.frombuffer(content, dtype=np.uint8, count=int(np.prod(shape)), offset=start)
            self._maps[name] = flat.reshape(shape)
        return self._maps[name]

    def image(self, name: str, row: int) -> Array:
        """One image as it is drawn.

        Args:
            name: a descriptor.
            row: of the sequence in the store.

        Shape:
            returned: (H, W, 3) uint8, red, green, blue; or (H, W) of descriptors without colours.

        Raises:
            UnknownNameError: if there is no such descriptor.
            StoreError: if its images are not there.
            IndexError: if there is no such row.
        """
        parts = [self.array(each)[row] for each in stored_names([name])]
        image: Array = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
        return image

    def planes(self, names: Sequence[str], row: int) -> Array:
        """Images of a sequence as networks read them: as OpenCV would read their PNG files.

        Args:
            names: descriptors, in order.
            row: of the sequence in the store.

        Shape:
            returned: (I, 3, H, W) uint8, planes blue, green, red; three equal planes where there are no colours.

        Raises:
            UnknownNameError: if there is no such descriptor.
            StoreError: if its images are not there.
            IndexError: if there is no such row.
        """
        return image_planes([self.image(name, row) for name in names])

    def verify(self) -> None:
        """Hash all files again; takes as long as reading them.

        Raises:
            StoreError: if a file is not what was written.
        """
        for name, written in self.info.checksums.items():
            if checksum(self.path / name) != written:
                raise StoreError(f"{self.path} is damaged: {name} is not what was written; {_AGAIN}")

    @cached_property
    def _maps(self) -> dict[str, Array]:
        return {}

    def _file(self, name: str) -> Path:
        return self.path / array_file(name)

    def _place(self, name: str) -> int:
        """Where the content of an array begins; checks that all of it is there."""
        file, shape = self._file(name), self.info.shape(name)
        try:
            with file.open("rb") as opened:
                np.lib.format.read_magic(opened)
                found = np.lib.format.read_array_header_1_0(opened)
                start = opened.tell()
            fits = found == (shape, False, np.dtype(np.uint8)) and file.stat().st_size == start + int(np.prod(shape))
        except (OSError, ValueError, SyntaxError):
            fits = False
        if not fits:
            raise StoreError(f"{self.path} is damaged: {file.name} is missing or not whole; {_AGAIN}")
        return start

    def _read(self, name: str) -> Array:
        try:
            found = np.load(self.path / name, allow_pickle=False)
            fits = found.shape == (len(self),)
        except (OSError, ValueError):
            fits = False
        if not fits:
            raise StoreError(f"{self.path} is damaged: {name} is missing or not whole; {_AGAIN}")
        found.flags.writeable = False
        return found


def open_descriptors(path: str | os.PathLike[str]) -> DescriptorStore:
    """Open the images of a store for reading; safe from any number of processes.

    Args:
        path: their folder.

    Raises:
        StoreError: if it is missing, unfinished, damaged, or of another version.
    """
    return DescriptorStore(path)


def image_planes(images: Sequence[Array]) -> Array:
    """Images as networks read them.

    Args:
        images: of one sequence.

    Shape:
        images: (H, W), or (H, W, 3) in the order red, green, blue.
        returned: (I, 3, H, W), planes blue, green, red.
    """
    height, width = images[0].shape[:2]
    planes = np.empty((len(images), 3, height, width), dtype=np.uint8)
    for place, image in enumerate(images):
        planes[place] = image if image.ndim == 2 else image[..., ::-1].transpose(2, 0, 1)
    return planes


def _read_info(path: Path) -> DescriptorInfo:
    try:
        return DescriptorInfo.from_json((path / DESCRIPTORS_FILE).read_bytes(), place=str(path))
    except OSError:
        pass
    if (path.parent / f".{path.name}.partial").is_dir():
        raise StoreError(f"{path} is not finished: describing was interrupted; run the same `bonefide describe` again")
    raise StoreError(f"there are no descriptors at {path}; make them with `bonefide describe`")
