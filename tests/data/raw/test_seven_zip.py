# SPDX-License-Identifier: Apache-2.0
"""7z archives, written by py7zr and by the synthetic writer, sound, damaged and hostile."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from seven_zips import FILES, MORE, START, contents_of, pack_7z, write_7z

from bonefide.data.raw import _seven_zip
from bonefide.data.raw._source import RawSource
from bonefide.data.synthetic._archives import seven_zip_archive
from bonefide.errors import RawFileError


@pytest.fixture
def py7zr() -> ModuleType:
    return pytest.importorskip("py7zr")


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
    source = RawSource(pack_7z(py7zr, tmp_path / "raw", METHODS[method](py7zr)))
    files = {**FILES, **MORE}
    assert source.members == tuple((name, len(files[name])) for name in sorted(files))
    assert contents_of(source) == files
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
    source = RawSource(pack_7z(py7zr, tmp_path / "raw.7z", filters[packing]))
    assert set(contents_of(source).values()) == {b"", "compression"}
    with pytest.raises(RawFileError, match=f"packed by {packing}, .* unpack it with 7-Zip and give the folder"):
        source.read("skeleton/b.txt")


def test_archives_folders_and_text_files_mix(tmp_path: Path) -> None:
    first = write_7z(tmp_path / "one.7z", {"z.txt": b"1", "a.txt": b"2"})
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
    source = RawSource(write_7z(tmp_path / "raw.7z"), limit=6000)
    stream = dict(source.stream(["label/\u00fcber.txt", "nowhere.txt", "skeleton/b.txt", "skeleton/a.txt"]))
    assert list(stream) == ["label/\u00fcber.txt", "nowhere.txt", "skeleton/b.txt", "skeleton/a.txt"]
    faults = {name: fault.code for name, fault in stream.items() if isinstance(fault, RawFileError)}
    assert faults == {"nowhere.txt": "read", "skeleton/b.txt": "too_large"}
    assert stream["skeleton/a.txt"] == FILES["skeleton/a.txt"]


def test_read_many_is_all_or_a_fault(tmp_path: Path) -> None:
    source = RawSource(write_7z(tmp_path / "raw.7z"))
    names = list(reversed(FILES))
    assert list(source.read_many(names).items()) == list(reversed(FILES.items()))
    with pytest.raises(RawFileError, match=r"41009 bytes or more, the limit is 41000 \[too_large\]"):
        source.read_many(names, limit=41000)
    with pytest.raises(RawFileError, match="no such file"):
        source.read_many(["nowhere.txt"])


def test_a_block_is_unpacked_once_where_the_order_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = RawSource(write_7z(tmp_path / "raw.7z", {f"{number:03}.txt": b"%d" % number for number in range(50)}))
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

    path = write_7z(tmp_path / "raw.7z")
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
    source = RawSource(write_7z(tmp_path / "raw.7z"))
    source.read("skeleton/b.txt")
    assert _read_b(pickle.loads(pickle.dumps(source))) == FILES["skeleton/b.txt"]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(RawSource.read, (source, name)) for name in FILES]
        assert [result.get(timeout=60) for result in results] == list(FILES.values())


def test_forked_processes_share_no_place_in_the_archive(tmp_path: Path) -> None:
    """Without pickling: the child goes on with the parent's source."""
    files = {f"{number}.txt": random.Random(number).randbytes(400_000) for number in range(6)}
    source = RawSource(write_7z(tmp_path / "raw.7z", files))
    assert source.read("0.txt") == files["0.txt"]
    child = os.fork()
    if not child:
        os._exit(0 if source.read("4.txt") == files["4.txt"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert source.read("1.txt") == files["1.txt"]


def test_narrowed_sources_are_small(tmp_path: Path) -> None:
    files = {f"{number:05}.txt": b"%d" % number for number in range(5000)}
    source = RawSource(write_7z(tmp_path / "raw.7z", files))
    small = source.narrowed(["00017.txt", "04000.txt"])
    assert len(pickle.dumps(small)) < len(pickle.dumps(source)) // 100
    assert contents_of(pickle.loads(pickle.dumps(small))) == {"00017.txt": b"17", "04000.txt": b"4000"}


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    digests = [
        RawSource(write_7z(tmp_path / f"{number}.7z", files)).digest()
        for number, files in enumerate(
            [FILES, dict(reversed(FILES.items())), {**FILES, "label/\u00fcber.txt": b"2,2,3,1\r\n"}]
        )
    ]
    assert digests[0] == digests[1] != digests[2]
    with zipfile.ZipFile(tmp_path / "same.zip", "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    assert RawSource(tmp_path / "same.zip").digest() == digests[0], "whatever archive they come in"


def test_damage_costs_what_it_must(tmp_path: Path, py7zr: ModuleType) -> None:
    stored = pack_7z(py7zr, tmp_path / "stored.7z", [{"id": py7zr.FILTER_COPY}])
    content = bytearray(stored.read_bytes())
    content[content.index(FILES["skeleton/a.txt"]) + 100] ^= 1
    stored.write_bytes(content)
    assert contents_of(RawSource(stored)) == {**FILES, **MORE, "skeleton/a.txt": "checksum"}

    files = {f"{number}.txt": random.Random(number).randbytes(100_000) for number in range(6)}
    packed = write_7z(tmp_path / "packed.7z", files)
    content = bytearray(packed.read_bytes())
    (offset,) = struct.unpack("<Q", content[12:20])
    content[START + offset // 2 : START + offset // 2 + 70_000] = bytes(70_000)
    packed.write_bytes(content)
    source = RawSource(packed)
    found = contents_of(source)
    assert [found["0.txt"], found["1.txt"]] == [files["0.txt"], files["1.txt"]]
    assert [found["4.txt"], found["5.txt"]] == ["checksum", "checksum"]
    with pytest.raises(RawFileError, match="damaged here or before"):
        source.read("5.txt")
    assert source.read("0.txt") == files["0.txt"], "what lies before the damage is read again"


def test_bombs_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.7z"
    with seven_zip_archive(path) as archive:
        for number in range(20):
            archive.add(f"{number}.txt", bytes(10_000_000))
    assert path.stat().st_size < 100_000
    source = RawSource(path)
    begun = time.perf_counter()
    assert set(contents_of(source).values()) == {"too_large"}
    assert time.perf_counter() - begun < 0.5


def test_large_members_are_passed_over_and_the_next_is_read(tmp_path: Path) -> None:
    files = {"a.txt": random.Random(1).randbytes(10_000), "b.txt": b"second"}
    source = RawSource(write_7z(tmp_path / "raw.7z", files), limit=100)
    assert contents_of(source) == {"a.txt": "too_large", "b.txt": b"second"}


def test_an_archive_without_files_has_none(tmp_path: Path) -> None:
    assert RawSource(write_7z(tmp_path / "raw.7z", {})).members == ()


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
