# SPDX-License-Identifier: Apache-2.0
"""What the writers write, read by readers of others."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bonefide.data.synthetic._archives import Archive, seven_zip_archive, zip_archive
from bonefide.errors import OutputError

Writer = Callable[[Path], AbstractContextManager[Archive]]
FILES = {
    "skeleton/0002-L.txt": b"0.1 0.2 " * 5000,
    "skeleton/0001-M.txt": os.urandom(3000),
    "empty.txt": b"",
    "label/\u00fcber.txt": b"1,2,3,1",
}
BOTH = pytest.mark.parametrize("writer", [zip_archive, seven_zip_archive])


def _write(writer: Writer, path: Path, files: dict[str, bytes] | None = None) -> Path:
    with writer(path) as archive:
        for name, content in (FILES if files is None else files).items():
            archive.add(name, content)
    return path


def _break(writer: Writer, path: Path, fault: Exception) -> None:
    with writer(path) as archive:
        archive.add("a.txt", b"x" * 1000)
        raise fault


def _unpack(path: Path) -> dict[str, bytes]:
    py7zr = pytest.importorskip("py7zr")
    unpacked = py7zr.io.BytesIOFactory(2**30)
    with py7zr.SevenZipFile(path) as archive:
        names = archive.namelist()
        archive.extractall(path="/", factory=unpacked)
    return {name: unpacked.get(f"/{name}").read() for name in names}


def test_zip_archives_are_read_by_zipfile(tmp_path: Path) -> None:
    with zipfile.ZipFile(_write(zip_archive, tmp_path / "x.zip")) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.testzip() is None


@pytest.mark.parametrize(
    "files", [FILES, {"a": b"x"}, {"a": b""}, {f"{number}.txt": b"x" * number for number in range(300)}]
)
def test_7z_archives_are_read_by_py7zr(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = _write(seven_zip_archive, tmp_path / "x.7z", files)
    found = _unpack(path)
    assert found == files
    assert list(found) == list(files), "files stand in the order in which they were added"


def test_7z_archives_are_one_solid_block_with_checksums(tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(_write(seven_zip_archive, tmp_path / "x.7z")) as archive:
        information = archive.archiveinfo()
        assert (information.solid, information.blocks, information.method_names) == (True, 1, ["LZMA2"])
        assert all(entry.crc32 is not None for entry in archive.list() if entry.uncompressed)


@BOTH
def test_same_files_same_bytes(tmp_path: Path, writer: Writer) -> None:
    first = _write(writer, tmp_path / "first").read_bytes()
    assert _write(writer, tmp_path / "second").read_bytes() == first
    assert _write(writer, tmp_path / "third", {**FILES, "empty.txt": b"x"}).read_bytes() != first


@BOTH
def test_an_unfinished_archive_leaves_nothing_behind(tmp_path: Path, writer: Writer) -> None:
    path = tmp_path / "people"
    path.write_bytes(b"precious")
    with pytest.raises(ZeroDivisionError):
        _break(writer, path, ZeroDivisionError())
    with pytest.raises(OutputError, match="full while writing"):
        _break(writer, path, OSError(errno.ENOSPC, "No space left on device"))
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"people": b"precious"}


@pytest.mark.parametrize(("writer", "kind"), [(zip_archive, "zip"), (seven_zip_archive, "7z")])
def test_a_folder_in_the_way_is_one_sentence(tmp_path: Path, writer: Writer, kind: str) -> None:
    with pytest.raises(OutputError, match=f"a folder has that name; give the path of a {kind} file"):
        _write(writer, tmp_path)
