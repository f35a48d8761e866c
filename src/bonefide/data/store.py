# SPDX-License-Identifier: Apache-2.0
"""A store: prepared sequences on disk, read through a memory map.

Three files in a folder: `joints.npy` (R, V, C) holds all persons' frames one after the other, `index.parquet` says
where each sequence lies and who acts in it, `store.json` says how all of it was made.
"""

from __future__ import annotations

import importlib
import importlib.util
import mmap
import os
import tokenize
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.data._checksum import checksum
from bonefide.data.store_info import INDEX_FILE, INFO_FILE, JOINTS_FILE, StoreInfo
from bonefide.errors import StoreError, UnknownNameError, did_you_mean
from bonefide.layouts import SkeletonLayout, layout, layout_from_facts
from bonefide.types import Array, SkeletonSequence

__all__ = ["SkeletonStore", "index_schema", "names_protocol", "open_store", "shortfall"]

_COLUMNS = ("label", "subject", "camera", "setup", "repeat", "offset", "persons", "frames")


class SkeletonStore:
    """Prepared sequences of a data set, opened for reading.

    Opening reads the facts and checks the sizes; the index and the map are opened at first use, in every process anew,
    so a store can be handed to workers by pickle at the cost of its path.

    Args:
        path: the store's folder.

    Raises:
        StoreError: if it is missing, unfinished, damaged, or of another version.

    Example:
        >>> import tempfile
        >>> from bonefide.data.datasets import info
        >>> from bonefide.data.write_store import Entry, write_store
        >>> walk = SkeletonSequence("a04_s01_e00_v01", 3, np.ones((1, 7, 20, 3)))
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = write_store(f"{folder.name}/walk", info("nwucla"), [Entry(walk, subject=1, camera=1)])
        >>> len(store), store["a04_s01_e00_v01"].joints.shape, store.info.complete
        (1, (1, 7, 20, 3), False)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(path))
        self.info = _read_info(self.path)
        _check_version(self.path, self.info)
        _check_sizes(self.path, self.info)

    def __len__(self) -> int:
        """Number of sequences."""
        return self.info.sequences

    def __repr__(self) -> str:
        return f"SkeletonStore('{self.path}': {self.info.dataset}, {self.info.preparation}, {len(self)} sequences)"

    def __getstate__(self) -> dict[str, Any]:
        # A memory map would be pickled with its whole content, and the index is read faster than it is sent.
        return {"path": self.path, "fingerprint": self.info.fingerprint}

    def __setstate__(self, state: dict[str, Any]) -> None:
        SkeletonStore.__init__(self, state["path"])
        if self.info.fingerprint != state["fingerprint"]:
            raise StoreError(f"{self.path} was replaced by another store while it was in use; open it again")

    def __getitem__(self, sample: str | int) -> SkeletonSequence:
        """One sequence.

        Args:
            sample: its name or its row.

        Raises:
            UnknownNameError: if there is none of that name.
            IndexError: if there is no such row.
        """
        row = self.row(sample) if isinstance(sample, str) else int(sample)
        joints = self.joints(row)
        return SkeletonSequence(str(self.names[row]), int(self.labels[row]), joints)

    def joints(self, row: int) -> Array:
        """Coordinates of one sequence, a read-only view of the map.

        Args:
            row: its row; negative rows count from the end.

        Shape:
            returned: (M, T, V, C), of the store's own type.

        Raises:
            IndexError: if there is no such row.
        """
        start, stop, shape = self._places[row]
        return self._map[start:stop].reshape(shape)

    def row(self, name: str) -> int:
        """Row of the sequence of that name.

        Raises:
            UnknownNameError: if there is none.
        """
        try:
            return self._rows[name]
        except KeyError:
            raise UnknownNameError(f"samples of {self.path.name}", name, self._rows) from None

    @property
    def layout(self) -> SkeletonLayout:
        """Layout of the joints."""
        return layout(self.info.layout) if self.info.skeleton is None else layout_from_facts(self.info.skeleton)

    @property
    def names(self) -> Array:
        """Names of the sequences, (N,) str, ascending."""
        return self._index["name"]

    @property
    def labels(self) -> Array:
        """Classes, 0-based, (N,) int64."""
        return self._index["label"]

    @property
    def subjects(self) -> Array:
        """Performers, (N,) int64; -1 where unknown, as in the three below."""
        return self._index["subject"]

    @property
    def cameras(self) -> Array:
        """Cameras or views, (N,) int64."""
        return self._index["camera"]

    @property
    def setups(self) -> Array:
        """Camera setups, (N,) int64."""
        return self._index["setup"]

    @property
    def repeats(self) -> Array:
        """Repetitions, (N,) int64."""
        return self._index["repeat"]

    @property
    def persons(self) -> Array:
        """Number of persons M, (N,) int64."""
        return self._index["persons"]

    @property
    def frames(self) -> Array:
        """Number of frames T, (N,) int64."""
        return self._index["frames"]

    def trains(self, protocol: str) -> Array:
        """Whether each sequence is on the list of training samples that came with the raw data, (N,) bool.

        Args:
            protocol: one of `info.listed`; all False for any other.
        """
        return names_protocol(self._index["trains"], protocol)

    def verify(self) -> None:
        """Hash both files again; takes as long as reading them.

        Raises:
            StoreError: if a file is not what was written.
        """
        for name, written in self.info.checksums.items():
            if checksum(self.path / name) != written:
                raise StoreError(f"{_damaged(self.path)}: {name} is not what was written; {_AGAIN}")

    @cached_property
    def _index(self) -> dict[str, Array]:
        return _read_index(self.path, self.info)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names.tolist())}

    @cached_property
    def _places(self) -> list[tuple[int, int, tuple[int, int, int, int]]]:
        _, joints, channels = self.info.shape
        columns = (self._index[name].tolist() for name in ("offset", "persons", "frames"))
        return [(start, start + m * t, (m, t, joints, channels)) for start, m, t in zip(*columns, strict=True)]

    @cached_property
    def _map(self) -> Array:
        rows, joints, channels = self.info.shape
        with (self.path / JOINTS_FILE).open("rb") as file:
            start = _read_header(file, self.path, self.info)
            # A plain array over the map, because slicing a numpy.memmap costs several times as much.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        flat = np.frombuffer(content, dtype=self.info.dtype, count=rows * joints * channels, offset=start)
        return flat.reshape(rows, joints, channels)


def open_store(path: str | os.PathLike[str]) -> SkeletonStore:
    """Open a store for reading; safe from any number of processes.

    Args:
        path: the store's folder, as given to `prepare`.

    Raises:
        StoreError: if it is missing, unfinished, damaged, or of another version.
    """
    return SkeletonStore(path)


def shortfall(store: SkeletonStore) -> str:
    """One sentence on what a store lacks of its data set; "" if it has all."""
    facts = store.info
    if facts.complete:
        return ""
    parts = [
        f"{protocol} has {counts.train} + {counts.test} of {counts.expected_train} + {counts.expected_test}"
        for protocol, counts in facts.protocols.items()
        if not counts.complete
    ]
    whole = f"{facts.sequences} of {facts.expected_sequences or facts.sequences} sequences"
    return f"{store.path} is not the whole of {facts.dataset}: {'; '.join([whole, *parts])}; results will not compare"


def index_schema() -> Any:
    """Columns and types of `index.parquet`, a pyarrow schema."""
    import pyarrow  # noqa: PLC0415  # `bonefide.data` is imported by commands that read no store

    types = {"label": pyarrow.int32(), "offset": pyarrow.int64(), "persons": pyarrow.int8()}
    columns = [(name, types.get(name, pyarrow.int32())) for name in _COLUMNS]
    return pyarrow.schema([("name", pyarrow.string()), *columns, ("trains", pyarrow.string())])


def names_protocol(trains: Array, protocol: str) -> Array:
    """Whether each cell of the index column `trains` names a protocol, (N,) bool."""
    return np.array([protocol in cell.split() for cell in trains.tolist()], dtype=bool)


# NumPy parses a header as Python, and lets the errors of a damaged one through.
_HEADER_FAULTS = (ValueError, TypeError, SyntaxError, OverflowError, RecursionError, tokenize.TokenError)
_AGAIN = "prepare it again with --overwrite"


def _damaged(path: Path) -> str:
    return f"{path} is damaged"


def _read_info(path: Path) -> StoreInfo:
    try:
        return StoreInfo.from_json((path / INFO_FILE).read_bytes(), place=str(path))
    except OSError:
        pass
    if (path.parent / f".{path.name}.partial").is_dir():
        raise StoreError(
            f"{path} is not finished: its preparation was interrupted; run the same `bonefide prepare` again"
        )
    if not path.exists():
        siblings = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        guess = did_you_mean(path.name, siblings) or "; make one with `bonefide prepare`"
        raise StoreError(f"there is no store at {path}{guess}")
    raise StoreError(f"{path} is not a store: it has no readable {INFO_FILE}; make one with `bonefide prepare`")


def _check_version(path: Path, info: StoreInfo) -> None:
    known = _preparation_version(info.preparation)
    if known is None:
        raise StoreError(
            f"{path} was prepared by '{info.preparation}', which this bonefide does not have; update bonefide"
        )
    if known != info.version:
        raise StoreError(
            f"{path} was prepared by version {info.version} of '{info.preparation}', this bonefide has version "
            f"{known}, whose output differs; {_AGAIN}"
        )


def _preparation_version(name: str) -> int | None:
    package = "bonefide.data.preparation"
    if not name.isidentifier() or name.startswith("_") or importlib.util.find_spec(f"{package}.{name}") is None:
        return None
    module = importlib.import_module(f"{package}.{name}")
    return int(getattr(module, module.__all__[0]).version)


def _check_sizes(path: Path, info: StoreInfo) -> None:
    for name, size in info.sizes.items():
        try:
            actual = (path / name).stat().st_size
        except OSError:
            raise StoreError(f"{_damaged(path)}: {name} is missing; {_AGAIN}") from None
        if actual != size:
            raise StoreError(f"{_damaged(path)}: {name} has {actual} bytes and should have {size}; {_AGAIN}")
    with (path / JOINTS_FILE).open("rb") as file:
        _read_header(file, path, info)


def _read_header(file: Any, path: Path, info: StoreInfo) -> int:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        start = int(file.tell())
        expected = start + int(np.prod(info.shape, dtype=object)) * np.dtype(info.dtype).itemsize
        if (shape, fortran, dtype) == (info.shape, False, np.dtype(info.dtype)) and expected == info.sizes[JOINTS_FILE]:
            return start
        fault = f"{shape} {dtype}"
    except _HEADER_FAULTS as unreadable:
        fault = type(unreadable).__name__
    raise StoreError(f"{_damaged(path)}: the header of {JOINTS_FILE} does not fit {INFO_FILE} ({fault}); {_AGAIN}")


def _read_index(path: Path, info: StoreInfo) -> dict[str, Array]:
    import pyarrow  # noqa: PLC0415  # `bonefide.data` is imported by commands that read no store
    from pyarrow import parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path / INDEX_FILE) as file:
            table = file.read(columns=["name", *_COLUMNS, "trains"], use_threads=False)
        index = {name: table[name].to_numpy().astype(np.int64) for name in _COLUMNS}
        for name in ("name", "trains"):
            index[name] = np.array(table[name].to_pylist(), dtype=np.str_)
    except (OSError, KeyError, ValueError, TypeError, pyarrow.ArrowException) as fault:
        raise StoreError(f"{_damaged(path)}: {INDEX_FILE} cannot be read ({fault}); {_AGAIN}") from None
    sizes = index["persons"] * index["frames"]
    fits = len(index["name"]) == info.sequences and np.array_equal(index["offset"], np.cumsum(sizes) - sizes)
    labels = index["label"]
    if not fits or sizes.sum() != info.shape[0] or ((labels < 0) | (labels >= len(info.classes))).any():
        raise StoreError(f"{_damaged(path)}: {INDEX_FILE} does not fit {JOINTS_FILE} or the classes; {_AGAIN}")
    for column in index.values():
        column.flags.writeable = False
    return index
