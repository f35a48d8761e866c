# SPDX-License-Identifier: Apache-2.0
"""Images of descriptors as PNG files, in the folders and under the names of the authors' code."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
from PIL import Image, UnidentifiedImageError

from bonefide.data._descriptor_writing import DescriptorWriter
from bonefide.data.descriptor_info import DescriptorInfo, stored_names
from bonefide.data.descriptor_store import DescriptorStore
from bonefide.data.protocols import split
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, OutputError
from bonefide.types import Array
from bonefide.writing import write_file, writing

__all__ = ["png_names", "read_png_folders", "write_png_folders"]

Progress = Callable[[int, int], None]

_DATASETS = {"nwucla": "ucla"}
_PROTOCOLS = {"xsub": "csub", "xview": "cview", "xset": "csetup"}
_ONE_PROTOCOL = {"nwucla"}
"""Data sets whose folders do not name the protocol."""
_MARK = "descriptors_png.json"
_PIECE = 256


def png_names(store: SkeletonStore, protocol: str) -> dict[str, dict[str, int]]:
    """Which image is whose, for both parts of a protocol.

    Args:
        store: whose sequences they are of.
        protocol: one of the data set's.

    Returns:
        Part ("train", "test") to names of files, to rows of the store, in the official order. The name of a file is
        the place of a sequence in its part, 0-based, and its class, 1-based.

    Raises:
        UnknownNameError: if the data set has no such protocol.
        DataError: if the store does not know who trains.
    """
    parts = split(store, protocol)
    found = {}
    for part, rows in (("train", parts.train), ("test", parts.test)):
        # The official loader lists files by name; where it does not, the data set has a published order.
        ordered = rows if store.info.dataset in _ONE_PROTOCOL else np.sort(rows)
        labels = store.labels[ordered].tolist()
        found[part] = {f"{place}_{labels[place] + 1}.png": row for place, row in enumerate(ordered.tolist())}
    return found


def write_png_folders(
    descriptors: DescriptorStore,
    store: SkeletonStore,
    names: Sequence[str],
    out: str | os.PathLike[str],
    *,
    protocol: str,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write one folder for each descriptor and part, such as `ntu60_GD_train_csub`; files that are there are kept.

    Interrupted, the same call continues.

    Args:
        descriptors: the images.
        store: whose sequences they are of.
        names: descriptors.
        out: where the folders go.
        protocol: one of the data set's.
        workers: number of processes; None for all cores.
        progress: called with the number of files done and of all, first when work begins, then now and then.

    Returns:
        The folders.

    Raises:
        UnknownNameError: if there is no such descriptor or protocol.
        StoreError: if images of a descriptor are not there.
        OutputError: if a folder cannot be written, or holds other images.
    """
    place, parts = Path(out), png_names(store, protocol)
    folders = {
        (name, part): place / _folder(store.info.dataset, name, part, protocol) for name in names for part in parts
    }
    for name in stored_names(names):
        descriptors.array(name)
    _claim(place, list(folders.values()), descriptors.info, protocol)
    tasks = [
        (name, folder, dict(piece))
        for (name, part), folder in folders.items()
        for piece in _pieces(list(parts[part].items()))
    ]
    count = workers or max(1, min(joblib.cpu_count(), len(tasks) // 16))
    pool = joblib.Parallel(min(count, len(tasks)), return_as="generator_unordered", batch_size=1)
    done, total = 0, len(names) * len(store)
    (progress or _silent)(done, total)
    for written in pool(joblib.delayed(_write)(descriptors, *task) for task in tasks):
        done += written
        (progress or _silent)(done, total)
    return list(folders.values())


def read_png_folders(
    source: str | os.PathLike[str],
    store: SkeletonStore,
    names: Sequence[str],
    out: str | os.PathLike[str],
    *,
    protocol: str,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DescriptorStore:
    """Take images from such folders, be they of the authors' code or of `write_png_folders`.

    Args:
        source: where the folders are.
        store: whose sequences they are of.
        names: descriptors.
        out: folder of the images to make.
        protocol: whose parts the folders hold.
        overwrite: replace images that are there.
        progress: called with the number of files done and of all, first when work begins, then now and then.

    Raises:
        UnknownNameError: if there is no such descriptor or protocol.
        DataError: if a file is missing, is no image of the kind, or the images differ in size.
        OutputError: if the images cannot be written, or something else is there.
    """
    parts, dataset = png_names(store, protocol), store.info.dataset
    files: dict[str, dict[int, Path]] = {}
    for name in stored_names(names):
        folders = {part: Path(source) / _folder(dataset, name, part, protocol) for part in parts}
        files[name] = {row: folders[part] / file for part, of_part in parts.items() for file, row in of_part.items()}
        for part, folder in folders.items():
            _refuse_others(folder, parts[part])
    first = next(iter(files.values()))[0]
    info = DescriptorInfo.of(store, corrected=False, size=_read(first, None).shape[0], origin="png")
    total, done = len(files) * len(store), 0
    with DescriptorWriter(Path(out), info, store, overwrite=overwrite) as writer:
        missing = [name for name in files if name not in writer.there]
        for name in missing:
            writer.folder.allocate(name)
            shape = info.shape(name)[1:]
            for piece in writer.folder.pending(name):
                writer.folder.write(name, piece, np.stack([_read(files[name][row], shape) for row in piece]))
                done += len(piece)
                (progress or _silent)(done, total)
        return writer.finish(missing)


def _silent(done: int, total: int) -> None:
    """No progress is asked for."""


def _folder(dataset: str, name: str, part: str, protocol: str) -> str:
    words = [_DATASETS.get(dataset, dataset), name.upper(), part]
    return "_".join(words if dataset in _ONE_PROTOCOL else [*words, _PROTOCOLS.get(protocol, protocol)])


def _pieces(items: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    return (items[start : start + _PIECE] for start in range(0, len(items), _PIECE))


def _claim(place: Path, folders: Sequence[Path], info: DescriptorInfo, protocol: str) -> None:
    """Say whose images these will be, unless they are another's."""
    facts = {"store": info.store, "size": info.size, "corrected": info.corrected, "origin": info.origin}
    mark, text = place / _MARK, json.dumps({**facts, "protocol": protocol}, sort_keys=True) + "\n"
    ours = mark.is_file() and mark.read_text(encoding="utf-8") == text
    taken = next((folder for folder in folders if folder.is_dir() and any(folder.iterdir())), None)
    if not ours and (taken or mark.exists()):
        raise OutputError(f"{taken or mark} is there already, of other images; choose another --out")
    for folder in folders:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    write_file(mark, text)


def _write(descriptors: DescriptorStore, name: str, folder: Path, rows: Mapping[str, int]) -> int:
    """Write some images of a descriptor, each all or nothing; their number."""
    for file, row in rows.items():
        target = folder / file
        if target.is_file():
            continue
        content = io.BytesIO()
        Image.fromarray(descriptors.image(name, row)).save(content, format="PNG")
        temporary = folder / f".{file}.tmp"
        with writing(target, needed=len(content.getbuffer())):
            temporary.write_bytes(content.getbuffer())
            os.replace(temporary, target)
    return len(rows)


def _refuse_others(folder: Path, expected: Mapping[str, int]) -> None:
    there = {each.name for each in folder.glob("*.png")} if folder.is_dir() else set[str]()
    missing, strange = expected.keys() - there, there - expected.keys()
    if missing:
        raise DataError(f"{folder} lacks {len(missing)} of {len(expected)} images, such as {_first(missing)}")
    if strange:
        raise DataError(
            f"{folder} holds {len(strange)} images of no sequence of the store, such as {_first(strange)}; it was made "
            "of other recordings, or its order is another"
        )


def _first(names: set[str]) -> str:
    return min(names, key=lambda name: (len(name), name))


def _read(file: Path, shape: tuple[int, ...] | None) -> Array:
    try:
        with Image.open(file) as opened:
            found = np.asarray(opened) if opened.mode in ("L", "RGB") else None
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as fault:
        raise DataError(f"{file} is no image that can be read ({fault})") from None
    if found is None or found.shape[0] != found.shape[1] or (shape is not None and found.shape != shape):
        raise DataError(
            f"{file} is not {shape or 'a square'} of 8 bits, grey or red, green and blue; it is another image"
        )
    return found
