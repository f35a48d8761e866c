# SPDX-License-Identifier: Apache-2.0
"""The checksum that stores keep of each of their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["checksum"]


def checksum(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits; reads all of it."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
