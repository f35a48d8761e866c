# SPDX-License-Identifier: Apache-2.0
"""What the header of a 7z archive says: how its blocks are packed, and which files lie where in them.

A header is parsed from bytes that are all there; a declared count is believed only as far as bytes follow for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bonefide.data.raw._header_bytes import HeaderBytes
from bonefide.data.raw._unpacking import Block, Coder

__all__ = ["Contents", "PackedFile", "encoded_block", "is_encoded", "parse_header"]

_HEADER, _ENCODED_HEADER = 0x01, 0x17
_ARCHIVE_PROPERTIES, _MAIN_STREAMS, _FILES = 0x02, 0x04, 0x05
_PACKED, _UNPACKED, _PARTS, _SIZES, _CHECKSUMS = 0x06, 0x07, 0x08, 0x09, 0x0A
_FOLDERS, _UNPACKED_SIZES, _COUNTS = 0x0B, 0x0C, 0x0D
_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES = 0x0E, 0x0F, 0x10, 0x11, 0x15
_FILE_LIMIT = 2**19
"""Many more files than any data set has; a header may unpack to a thousand times its size in the archive."""
_CODER_LIMIT = 32
_SIGNATURE = 32
"""Bytes before the first block; places in the header are counted from there."""


@dataclass(frozen=True)
class PackedFile:
    """A file from byte `offset` of the unpacked block; an empty one is in no block (-1)."""

    name: str
    size: int
    checksum: int | None
    block: int
    offset: int
    attributes: int


@dataclass(frozen=True)
class Contents:
    """Blocks, and files in the order of the archive; folders are left out."""

    blocks: tuple[Block, ...]
    files: tuple[PackedFile, ...]


@dataclass(frozen=True)
class _Part:
    block: int
    offset: int
    size: int
    checksum: int | None


def parse_header(content: bytes) -> Contents:
    """Parse a header that is not itself packed.

    Raises:
        ValueError: if it is damaged.
    """
    header = HeaderBytes(content)
    header.expect(_HEADER)
    blocks: list[Block] = []
    parts: list[_Part] = []
    files: tuple[PackedFile, ...] = ()
    while kind := header.byte():
        if kind == _MAIN_STREAMS:
            blocks, parts = _streams(header)
        elif kind == _FILES:
            files = tuple(_files(header, parts))
        elif kind == _ARCHIVE_PROPERTIES:
            for _ in header.properties(known=()):
                pass
        else:
            raise ValueError(f"its header has an unknown part {kind:#04x}")
    return Contents(tuple(blocks), files)


def is_encoded(content: bytes) -> bool:
    """Whether a header is no more than a note of where it lies packed."""
    return content.startswith(bytes([_ENCODED_HEADER]))


def encoded_block(content: bytes) -> Block:
    """The block that a packed header lies in.

    Raises:
        ValueError: if the bytes that should say so are damaged.
    """
    header = HeaderBytes(content)
    header.expect(_ENCODED_HEADER)
    blocks, _ = _streams(header)
    if len(blocks) != 1:
        raise ValueError(f"its header lies in {len(blocks)} blocks")
    return blocks[0]


def _streams(header: HeaderBytes) -> tuple[list[Block], list[_Part]]:
    start, sizes = 0, list[int]()
    blocks: list[Block] = []
    parts: list[_Part] | None = None
    while kind := header.byte():
        if kind == _PACKED:
            start, sizes = _packed_sizes(header)
        elif kind == _UNPACKED:
            blocks = _blocks(header, start, sizes)
        elif kind == _PARTS:
            parts = _parts(header, blocks)
        else:
            raise ValueError(f"its header has an unknown part {kind:#04x}")
    if parts is None:
        parts = [_Part(place, 0, block.unpacked, block.checksum) for place, block in enumerate(blocks)]
    return blocks, parts


def _packed_sizes(header: HeaderBytes) -> tuple[int, list[int]]:
    start, count = header.number(), header.count(limit=_FILE_LIMIT)
    sizes: list[int] = []
    for kind in header.properties(known=(_SIZES, _CHECKSUMS)):
        if kind == _SIZES:
            sizes = [header.number() for _ in range(count)]
        else:
            header.words(header.given(count))
    return _SIGNATURE + start, sizes


@dataclass(frozen=True)
class _Folder:
    coders: tuple[Coder, ...]
    chained: bool
    packed_streams: int
    outputs: int
    last: int


def _blocks(header: HeaderBytes, start: int, sizes: Sequence[int]) -> list[Block]:
    header.expect(_FOLDERS)
    count = header.count(limit=_FILE_LIMIT)
    header.inline()
    folders = [_folder(header) for _ in range(count)]
    header.expect(_UNPACKED_SIZES)
    unpacked = [[header.number() for _ in range(folder.outputs)][folder.last] for folder in folders]
    checksums: list[int | None] = [None] * count
    for _ in header.properties(known=(_CHECKSUMS,)):
        checksums = header.words(header.given(count))
    if sum(folder.packed_streams for folder in folders) > len(sizes):
        raise ValueError("its header names more packed streams than it has")
    streams = iter(sizes)
    blocks = []
    for folder, size, checksum in zip(folders, unpacked, checksums, strict=True):
        packed = sum(itertools.islice(streams, folder.packed_streams))
        blocks.append(Block(start, packed, size, checksum, folder.coders, folder.chained))
        start += packed
    return blocks


def _folder(header: HeaderBytes) -> _Folder:
    coders, inputs, outputs = [], 0, 0
    for _ in range(header.count(limit=_CODER_LIMIT)):
        flags = header.byte()
        method = header.take(flags & 0x0F)
        more_inputs, more_outputs = (header.number(), header.number()) if flags & 0x10 else (1, 1)
        inputs, outputs = inputs + more_inputs, outputs + more_outputs
        coders.append(Coder(method, header.take(header.number()) if flags & 0x20 else b""))
        if flags & 0x80 or max(inputs, outputs) > _CODER_LIMIT:
            raise ValueError("its header has a way of packing that no version of 7-Zip has")
    feeds = {header.number(): header.number() for _ in range(outputs - 1)}
    packed_streams = inputs - len(feeds)
    if packed_streams > 1:
        for _ in range(packed_streams):
            header.number()
    last = set(range(outputs)) - set(feeds.values())
    if not coders or len(last) != 1 or packed_streams < 1:
        raise ValueError("its header does not say how a block is packed")
    order = [*last]
    while order[-1] in feeds and len(order) < len(coders):
        order.append(feeds[order[-1]])
    chained = inputs == outputs == len(coders) == len(order)
    return _Folder(
        tuple(coders[place] for place in order) if chained else tuple(coders), chained, packed_streams, outputs, *last
    )


def _parts(header: HeaderBytes, blocks: Sequence[Block]) -> list[_Part]:
    counts = [1] * len(blocks)
    sizes: list[list[int]] | None = None
    given: list[int | None] = []
    for kind in header.properties(known=(_COUNTS, _SIZES, _CHECKSUMS)):
        if kind == _COUNTS:
            counts = [header.count(limit=_FILE_LIMIT) for _ in blocks]
            if sum(counts) > _FILE_LIMIT:
                raise ValueError(f"its header declares {sum(counts)} files")
        elif kind == _SIZES:
            sizes = [[header.number() for _ in range(count - 1)] for count in counts]
        else:
            owed = sum(_owed(block, count) for block, count in zip(blocks, counts, strict=True))
            given = header.words(header.given(owed))
    checksums = iter(given)
    parts = []
    for place, (block, count) in enumerate(zip(blocks, counts, strict=True)):
        ends = list(itertools.accumulate(sizes[place] if sizes else []))[:count]
        if len(ends) + 1 < count or (ends and ends[-1] > block.unpacked):
            raise ValueError("its header gives files that do not fit into their block")
        for offset, end in itertools.pairwise([0, *ends, block.unpacked] if count else []):
            checksum = next(checksums, None) if _owed(block, count) else block.checksum
            parts.append(_Part(place, offset, end - offset, checksum))
    return parts


def _owed(block: Block, count: int) -> int:
    """How many checksums of its files a block leaves to be given: none if its own is that of its one file."""
    return 0 if count == 1 and block.checksum is not None else count


def _files(header: HeaderBytes, parts: Sequence[_Part]) -> Iterator[PackedFile]:
    count = header.count(limit=_FILE_LIMIT)
    properties: dict[int, HeaderBytes] = {}
    while kind := header.byte():
        properties[kind] = HeaderBytes(header.take(header.number()))
    empty = properties[_EMPTY_STREAM].bits(count) if _EMPTY_STREAM in properties else [False] * count
    blank = [False] * sum(empty)
    is_file = properties[_EMPTY_FILE].bits(len(blank)) if _EMPTY_FILE in properties else blank
    is_anti = properties[_ANTI].bits(len(blank)) if _ANTI in properties else blank
    if count - len(blank) != len(parts):
        raise ValueError(f"its header has {count - len(blank)} files with content, its blocks {len(parts)}")
    full, hollow = iter(parts), iter(zip(is_file, is_anti, strict=True))
    for name, attributes, nothing in zip(_names(properties, count), _attributes(properties, count), empty, strict=True):
        if not nothing:
            part = next(full)
            yield PackedFile(name, part.size, part.checksum, part.block, part.offset, attributes)
        elif next(hollow) == (True, False):
            yield PackedFile(name, 0, None, -1, 0, attributes)


def _names(properties: dict[int, HeaderBytes], count: int) -> list[str]:
    if _NAMES not in properties:
        raise ValueError("its header has no names")
    stored = properties[_NAMES]
    stored.inline()
    names = stored.rest().decode("utf-16-le", "surrogatepass").split("\0")
    if len(names) != count + 1 or names[-1]:
        raise ValueError(f"its header has {len(names) - 1} names for {count} files")
    return names[:-1]


def _attributes(properties: dict[int, HeaderBytes], count: int) -> list[int]:
    if _ATTRIBUTES not in properties:
        return [0] * count
    stored = properties[_ATTRIBUTES]
    given = stored.given(count)
    stored.inline()
    return [number or 0 for number in stored.words(given)]
