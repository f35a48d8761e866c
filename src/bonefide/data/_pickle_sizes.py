# SPDX-License-Identifier: Apache-2.0
"""Walk through a pickle without running it, to see that it tells no size the file does not have."""

from __future__ import annotations

import io
import mmap
import pickle
import pickletools
from typing import BinaryIO

__all__ = ["check_sizes"]

_WIDTHS = {pickletools.TAKEN_FROM_ARGUMENT1: 1, -3: 4, -4: 4, -5: 8}
"""How `pickletools` marks arguments whose length comes first, to the bytes of that length."""
_STOP, _PUT, _LONG_BINPUT = pickle.STOP[0], pickle.PUT[0], pickle.LONG_BINPUT[0]


def check_sizes(file: BinaryIO) -> None:
    """Refuse what Python's unpickler would reserve memory for although the file cannot fill it.

    These are lengths beyond the end of the file, and places in the memo, which grows to the largest one: a file of ten
    bytes can so take sixty gigabytes. The file is left where it stands.

    Args:
        file: in memory, or a file on the disk.

    Raises:
        ValueError: if there is such a thing, or an unknown opcode.
        EOFError: if it ends early.
    """
    if isinstance(file, io.BytesIO):
        _walk(file.getvalue(), file.tell())
    else:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _walk(content, file.tell())


def _table() -> tuple[list[int], list[int], list[int]]:
    """For every opcode: length of its argument (-1 for none such), width of a length, number of lines."""
    fixed, widths, lines = [-1] * 256, [0] * 256, [0] * 256
    for opcode in pickletools.opcodes:
        code, argument = ord(opcode.code), opcode.arg
        if argument is None or argument.n >= 0:
            fixed[code] = 0 if argument is None else argument.n
        elif argument.n == pickletools.UP_TO_NEWLINE:
            lines[code] = 2 if argument is pickletools.stringnl_noescape_pair else 1
        else:
            widths[code] = _WIDTHS[argument.n]
    return fixed, widths, lines


_FIXED, _COUNTED, _LINES = _table()


def _walk(content: bytes | mmap.mmap, place: int) -> None:
    size, code = len(content), -1
    while code != _STOP:
        if place >= size:
            raise EOFError("it ends early")
        code = content[place]
        place += 1
        length = _FIXED[code]
        if length >= 0:
            if code == _LONG_BINPUT:
                _check_memo(int.from_bytes(content[place : place + length], "little"), place)
            place += length
        elif _COUNTED[code]:
            width = _COUNTED[code]
            place += width + int.from_bytes(content[place : place + width], "little")
        else:
            start, place = place, _after_lines(content, place, _LINES[code])
            if code == _PUT:
                _check_memo(int(content[start:place][:20]), place)


def _after_lines(content: bytes | mmap.mmap, place: int, count: int) -> int:
    if not count:
        raise ValueError("an unknown opcode")
    for _ in range(count):
        end = content.find(b"\n", place)
        if end < 0:
            raise EOFError("it ends early")
        place = end + 1
    return place


def _check_memo(told: int, place: int) -> None:
    # Nothing is stored without an opcode of its own, so there are fewer stored values than bytes before.
    if told > place:
        raise ValueError("a place in the memo that cannot be reached")
