# SPDX-License-Identifier: Apache-2.0
"""Write files so that they are whole or absent, and say in one sentence why one cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bonefide.errors import OutputError
from bonefide.types import Array

__all__ = ["sync_folder", "write_array", "write_bytes", "write_whole", "writing"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def writing(place: Path, *, needed: int = 0) -> Iterator[None]:
    """Turn a failure to write into one clear sentence.

    Args:
        place: what is being written.
        needed: its size in bytes, if known.

    Raises:
        OutputError: if the system refuses to write.
    """
    try:
        yield
    except OSError as fault:
        if fault.errno in _FULL:
            size = f"{_megabytes(needed)} are needed, " if needed else ""
            raise OutputError(
                f"the disk or quota is full while writing {place}: {size}{_megabytes(_free(place))} are free; what is "
                "finished is kept: make room and run the same command again"
            ) from fault
        reason = fault.strerror or str(fault)
        raise OutputError(f"cannot write {place}: {reason}; choose a place you may write to") from fault


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file under another name, flush it to the disk, then give it its name.

    Args:
        path: the file.
        write: writes the content into the opened file.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that is in memory; see `write_whole`."""

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_whole(path, write)


def write_array(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any], pieces: Iterable[Array]) -> None:
    """Write a `.npy` from pieces that follow each other along the first axis.

    NumPy's own writer hides the system's reason when the disk is full.

    Args:
        file: opened for writing.
        shape: of the whole.
        dtype: of the whole.
        pieces: its content.
    """
    np.lib.format.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})
    for piece in pieces:
        file.write(np.ascontiguousarray(piece).data)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _free(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
