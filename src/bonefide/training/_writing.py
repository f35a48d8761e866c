# SPDX-License-Identifier: Apache-2.0
"""Write a file of a run so that it is whole or the former one, and say in one sentence why it cannot be written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bonefide.errors import OutputError

__all__ = ["write_whole", "writing"]


@contextlib.contextmanager
def writing(temporary: Path, what: str) -> Iterator[None]:
    """Turn a failure to write into one clear sentence, and leave no half of a file.

    Args:
        temporary: removed if writing fails.
        what: is being written, in words.

    Raises:
        OutputError: if the system refuses to write.
    """
    try:
        yield
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"{what} cannot be written: {error.strerror or error}; what was written before is kept: "
            "make room or choose another --out, and start again"
        ) from error


def write_whole(file: Path, content: bytes, what: str) -> None:
    """Write a file under another name, then give it its own.

    Raises:
        OutputError: if the system refuses to write.
    """
    temporary = file.with_name(f".{file.name}.tmp")
    with writing(temporary, f"{file}: {what}"):
        temporary.write_bytes(content)
        os.replace(temporary, file)
