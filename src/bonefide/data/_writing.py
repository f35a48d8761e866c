# SPDX-License-Identifier: Apache-2.0
"""Write arrays piece by piece, and make sure that names are on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bonefide.types import Array

__all__ = ["sync_folder", "write_array"]


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
    if os.name == "nt":
        return  # Windows opens no folders, and writes names through
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
