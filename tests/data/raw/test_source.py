# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import multiprocessing
import os
import pickle
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.raw._source import RawSource
from bonefide.errors import BonefideError, DataError, RawFileError

FILES = {"all/b.json": b"second", "all/a.json": b"first" * 50, "c.json": b""}


def _zip(path: Path, files: dict[str, bytes] | None = None, *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in (files or FILES).items():
            archive.writestr(name, content)
    return path


def _folder(path: Path, files: dict[str, bytes] | None = None) -> Path:
    for name, content in (files or FILES).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def _read_first(source: RawSource) -> bytes:
    return source.read("all/a.json")


def _code(source: RawSource, name: str) -> str:
    with pytest.raises(RawFileError) as caught:
        source.read(name)
    return caught.value.code


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_archives_and_folders_read_alike(tmp_path: Path, compression: int) -> None:
    for place in (_zip(tmp_path / "raw.zip", compression=compression), _folder(tmp_path / "raw")):
        with RawSource(place) as source:
            assert source.members == (("all/a.json", 250), ("all/b.json", 6), ("c.json", 0))
            assert {name: source.read(name) for name, _ in source.members} == FILES
        assert source.read("c.json") == b"", "a closed source opens again"


def test_several_places_are_one_list(tmp_path: Path) -> None:
    first = _zip(tmp_path / "one.zip", {"a.json": b"1", "note.txt": b"one"})
    second = _folder(tmp_path / "two", {"b.json": b"2", "note.txt": b"two"})
    source = RawSource([first, second])
    assert [name for name, _ in source.members] == ["a.json", "b.json", "note.txt", "two!/note.txt"]
    assert (source.read("note.txt"), source.read("two!/note.txt")) == (b"one", b"two")


def test_the_digest_follows_the_content_of_an_archive(tmp_path: Path) -> None:
    digests = [
        RawSource(_zip(tmp_path / f"{number}.zip", files)).digest()
        for number, files in enumerate(
            [FILES, dict(reversed(FILES.items())), {**FILES, "c.json": b"x"}, {**FILES, "all/b.json": b"SECOND"}]
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_missing_places_get_a_guess(tmp_path: Path) -> None:
    _zip(tmp_path / "all_sqe.zip")
    with pytest.raises(DataError, match=r"there is no .*all_seq\.zip; did you mean 'all_sqe\.zip'"):
        RawSource(tmp_path / "all_seq.zip")
    with pytest.raises(DataError, match="there is no"):
        RawSource(tmp_path / "no" / "where")
    with pytest.raises(DataError, match="no raw data"):
        RawSource([])


def test_truncated_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    path = _zip(tmp_path / "raw.zip", {f"{number}.json": os.urandom(200) for number in range(20)})
    whole = path.read_bytes()
    for cut in (len(whole) // 2, len(whole) - 5, 100, 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="truncated or damaged zip archive"):
            RawSource(path)
    for content in (b"", b"Rar!\x1a\x07\x00", b"{}"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="neither a folder nor a zip archive"):
            RawSource(path)


def test_a_damaged_member_is_a_fault_of_that_member(tmp_path: Path) -> None:
    path = _zip(tmp_path / "raw.zip", {"a.json": b"a" * 100, "b.json": b"b" * 100}, compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"aaaa") + 50] ^= 1
    path.write_bytes(content)
    with RawSource(path) as source:
        assert _code(source, "a.json") == "checksum"
        assert source.read("b.json") == b"b" * 100


def test_encrypted_archives_are_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "raw.zip", {"a.json": b"secret"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        RawSource(path)


def test_names_that_leave_and_links_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "raw.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../up.json", "a/../../up.json", "/root.json", "C:/drive.json", "a\\..\\up.json", "fine.json"):
            archive.writestr(name, "x")
        link = zipfile.ZipInfo("link.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    source = RawSource(path)
    assert source.members == (("fine.json", 1),)
    assert len(source.refused) == 6
    assert "link.json" in source.refused


def test_links_and_special_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "raw", {"a.json": b"x"})
    (folder / "link.json").symlink_to("/etc/passwd")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.json")
    source = RawSource(folder)
    assert source.members == (("a.json", 1),)
    assert set(source.refused) == {"link.json", "pipe.json"}


def test_hidden_files_are_not_there(tmp_path: Path) -> None:
    files = {
        "__MACOSX/all/._a.json": b"x",
        ".DS_Store": b"x",
        ".git/a.json": b"x",
        "all/._b.json": b"x",
        "all/a.json": b"y",
    }
    for place in (_zip(tmp_path / "raw.zip", files), _folder(tmp_path / "raw", files)):
        assert RawSource(place).members == (("all/a.json", 1),)


def test_large_members_are_refused_before_they_are_read(tmp_path: Path) -> None:
    for place in (_zip(tmp_path / "raw.zip", compression=zipfile.ZIP_STORED), _folder(tmp_path / "raw")):
        source = RawSource(place, limit=100)
        assert _code(source, "all/a.json") == "too_large"
        assert source.read("all/b.json") == b"second"


def test_bombs_are_refused(tmp_path: Path) -> None:
    source = RawSource(_zip(tmp_path / "raw.zip", {"a.json": bytes(8 * 2**20)}))
    assert _code(source, "a.json") == "too_large"


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    path = _zip(tmp_path / "raw.zip", {"a.json": bytes(range(256)) * 3000})
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(content)
    source = RawSource(path)
    assert source.members == (("a.json", 10),)
    assert _code(source, "a.json") == "checksum"


def test_other_packings_are_refused(tmp_path: Path) -> None:
    source = RawSource(_zip(tmp_path / "raw.zip", {"a.json": b"x"}, compression=zipfile.ZIP_LZMA))
    assert _code(source, "a.json") == "compression"


def test_what_vanishes_is_a_fault_of_that_file(tmp_path: Path) -> None:
    source = RawSource(_folder(tmp_path / "raw"))
    (tmp_path / "raw" / "all" / "a.json").unlink()
    assert _code(source, "all/a.json") == "read"
    assert _code(source, "unknown.json") == "read"
    path = _zip(tmp_path / "raw.zip")
    closed = RawSource(path)
    with closed:
        path.unlink()
        assert closed.read("all/b.json") == b"second", "an open archive stays readable"
    assert _code(closed, "all/b.json") == "read"


def test_a_file_that_grows_is_not_read_beyond_the_limit(tmp_path: Path) -> None:
    source = RawSource(_folder(tmp_path / "raw"), limit=300)
    (tmp_path / "raw" / "all" / "a.json").write_bytes(b"x" * 10_000)
    assert _code(source, "all/a.json") == "too_large"


def test_other_processes_reopen_it(tmp_path: Path) -> None:
    source = RawSource(_zip(tmp_path / "raw.zip"))
    assert _read_first(pickle.loads(pickle.dumps(source))) == FILES["all/a.json"]
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(_read_first, [source] * 4) == [FILES["all/a.json"]] * 4


@settings(max_examples=100, deadline=None)
@given(where=st.floats(0, 0.999), cut=st.integers(0, 30), put=st.binary(max_size=30))
def test_corruption_never_crashes(tmp_path_factory: pytest.TempPathFactory, where: float, cut: int, put: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "corrupted.zip"
    whole = _zip(path).read_bytes()
    place = int(where * len(whole))
    path.write_bytes(whole[:place] + put + whole[place + cut :])
    try:
        source = RawSource(path)
    except BonefideError:
        return
    for name, _ in source.members:
        try:
            source.read(name)
        except BonefideError:
            continue


def test_a_folder_of_downloads_is_opened(tmp_path: Path) -> None:
    for number in (1, 2):
        with zipfile.ZipFile(tmp_path / f"part{number}.zip", "w") as archive:
            archive.writestr(f"take{number}.json", str(number))
    (tmp_path / "list.txt").write_text("all")
    with RawSource(tmp_path) as source:
        assert [name for name, _ in source.members] == ["list.txt", "take1.json", "take2.json"]
        assert source.read("take2.json") == b"2"
    (tmp_path / "take1.json").write_text("unpacked already")
    with RawSource(tmp_path) as source:
        assert [name for name, _ in source.members] == ["list.txt", "part1.zip", "part2.zip", "take1.json"]
