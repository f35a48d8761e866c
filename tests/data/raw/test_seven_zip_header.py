# SPDX-License-Identifier: Apache-2.0
"""What the header of a 7z archive says is believed as far as it can be."""

from __future__ import annotations

import stat
import struct
import tracemalloc
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seven_zips import FILES, START, contents_of, header_of, pack_7z, put_header, write_7z

from bonefide.data.raw._seven_zip_header import parse_header
from bonefide.data.raw._source import RawSource
from bonefide.errors import BonefideError, DataError, RawFileError


@pytest.fixture
def py7zr() -> ModuleType:
    return pytest.importorskip("py7zr")


def test_truncated_archives_are_refused(tmp_path: Path) -> None:
    path = write_7z(tmp_path / "raw.7z")
    whole = path.read_bytes()
    for cut in (6, 20, 31, 32, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="truncated or damaged 7z archive; download or copy it again"):
            RawSource(path)


def test_a_damaged_header_is_refused(tmp_path: Path, py7zr: ModuleType) -> None:
    for path in (write_7z(tmp_path / "plain.7z"), pack_7z(py7zr, tmp_path / "packed.7z")):
        whole = path.read_bytes()
        (offset,) = struct.unpack("<Q", whole[12:20])
        for place in (9, 13, 25, START + offset, START + offset + 5, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            with pytest.raises(DataError, match="truncated or damaged 7z archive"):
                RawSource(path)


def test_volumes_are_explained(tmp_path: Path) -> None:
    whole = write_7z(tmp_path / "whole.7z").read_bytes()
    for number, part in enumerate((whole[:3000], whole[3000:]), start=1):
        path = tmp_path / f"raw.7z.00{number}"
        path.write_bytes(part)
        with pytest.raises(DataError, match=r"one of several volumes; join them .*: cat raw\.7z\.\* > raw\.7z"):
            RawSource(path)
    path.write_bytes(whole)
    assert len(RawSource(path).members) == len(FILES), "a single volume is whole"


@pytest.mark.parametrize("header", [False, True])
def test_encrypted_archives_are_refused(tmp_path: Path, py7zr: ModuleType, header: bool) -> None:
    path = tmp_path / "raw.7z"
    with py7zr.SevenZipFile(path, "w", password="secret", header_encryption=header) as archive:
        archive.writestr(b"x", "a.txt")
    with pytest.raises(DataError, match="is encrypted; unpack it with its password"):
        RawSource(path)


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    path = write_7z(tmp_path / "raw.7z", {"a.txt": bytes(range(250)) * 4, "b.txt": b"x"})
    header = header_of(path)
    size, more, less = b"\x83\xe8", b"\x83\xff", b"\x83\x01"
    assert header.count(size) == 1, "1000 bytes, as 7z writes numbers"
    put_header(path, header.replace(size, less))
    assert contents_of(RawSource(path)) == {"a.txt": "checksum", "b.txt": "checksum"}
    put_header(path, header.replace(size, more))
    with pytest.raises(DataError, match="do not fit into their block"):
        RawSource(path)


def test_declared_counts_are_not_believed(tmp_path: Path) -> None:
    path = write_7z(tmp_path / "raw.7z")
    huge = b"\xff" + b"\xff" * 7 + b"\x7f"
    headers = [
        b"\x01\x05" + huge + b"\x00",
        b"\x01\x04\x06\x00" + huge + b"\x09",
        b"\x01\x04\x07\x0b" + huge + b"\x00",
        b"\x01\x04\x06\x00\x01\x09\x05\x00\x07\x0b\x01\x00\x01\x01\x00\x0c"
        + huge
        + b"\x00\x08\x0d"
        + huge
        + b"\x00\x00\x00",
        b"\x01\x05\xdf\xff\xff\x11\x01\x00",
    ]
    tracemalloc.start()
    for header in headers:
        put_header(path, header)
        with pytest.raises(DataError, match="truncated or damaged"):
            RawSource(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_header_that_is_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = write_7z(tmp_path / "raw.7z", {"a.txt": bytes(30_000_000)})
    streams = header_of(path)[2:]
    encoded = b"\x17" + streams[: streams.index(b"\x05\x01")]
    put_header(path, encoded)
    with pytest.raises(DataError, match="its header has 30000000 bytes"):
        RawSource(path)


def test_a_huge_dictionary_is_not_allocated(tmp_path: Path) -> None:
    path = write_7z(tmp_path / "raw.7z")
    put_header(path, header_of(path).replace(b"\x21\x21\x01\x10", b"\x21\x21\x01\x28"))
    tracemalloc.start()
    assert contents_of(RawSource(path)) == FILES
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@settings(max_examples=300, deadline=2000)
@given(where=st.floats(0, 0.999), cut=st.integers(0, 12), put=st.binary(max_size=12))
def test_hostile_headers_never_crash(
    tmp_path_factory: pytest.TempPathFactory, where: float, cut: int, put: bytes
) -> None:
    """The checksums of the header fit, so that its content is believed as far as it can be."""
    path = write_7z(tmp_path_factory.getbasetemp() / "hostile.7z", {**FILES, "c": b"", "d": b"xyz"})
    header = header_of(path)
    place = int(where * len(header))
    put_header(path, header[:place] + put + header[place + cut :])
    try:
        source = RawSource(path)
    except BonefideError:
        return
    for name, content in contents_of(source).items():
        assert isinstance(content, str) or len(content) <= 2**20, name


@settings(max_examples=300, deadline=2000)
@given(content=st.binary(max_size=200))
def test_no_header_crashes_the_parser(content: bytes) -> None:
    try:
        found = parse_header(b"\x01" + content)
    except ValueError:
        return
    assert len(found.files) <= 8 * len(content)


@settings(max_examples=100, deadline=2000)
@given(where=st.floats(0, 0.999), cut=st.integers(0, 30), put=st.binary(max_size=30))
def test_corruption_never_crashes(tmp_path_factory: pytest.TempPathFactory, where: float, cut: int, put: bytes) -> None:
    path = write_7z(tmp_path_factory.getbasetemp() / "corrupted.7z")
    whole = path.read_bytes()
    place = int(where * len(whole))
    path.write_bytes(whole[:place] + put + whole[place + cut :])
    try:
        source = RawSource(path)
    except BonefideError:
        return
    for name, content in contents_of(source).items():
        assert content in ("checksum", FILES[name])


def test_links_and_folders_are_passed_over(tmp_path: Path, py7zr: ModuleType) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"x")
    (folder / "link.txt").symlink_to("a.txt")
    with py7zr.SevenZipFile(tmp_path / "raw.7z", "w") as archive:
        archive.writeall(folder, "raw")
    source = RawSource(tmp_path / "raw.7z")
    assert (source.members, source.refused) == ((("raw/a.txt", 1),), ("raw/link.txt",))

    path = write_7z(tmp_path / "special.7z", {"fifo.txt": b"x", "b.txt": b"y"})
    plain, fifo = (struct.pack("<L", kind << 16 | 0o644 << 16 | 0x8020) for kind in (stat.S_IFREG, stat.S_IFIFO))
    put_header(path, header_of(path).replace(plain, fifo, 1))
    assert RawSource(path).refused == ("fifo.txt",)
    put_header(path, header_of(path).replace(fifo, struct.pack("<L", 0x400), 1))
    assert RawSource(path).refused == ("fifo.txt",)


def test_hostile_and_hidden_names_are_passed_over(tmp_path: Path) -> None:
    hostile = ["../up.txt", "a/../../up.txt", "/root.txt", "C:/drive.txt", "a\\..\\up.txt"]
    hidden = [".DS_Store", "__MACOSX/a.txt", "all/._a.txt"]
    source = RawSource(write_7z(tmp_path / "raw.7z", dict.fromkeys([*hostile, "fine.txt", *hidden], b"x")))
    assert source.members == (("fine.txt", 1),)
    assert source.refused == tuple(sorted(hostile))
    with pytest.raises(RawFileError, match="no such file"):
        source.read("../up.txt")
