# SPDX-License-Identifier: Apache-2.0
"""Write files so that they are whole or what they were before, and say in one sentence why one cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from bonefide.errors import OutputError

__all__ = ["hold", "replacing", "write_file", "writing"]

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


@contextlib.contextmanager
def replacing(file: Path, *, needed: int = 0) -> Iterator[Path]:
    """A path beside a file to write to; when the block ends well it is flushed to the disk and takes the file's name.

    The folder is made if need be. If the block fails, what stood there before is kept and nothing is left behind.

    Args:
        file: what is to be written.
        needed: its size in bytes, if known.

    Raises:
        OutputError: if the system refuses to write.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> with replacing(Path(folder.name) / "deep" / "note.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [each.name for each in (Path(folder.name) / "deep").iterdir()]
        ['note.txt']
    """
    temporary = file.with_name(f".{file.name}.tmp")
    with writing(file, needed=needed):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, file)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file, all or nothing; see `replacing`.

    Args:
        file: where.
        content: text becomes UTF-8.

    Raises:
        OutputError: if the system refuses to write.
    """
    with replacing(file) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def hold(lock: Path, place: Path) -> BaseFileLock:
    """Take a place for this process alone, until the lock is released or the process ends, however it ends.

    Args:
        lock: a file that stands for the place; made if need be.
        place: what is held, for the message.

    Raises:
        OutputError: if another process holds it.
    """
    while True:
        with writing(place):
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = FileLock(lock)
            try:
                held.acquire(timeout=0)
            except Timeout:
                raise OutputError(f"another process is writing {place}; wait for it, or choose another --out") from None
        # The former holder may have removed the folder between our opening and our locking.
        if lock.exists():
            return held
        held.release()


def _free(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
