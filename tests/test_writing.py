# SPDX-License-Identifier: Apache-2.0
"""Files are whole, or what they were before."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bonefide.errors import OutputError
from bonefide.writing import replacing, write_file


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "new" / "note.txt"
    write_file(file, "one")
    write_file(file, b"two")
    assert file.read_bytes() == b"two"
    assert [each.name for each in file.parent.iterdir()] == ["note.txt"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    file = tmp_path / "note.txt"
    write_file(file, "one")

    def full(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    told = r"full while writing .*note.txt: 5.0 MB are needed, .* MB are free"
    with pytest.raises(OutputError, match=told), replacing(file, needed=5_000_000) as temporary:
        temporary.write_text("two")
    assert file.read_text() == "one"
    assert [each.name for each in tmp_path.iterdir()] == ["note.txt"]


def test_a_failure_of_the_writer_keeps_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    write_file(file, "one")
    with pytest.raises(ZeroDivisionError), replacing(file) as temporary:
        temporary.write_text(str(1 // len(temporary.suffix[4:])))
    assert file.read_text() == "one"
    assert [each.name for each in tmp_path.iterdir()] == ["note.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file/note.txt: .*choose a place you may write to"):
        write_file(tmp_path / "file" / "note.txt", "one")
