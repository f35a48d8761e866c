# SPDX-License-Identifier: Apache-2.0
"""What tells one file from another without reading gigabytes."""

from __future__ import annotations

import zlib
from pathlib import Path

from bonefide.errors import DataError

__all__ = ["digest_of"]

_END = 2**20


def digest_of(path: Path) -> tuple[str, int, int]:
    """Name, size, and checksum of the first and last megabyte.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            checksum = zlib.crc32(file.read(_END))
            file.seek(max(_END, size - _END))
            return path.name, size, zlib.crc32(file.read(_END), checksum)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror or fault}") from None
