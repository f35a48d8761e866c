# SPDX-License-Identifier: Apache-2.0
"""7z archives for tests, and their headers to be tampered with."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

from bonefide.data.raw._source import RawSource
from bonefide.data.synthetic._archives import seven_zip_archive
from bonefide.errors import RawFileError

FILES = {
    "skeleton/b.txt": b"0.25 0.5 " * 4000,
    "skeleton/a.txt": random.Random(0).randbytes(5000),
    "label/empty.txt": b"",
    "label/\u00fcber.txt": b"1,2,3,1\r\n",
}
MORE = {"later/c.txt": b"in a block of its own " * 300}
START = 32


def write_7z(path: Path, files: dict[str, bytes] | None = None) -> Path:
    with seven_zip_archive(path) as archive:
        for name, content in (FILES if files is None else files).items():
            archive.add(name, content)
    return path


def pack_7z(py7zr: ModuleType, path: Path, filters: Any = None, **options: Any) -> Path:
    """Two blocks."""
    for mode, files in (("w", FILES), ("a", MORE)):
        with py7zr.SevenZipFile(path, mode, filters=filters, **options) as archive:
            for name, content in files.items():
                archive.writestr(content, name)
    return path


def contents_of(source: RawSource) -> dict[str, bytes | str]:
    """Contents, or codes of faults, in the cheapest order."""
    stream = source.stream(source.order([name for name, _ in source.members]))
    return {name: content.code if isinstance(content, RawFileError) else content for name, content in stream}


def header_of(path: Path) -> bytes:
    offset, length = struct.unpack("<QQ", path.read_bytes()[12:28])
    return path.read_bytes()[START + offset : START + offset + length]


def put_header(path: Path, header: bytes) -> None:
    """Another header, with checksums that fit."""
    content = path.read_bytes()
    (offset,) = struct.unpack("<Q", content[12:20])
    start = struct.pack("<QQL", offset, len(header), zlib.crc32(header))
    path.write_bytes(
        content[:8] + struct.pack("<L", zlib.crc32(start)) + start + content[START : START + offset] + header
    )
