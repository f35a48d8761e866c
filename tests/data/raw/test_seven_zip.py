# SPDX-License-Identifier: Apache-2.0
"""7z archives, written by py7zr and by the synthetic writer, sound, damaged and hostile."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.raw import _seven_zip
from bonefide.data.raw._seven_zip_header import parse_header
from bonefide.data.raw._source import RawSource
from bonefide.data.synthetic._archives import seven_zip_archive
from bonefide.errors import BonefideError, DataError, RawFileError

FILES = {
    "skeleton/b.txt": b"0.25 0.5 " * 4000,
    "skeleton/a.txt": random.Random(0).randbytes(5000),
    "label/empty.txt": b"",
    "label/\u00fcber.txt": b"1,2,3,1\r\n",
}
MORE = {"later/c.txt": b"in a block of its own " * 300}
START = 32


@pytest.fixture
def py7zr() -> ModuleType:
    return pytest.importorskip("py7zr")


def _write(path: Path, files: dict[str, bytes] | None = None) -> Path:
    with seven_zip_archive(path) as archive:
        for name, content in (FILES if files is None else files).items():
            archive.add(name, content)
    return path


def _pack(py7zr: ModuleType, path: Path, filters: Any = None, **options: Any) -> Path:
    """Two blocks."""
    for mode, files in (("w", FILES), ("a", MORE)):
        with py7zr.SevenZipFile(path, mode, filters=filters, **options) as archive:
            for name, content in files.items():
                archive.writestr(content, name)
    return path


def _contents(source: RawSource) -> dict[str, bytes | str]:
    """Contents, or codes of faults, in the cheapest order."""
    stream = source.stream(source.order([name for name, _ in source.members]))
    return {name: content.code if isinstance(content, RawFileError) else content for name, content in stream}


def _header(path: Path) -> bytes:
    offset, length = struct.unpack("<QQ", path.read_bytes()[12:28])
    return path.read_bytes()[START + offset : START + offset + length]


def _put_header(path: Path, header: bytes) -> None:
    """Another header, with checksums that fit."""
    content = path.read_bytes()
    (offset,) = struct.unpack("<Q", content[12:20])
    start = struct.pack("<QQL", offset, len(header), zlib.crc32(header))
    path.write_bytes(
        content[:8] + struct.pack("<L", zlib.crc32(start)) + start + content[START : START + offset] + header
    )


def _read_b(source: RawSource) -> bytes:
    return source.read("skeleton/b.txt")


METHODS: dict[str, Callable[[ModuleType], Any]] = {
    "default": lambda py7zr: None,
    "lzma": lambda py7zr: [{"id": py7zr.FILTER_LZMA, "preset": 6}],
    "lzma2": lambda py7zr: [{"id": py7zr.FILTER_LZMA2, "preset": 6}],
    "bzip2": lambda py7zr: [{"id": py7zr.FILTER_BZIP2}],
    "copy": lambda py7zr: [{"id": py7zr.FILTER_COPY}],
    "delta": lambda py7zr: [{"id": py7zr.FILTER_DELTA}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
}


@pytest.mark.parametrize("method", METHODS)
def test_archives_of_py7zr_are_read(tmp_path: Path, py7zr: ModuleType, method: str) -> None:
    # No suffix: an archive is known by its content.
    source = RawSource(_pack(py7zr, tmp_path / "raw", METHODS[method](py7zr)))
    files = {**FILES, **MORE}
    assert source.members == tuple((name, len(files[name])) for name in sorted(files))
    assert _contents(source) == files
    assert source.order(reversed(files)) == list(files), "as they lie in the archive"
    assert {name: source.read(name) for name in sorted(files, reverse=True)} == files
    assert source.sequential


@pytest.mark.parametrize("packing", ["PPMd", "Deflate", "a branch filter and LZMA"])
def test_other_packings_are_a_fault_of_every_member(tmp_path: Path, py7zr: ModuleType, packing: str) -> None:
    filters = {
        "PPMd": [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 20}],
        "Deflate": [{"id": py7zr.FILTER_DEFLATE}],
        "a branch filter and LZMA": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA}],
    }
    source = RawSource(_pack(py7zr, tmp_path / "raw.7z", filters[packing]))
    assert set(_contents(source).values()) == {b"", "compression"}
    with pytest.raises(RawFileError, match=f"packed by {packing}, .* unpack it with 7-Zip and give the folder"):
        source.read("skeleton/b.txt")


def test_archives_folders_and_text_files_mix(tmp_path: Path) -> None:
    first = _write(tmp_path / "one.7z", {"z.txt": b"1", "a.txt": b"2"})
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("m.txt", "3")
        archive.writestr("a.txt", "4")
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "n.txt").write_bytes(b"5")
    (tmp_path / "cross-subject.txt").write_bytes(b"Training videos: ")
    source = RawSource([first, tmp_path / "two.zip", tmp_path / "three", tmp_path / "cross-subject.txt"])
    names = ["a.txt", "cross-subject.txt", "m.txt", "n.txt", "two.zip!/a.txt", "z.txt"]
    assert [name for name, _ in source.members] == names
    assert source.order(names) == ["cross-subject.txt", "m.txt", "n.txt", "two.zip!/a.txt", "z.txt", "a.txt"]
    assert [source.read(name) for name in names] == [b"2", b"Training videos: ", b"3", b"5", b"4", b"1"]
    assert source.sequential
    packed_apart = source.narrowed(["m.txt", "n.txt"])
    assert not packed_apart.sequential
    assert packed_apart.members == (("m.txt", 1), ("n.txt", 1))


def test_streams_follow_the_order_given_and_tell_faults(tmp_path: Path) -> None:
    source = RawSource(_write(tmp_path / "raw.7z"), limit=6000)
    stream = dict(source.stream(["label/\u00fcber.txt", "nowhere.txt", "skeleton/b.txt", "skeleton/a.txt"]))
    assert list(stream) == ["label/\u00fcber.txt", "nowhere.txt", "skeleton/b.txt", "skeleton/a.txt"]
    faults = {name: fault.code for name, fault in stream.items() if isinstance(fault, RawFileError)}
    assert faults == {"nowhere.txt": "read", "skeleton/b.txt": "too_large"}
    assert stream["skeleton/a.txt"] == FILES["skeleton/a.txt"]


def test_read_many_is_all_or_a_fault(tmp_path: Path) -> None:
    source = RawSource(_write(tmp_path / "raw.7z"))
    names = list(reversed(FILES))
    assert list(source.read_many(names).items()) == list(reversed(FILES.items()))
    with pytest.raises(RawFileError, match=r"41009 bytes or more, the limit is 41000 \[too_large\]"):
        source.read_many(names, limit=41000)
    with pytest.raises(RawFileError, match="no such file"):
        source.read_many(["nowhere.txt"])


def test_a_block_is_unpacked_once_where_the_order_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = RawSource(_write(tmp_path / "raw.7z", {f"{number:03}.txt": b"%d" % number for number in range(50)}))
    started: list[int] = []
    unpacker = _seven_zip.Unpacker

    def counted(*arguments: Any) -> Any:
        started.append(1)
        return unpacker(*arguments)

    monkeypatch.setattr(_seven_zip, "Unpacker", counted)
    names = [name for name, _ in source.members]
    source.read_many(list(reversed(names)))
    assert len(started) == 1
    for name in source.order(names):
        source.read(name)
    assert len(started) == 2
    stream = source.stream(names)
    for name in reversed(names):
        assert next(stream) == (names[len(names) - 1 - names.index(name)], b"%d" % (49 - names.index(name)))
        source.read(name)
    assert len(started) == 2 + 1 + 50, "reading at random does not disturb a stream"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux does")
def test_a_stream_closed_early_releases_the_archive(tmp_path: Path) -> None:
    def opened() -> list[str]:
        places = (Path("/proc/self/fd", number) for number in os.listdir("/proc/self/fd"))
        return [os.readlink(place) for place in places if place.is_symlink() and place.exists()]

    path = _write(tmp_path / "raw.7z")
    source = RawSource(path)
    assert str(path) not in opened(), "listing leaves nothing open"
    stream = source.stream(FILES)
    next(stream)
    assert str(path) in opened()
    stream.close()  # type: ignore[attr-defined]
    assert str(path) not in opened()
    with source:
        source.read("skeleton/b.txt")
        assert str(path) in opened()
    assert str(path) not in opened()


def test_other_processes_reopen_it(tmp_path: Path) -> None:
    source = RawSource(_write(tmp_path / "raw.7z"))
    source.read("skeleton/b.txt")
    assert _read_b(pickle.loads(pickle.dumps(source))) == FILES["skeleton/b.txt"]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(RawSource.read, (source, name)) for name in FILES]
        assert [result.get(timeout=60) for result in results] == list(FILES.values())


def test_forked_processes_share_no_place_in_the_archive(tmp_path: Path) -> None:
    """Without pickling: the child goes on with the parent's source."""
    files = {f"{number}.txt": random.Random(number).randbytes(400_000) for number in range(6)}
    source = RawSource(_write(tmp_path / "raw.7z", files))
    assert source.read("0.txt") == files["0.txt"]
    child = os.fork()
    if not child:
        os._exit(0 if source.read("4.txt") == files["4.txt"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert source.read("1.txt") == files["1.txt"]


def test_narrowed_sources_are_small(tmp_path: Path) -> None:
    files = {f"{number:05}.txt": b"%d" % number for number in range(5000)}
    source = RawSource(_write(tmp_path / "raw.7z", files))
    small = source.narrowed(["00017.txt", "04000.txt"])
    assert len(pickle.dumps(small)) < len(pickle.dumps(source)) // 100
    assert _contents(pickle.loads(pickle.dumps(small))) == {"00017.txt": b"17", "04000.txt": b"4000"}


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    digests = [
        RawSource(_write(tmp_path / f"{number}.7z", files)).digest()
        for number, files in enumerate(
            [FILES, dict(reversed(FILES.items())), {**FILES, "label/\u00fcber.txt": b"2,2,3,1\r\n"}]
        )
    ]
    assert digests[0] == digests[1] != digests[2]


def test_truncated_archives_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "raw.7z")
    whole = path.read_bytes()
    for cut in (6, 20, 31, 32, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="truncated or damaged 7z archive; download or copy it again"):
            RawSource(path)


def test_a_damaged_header_is_refused(tmp_path: Path, py7zr: ModuleType) -> None:
    for path in (_write(tmp_path / "plain.7z"), _pack(py7zr, tmp_path / "packed.7z")):
        whole = path.read_bytes()
        (offset,) = struct.unpack("<Q", whole[12:20])
        for place in (9, 13, 25, START + offset, START + offset + 5, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            with pytest.raises(DataError, match="truncated or damaged 7z archive"):
                RawSource(path)


def test_damage_costs_what_it_must(tmp_path: Path, py7zr: ModuleType) -> None:
    stored = _pack(py7zr, tmp_path / "stored.7z", [{"id": py7zr.FILTER_COPY}])
    content = bytearray(stored.read_bytes())
    content[content.index(FILES["skeleton/a.txt"]) + 100] ^= 1
    stored.write_bytes(content)
    assert _contents(RawSource(stored)) == {**FILES, **MORE, "skeleton/a.txt": "checksum"}

    files = {f"{number}.txt": random.Random(number).randbytes(100_000) for number in range(6)}
    packed = _write(tmp_path / "packed.7z", files)
    content = bytearray(packed.read_bytes())
    (offset,) = struct.unpack("<Q", content[12:20])
    content[START + offset // 2 : START + offset // 2 + 70_000] = bytes(70_000)
    packed.write_bytes(content)
    source = RawSource(packed)
    found = _contents(source)
    assert [found["0.txt"], found["1.txt"]] == [files["0.txt"], files["1.txt"]]
    assert [found["4.txt"], found["5.txt"]] == ["checksum", "checksum"]
    with pytest.raises(RawFileError, match="damaged here or before"):
        source.read("5.txt")
    assert source.read("0.txt") == files["0.txt"], "what lies before the damage is read again"


def test_volumes_are_explained(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole.7z").read_bytes()
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


def test_hostile_and_hidden_names_are_passed_over(tmp_path: Path) -> None:
    hostile = ["../up.txt", "a/../../up.txt", "/root.txt", "C:/drive.txt", "a\\..\\up.txt"]
    hidden = [".DS_Store", "__MACOSX/a.txt", "all/._a.txt"]
    source = RawSource(_write(tmp_path / "raw.7z", dict.fromkeys([*hostile, "fine.txt", *hidden], b"x")))
    assert source.members == (("fine.txt", 1),)
    assert source.refused == tuple(sorted(hostile))
    with pytest.raises(RawFileError, match="no such file"):
        source.read("../up.txt")


def test_links_and_folders_are_passed_over(tmp_path: Path, py7zr: ModuleType) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"x")
    (folder / "link.txt").symlink_to("a.txt")
    with py7zr.SevenZipFile(tmp_path / "raw.7z", "w") as archive:
        archive.writeall(folder, "raw")
    source = RawSource(tmp_path / "raw.7z")
    assert (source.members, source.refused) == ((("raw/a.txt", 1),), ("raw/link.txt",))

    path = _write(tmp_path / "special.7z", {"fifo.txt": b"x", "b.txt": b"y"})
    plain, fifo = (struct.pack("<L", kind << 16 | 0o644 << 16 | 0x8020) for kind in (stat.S_IFREG, stat.S_IFIFO))
    _put_header(path, _header(path).replace(plain, fifo, 1))
    assert RawSource(path).refused == ("fifo.txt",)
    _put_header(path, _header(path).replace(fifo, struct.pack("<L", 0x400), 1))
    assert RawSource(path).refused == ("fifo.txt",)


def test_bombs_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.7z"
    with seven_zip_archive(path) as archive:
        for number in range(20):
            archive.add(f"{number}.txt", bytes(10_000_000))
    assert path.stat().st_size < 100_000
    source = RawSource(path)
    begun = time.perf_counter()
    assert set(_contents(source).values()) == {"too_large"}
    assert time.perf_counter() - begun < 0.5


def test_large_members_are_passed_over_and_the_next_is_read(tmp_path: Path) -> None:
    files = {"a.txt": random.Random(1).randbytes(10_000), "b.txt": b"second"}
    source = RawSource(_write(tmp_path / "raw.7z", files), limit=100)
    assert _contents(source) == {"a.txt": "too_large", "b.txt": b"second"}


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    path = _write(tmp_path / "raw.7z", {"a.txt": bytes(range(250)) * 4, "b.txt": b"x"})
    header = _header(path)
    size, more, less = b"\x83\xe8", b"\x83\xff", b"\x83\x01"
    assert header.count(size) == 1, "1000 bytes, as 7z writes numbers"
    _put_header(path, header.replace(size, less))
    assert _contents(RawSource(path)) == {"a.txt": "checksum", "b.txt": "checksum"}
    _put_header(path, header.replace(size, more))
    with pytest.raises(DataError, match="do not fit into their block"):
        RawSource(path)


def test_declared_counts_are_not_believed(tmp_path: Path) -> None:
    path = _write(tmp_path / "raw.7z")
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
        _put_header(path, header)
        with pytest.raises(DataError, match="truncated or damaged"):
            RawSource(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_huge_dictionary_is_not_allocated(tmp_path: Path) -> None:
    path = _write(tmp_path / "raw.7z")
    _put_header(path, _header(path).replace(b"\x21\x21\x01\x10", b"\x21\x21\x01\x28"))
    tracemalloc.start()
    assert _contents(RawSource(path)) == FILES
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_an_archive_without_files_has_none(tmp_path: Path) -> None:
    assert RawSource(_write(tmp_path / "raw.7z", {})).members == ()


@settings(max_examples=300, deadline=2000)
@given(where=st.floats(0, 0.999), cut=st.integers(0, 12), put=st.binary(max_size=12))
def test_hostile_headers_never_crash(
    tmp_path_factory: pytest.TempPathFactory, where: float, cut: int, put: bytes
) -> None:
    """The checksums of the header fit, so that its content is believed as far as it can be."""
    path = _write(tmp_path_factory.getbasetemp() / "hostile.7z", {**FILES, "c": b"", "d": b"xyz"})
    header = _header(path)
    place = int(where * len(header))
    _put_header(path, header[:place] + put + header[place + cut :])
    try:
        source = RawSource(path)
    except BonefideError:
        return
    for name, content in _contents(source).items():
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
    path = _write(tmp_path_factory.getbasetemp() / "corrupted.7z")
    whole = path.read_bytes()
    place = int(where * len(whole))
    path.write_bytes(whole[:place] + put + whole[place + cut :])
    try:
        source = RawSource(path)
    except BonefideError:
        return
    for name, content in _contents(source).items():
        assert content in ("checksum", FILES[name])


def _peak_of_streaming(path: Path, *, members: int, size: int) -> int:
    numbers = random.Random(3)
    text = " ".join(f"{numbers.uniform(-1, 1):.7g}" for _ in range(size // 9)).encode()
    with seven_zip_archive(path) as archive:
        for number in range(members):
            archive.add(f"{number:03}.txt", text)
    source = RawSource(path)
    names = source.order([name for name, _ in source.members])
    tracemalloc.start()
    for name, content in source.stream(names):
        assert content == text, name
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    # Twice a member: its pieces, and what they are joined to.
    assert _peak_of_streaming(tmp_path / "raw.7z", members=20, size=500_000) < 5_000_000


@pytest.mark.slow
def test_memory_stays_far_below_a_large_archive(tmp_path: Path) -> None:
    assert _peak_of_streaming(tmp_path / "raw.7z", members=60, size=5_000_000) < 30_000_000
