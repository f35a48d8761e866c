# SPDX-License-Identifier: Apache-2.0
"""Write text, all or nothing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from bonefide.errors import OutputError

__all__ = ["write_text"]


def write_text(file: Path, text: str) -> None:
    """Write a file under another name, then give it its own; make its folder if need be.

    Raises:
        OutputError: if the place cannot be written.
    """
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(f"{file} cannot be written: {error.strerror}; make room or choose another place") from error
