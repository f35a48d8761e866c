# SPDX-License-Identifier: Apache-2.0
"""Numbers, flags and marks of a 7z header, read from front to back."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

__all__ = ["HeaderBytes"]


class HeaderBytes:
    """Bytes read from front to back.

    Raises:
        ValueError: by every method, if fewer bytes are left than are asked for.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > len(self._content) - self._place:
            raise ValueError("its header ends early")
        self._place += size
        return self._content[self._place - size : self._place]

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(len(self._content) - self._place)

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """The leading ones of the first byte count the bytes that follow, lowest first; its rest is the top."""
        first = self.byte()
        more = next((count for count in range(8) if not first & 0x80 >> count), 8)
        return int.from_bytes(self.take(more), "little") | (first & (0x7F >> more)) << (8 * more)

    def count(self, *, limit: int) -> int:
        """A number of things of at least a bit each."""
        number = self.number()
        if number > min(limit, 8 * (len(self._content) - self._place) + 1):
            raise ValueError(f"its header declares {number} things that are not there")
        return number

    def bits(self, count: int) -> list[bool]:
        """Flags, eight a byte, the top bit first."""
        content = self.take(-(-count // 8))
        return [bool(content[place >> 3] & 0x80 >> (place & 7)) for place in range(count)]

    def given(self, count: int) -> list[bool]:
        """For which of several things something is given: for all, or as bits say."""
        return [True] * count if self.byte() else self.bits(count)

    def words(self, given: Sequence[bool]) -> list[int | None]:
        """32-bit numbers of the things for which one is given."""
        numbers = iter(struct.unpack(f"<{sum(given)}L", self.take(4 * sum(given))))
        return [next(numbers) if each else None for each in given]

    def inline(self) -> None:
        """Refuse content that is said to lie elsewhere; no program writes that."""
        if self.byte():
            raise ValueError("its header lies in several places")

    def expect(self, kind: int) -> None:
        """Refuse anything but a certain mark."""
        found = self.byte()
        if found != kind:
            raise ValueError(f"its header has {found:#04x} in place of {kind:#04x}")

    def properties(self, *, known: Sequence[int]) -> Iterator[int]:
        """Kinds of properties up to the end; those that are not known are passed over."""
        while kind := self.byte():
            if kind in known:
                yield kind
            else:
                self.take(self.number())
