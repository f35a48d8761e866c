# SPDX-License-Identifier: Apache-2.0
"""The reader of PKU-MMD: what it gives, which files are labels, and the code and line of every fault."""

from __future__ import annotations

import pickle
import re
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pkummd.make import LABELS, files, list_text, text, video

from bonefide.data.raw._pkummd_lists import parse_labels, parse_parts
from bonefide.data.raw._pkummd_text import parse_carefully, parse_quickly
from bonefide.data.raw._recording import Informed, RawInterval
from bonefide.data.raw._source import RawSource
from bonefide.data.raw.pkummd import PKUMMD
from bonefide.errors import BonefideError, DataError, RawFileError

MEMBER = "skeleton/0002-M.txt"
ONE = video(4)
BOTH = video(12, seed=1, second=range(3, 7))
ROW = "0.5 " * 149 + "0.5"


def _folder(path: Path, contents: Mapping[str, bytes]) -> RawSource:
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return RawSource(path)


def _fault(content: bytes) -> tuple[str, int | None]:
    with pytest.raises(RawFileError, match=re.escape(MEMBER)) as caught:
        PKUMMD().read(MEMBER, content)
    return caught.value.code, caught.value.line


def test_bodies_are_on_the_frames_where_they_are_not_zero() -> None:
    recording = PKUMMD().read("a/A14N12-R.txt", text(BOTH))
    assert (recording.name, recording.label, recording.frames, recording.fps) == ("A14N12-R", -1, 12, 30.0)
    assert (recording.camera, recording.setup, recording.subject, recording.repeat) == (3, 11412, -1, -1)
    first, second = recording.bodies
    assert (first.id, second.id) == ("1", "2")
    assert (first.frames.tolist(), second.frames.tolist()) == (list(range(12)), [3, 4, 5, 6])
    assert (set(first.slots.tolist()), set(second.slots.tolist())) == ({0}, {1})
    np.testing.assert_array_equal(first.joints, BOTH[:, 0])
    np.testing.assert_array_equal(second.joints, BOTH[3:7, 1])
    assert first.joints.dtype == np.float64
    assert recording.intervals == ()
    assert recording.trains == frozenset()


@pytest.mark.parametrize(("view", "camera"), [("L", 1), ("M", 2), ("R", 3)])
def test_views_are_cameras(view: str, camera: int) -> None:
    recording = PKUMMD().read(f"0291-{view}.txt", text(ONE))
    assert (recording.camera, recording.setup) == (camera, 291)


def test_a_body_alone_in_the_second_place_keeps_it() -> None:
    joints = ONE[:, ::-1].copy()
    (body,) = PKUMMD().read(MEMBER, text(joints)).bodies
    assert (body.id, body.slots.tolist()) == ("2", [1, 1, 1, 1])
    np.testing.assert_array_equal(body.joints, ONE[:, 0])


def test_a_video_without_anybody_has_no_body() -> None:
    assert PKUMMD().read(MEMBER, text(np.zeros((3, 2, 25, 3)))).bodies == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", " \r\n", "\n\n", "\t\n", "\r"])
@pytest.mark.parametrize("between", [" ", "\t", "  "])
@pytest.mark.parametrize("last", [True, False])
def test_odd_blanks_and_line_ends_are_accepted(end: str, between: str, last: bool) -> None:
    content = text(ONE, end=end, between=between)
    recording = PKUMMD().read(MEMBER, content if last else content.rstrip())
    np.testing.assert_array_equal(recording.bodies[0].joints, ONE[:, 0])
    assert recording.frames == 4


def test_the_largest_numbers_are_accepted() -> None:
    content = ("-3e38 " * 150 + "\n").encode() * 2
    for odd in (content, content.replace(b" ", b"  ")):
        assert PKUMMD().read(MEMBER, odd).bodies[1].joints.min() == -3e38


def test_leading_blanks_and_a_byte_order_mark_are_accepted() -> None:
    content = b"\xef\xbb\xbf" + b"".join(b" " + line for line in text(ONE).splitlines(keepends=True))
    np.testing.assert_array_equal(PKUMMD().read(MEMBER, content).bodies[0].joints, ONE[:, 0])


@pytest.mark.parametrize(
    "content",
    [
        text(BOTH),
        text(BOTH)[:-1],
        text(BOTH, end="\r\n"),
        text(BOTH, end=" \t\r\r\n"),
        text(BOTH, end="\r   "),
        text(BOTH, between=" \t  "),
        b"  \n\r" + text(BOTH, end="\n \n  "),
    ],
)
def test_both_ways_of_parsing_agree(content: bytes) -> None:
    quick = parse_quickly(content)
    assert quick is not None
    np.testing.assert_array_equal(quick, parse_carefully(MEMBER, content))


def test_what_stands_behind_the_last_blank_is_seen() -> None:
    first, second = f"{ROW} \n", f"{ROW} 7\n"
    assert _fault((first + second + first).encode()) == ("line", 2)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "empty", None),
        (b"\n \r\n\t\n", "empty", None),
        (b"\xff\xfe1\x002\x00", "encoding", None),
        (ROW.encode() + b"\0\n", "encoding", None),
        ("é".encode() + text(ONE), "encoding", None),
        (f"{ROW}\n{ROW}\n{ROW[:-4]}\n".encode(), "truncated", 3),
        (f"{ROW}\n\n{ROW[:400]}".encode(), "truncated", 3),
        (b"1 2 3", "truncated", 1),
        (f"{ROW}\n{ROW[:-4]}\n{ROW}\n".encode(), "line", 2),
        (f"{ROW}\n{ROW} 1\n".encode(), "line", 2),
        (f"{ROW}\n{ROW} 1\n{ROW}\n".encode(), "line", 2),
        (f"{ROW[:299]}\n{ROW}\n".encode(), "line", 1),
        (f"{ROW}\n{ROW[:-3]}abc\n{ROW}\n".encode(), "number", 2),
        (f"{ROW}\n{ROW[:-3]}1_0\n".encode(), "number", 2),
        (f"{ROW}\n{ROW[:-3]}0x1\n".encode(), "number", 2),
        (f"{ROW}\n{ROW[:-3]}nan\n{ROW}\n".encode(), "nonfinite", 2),
        (f"{ROW}\n{ROW}\n{ROW[:-3]}-inf".encode(), "nonfinite", 3),
        (f"{ROW[:-3]}1e39\n".encode(), "nonfinite", 1),
        (f"{ROW[:-3]}1e999\n".encode(), "nonfinite", 1),
        (f"{'3e38 ' * 149}{'nan'}\n".encode(), "nonfinite", 1),
        (f"{ROW.replace(' ', ',')}\n{ROW}\n".encode(), "line", 1),
    ],
)
def test_faults_have_their_code_and_line(content: bytes, code: str, line: int | None) -> None:
    assert _fault(content) == (code, line)


@pytest.mark.parametrize(
    "member", ["0002.txt", "002-M.txt", "A1N01-L.txt", "0002-X.txt", "0002-M.skeleton", "list.txt"]
)
def test_other_names_are_refused(member: str) -> None:
    assert not PKUMMD().matches(member)
    with pytest.raises(RawFileError) as caught:
        PKUMMD().read(member, text(ONE))
    assert caught.value.code == "name"


@pytest.mark.parametrize("content", [b"\n" * 2_000_000, b"1 " * 1_000_000, b"7" * 2_000_000, ROW.encode() * 2_000])
def test_hostile_files_are_refused_soon(content: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(RawFileError):
        PKUMMD().read(MEMBER, content)
    assert time.perf_counter() - start < 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3_000), st.booleans())
def test_damaged_files_never_crash(junk: bytes, place: int, cut: bool) -> None:
    content = text(ONE)
    damaged = content[:place] + junk + (b"" if cut else content[place:])
    try:
        recording = PKUMMD(labels={"0002-M": parse_labels(junk)}).read(MEMBER, damaged)
    except BonefideError:
        return
    assert all(np.isfinite(body.joints.astype(np.float32)).all() for body in recording.bodies)
    assert all(each.last <= recording.frames for each in recording.intervals)


@pytest.mark.parametrize(
    ("lines", "intervals", "warnings"),
    [
        ("", [], ()),
        ("\n", [], ()),
        ("12,2,5,2", [(11, 2, 5, 0)], ()),
        ("12,2,5,2\n1,4,9,1\n", [(11, 2, 5, 0), (0, 4, 9, 1)], ()),
        ("\n12, 2, 5\r\n\r\n 1 4 9 1 \r\n", [(11, 2, 5, 0), (0, 4, 9, 1)], ()),
        ("51,0,10,2", [(50, 0, 10, 0)], ()),
        ("1,4,11,2", [(0, 4, 10, 0)], ("clamped",)),
        ("1,10,999999999,2", [(0, 10, 10, 0)], ("clamped",)),
        ("52,1,2,2\n1,3,4,2", [(0, 3, 4, 1)], ("label_line",)),
        ("0,1,2,2\n1,3,4,2", [(0, 3, 4, 1)], ("label_line",)),
        ("1,5,4,2\n1,3,4,2", [(0, 3, 4, 1)], ("label_line",)),
        ("1,11,12,2\n1,3,4,2", [(0, 3, 4, 1)], ("label_line",)),
        ("1,2\n1,-3,4\n1,x,4\n1,2.5,4\n1,3,4,2", [(0, 3, 4, 4)], ("label_line",)),
        ("1,3," + "9" * 5_000 + "\n1,3,40,2", [(0, 3, 10, 1)], ("label_line", "clamped")),
    ],
)
def test_labels(lines: str, intervals: list[tuple[int, int, int, int]], warnings: tuple[str, ...]) -> None:
    reader = PKUMMD(labels={"0002-M": parse_labels(lines.encode())})
    recording = reader.read(MEMBER, text(video(10)))
    assert recording.intervals == tuple(RawInterval(*each) for each in intervals)
    assert recording.warnings == warnings


def test_labels_of_any_encoding_do_no_harm() -> None:
    labels = parse_labels(b"\xef\xbb\xbf1,2,3,2\n\xff\xfe\x00,1\n5,6,7,1\n")
    assert [(each.label, each.line) for each in labels.intervals] == [(0, 0), (4, 2)]
    assert labels.damaged


def test_labels_and_lists_are_found_beside_the_videos(tmp_path: Path) -> None:
    source = _folder(tmp_path, files({"0002-M": ONE, "0003-L": BOTH}, training=["0003-L"]))
    plain = PKUMMD()
    assert isinstance(plain, Informed)
    assert [name for name, _ in source.members if plain.matches(name)] == ["skeleton/0002-M.txt", "skeleton/0003-L.txt"]
    assert [name for name, _ in source.members if plain.is_side(name)] == [
        "cross-subject.txt",
        "cross_view.txt",
        "label/0002-M.txt",
        "label/0003-L.txt",
    ]
    reader = pickle.loads(pickle.dumps(plain.informed(source)))
    assert reader.listed == ("xsub", "xview")
    recording = reader.read("skeleton/0003-L.txt", text(BOTH))
    assert recording.intervals == parse_labels(LABELS.encode()).intervals
    assert recording.trains == {"xsub", "xview"}
    assert recording.warnings == ()
    assert reader.read(MEMBER, text(video(12))).trains == frozenset()


def test_videos_without_labels_are_told(tmp_path: Path) -> None:
    contents = files({"0002-M": ONE, "0003-L": ONE})
    del contents["label/0003-L.txt"]
    contents["label/0002-M.txt"] = b""
    del contents["cross-subject.txt"], contents["cross_view.txt"]
    reader = PKUMMD().informed(_folder(tmp_path, contents))
    assert reader.listed == ()
    assert reader.read(MEMBER, text(ONE)).intervals == ()
    with pytest.raises(RawFileError, match=r"no label file 0003-L\.txt") as caught:
        reader.read("skeleton/0003-L.txt", text(ONE))
    assert caught.value.code == "labels"


def test_videos_no_list_names_are_told_and_test(tmp_path: Path) -> None:
    contents = {
        **files({"0002-M": ONE, "0003-L": ONE}, training=["0002-M"]),
        "cross-subject.txt": list_text(["0003-L"], ["0004-R"]),
    }
    reader = PKUMMD().informed(_folder(tmp_path, contents))
    recording = reader.read(MEMBER, text(video(10)))
    assert recording.trains == {"xview"}
    assert recording.warnings == ("unlisted",)


@pytest.mark.parametrize(
    ("member", "protocol"),
    [
        ("a/Split/cross-subject.txt", "xsub"),
        ("cross_subject.txt", "xsub"),
        ("cross_subject_v2.txt", "xsub"),
        ("Cross-View.txt", "xview"),
        ("cross_view_v2.txt", "xview"),
    ],
)
def test_lists_are_known_by_all_their_names(tmp_path: Path, member: str, protocol: str) -> None:
    contents = {"skeleton/0002-M.txt": b"", "label/0002-M.txt": b"", member: list_text(["0002-M"], [])}
    assert PKUMMD().is_side(member)
    assert PKUMMD().informed(_folder(tmp_path, contents)).listed == (protocol,)


def test_lists_may_be_wrapped_and_end_in_commas() -> None:
    content = b"\xef\xbb\xbfTraining videos: 0002-M, \r\n0003-L,\r\n 0004-R ,,\r\nValidation videos:\r\n0005-M.txt,\r\n"
    training, validation = parse_parts("cross-view.txt", content)
    assert training == {"0002-M", "0003-L", "0004-R"}
    assert validation == {"0005-M"}


@pytest.mark.parametrize("content", [b"", b"0002-M, 0003-L\n", b"Validataion videos: \n0002-M\n"])
def test_lists_without_training_videos_are_refused(tmp_path: Path, content: bytes) -> None:
    source = _folder(tmp_path, {**files({"0002-M": ONE}), "cross-subject.txt": content})
    with pytest.raises(DataError, match=r"cross-subject\.txt names no training videos"):
        PKUMMD().informed(source)


@pytest.mark.parametrize("second", ["cross-subject.txt", "v2/cross_subject_v2.txt"])
def test_who_trains_and_validates_is_refused(tmp_path: Path, second: str) -> None:
    contents = files({"0002-M": ONE}, training=["0002-M"])
    contents |= {second: list_text(["0003-M"] if second[0] == "v" else ["0002-M"], ["0002-M"])}
    with pytest.raises(DataError, match=r"\(xsub\): '0002-M' trains and validates; give the lists of one phase"):
        PKUMMD().informed(_folder(tmp_path, contents))


def test_without_labels_it_says_what_to_give(tmp_path: Path) -> None:
    source = _folder(tmp_path, {"skeleton/0002-M.txt": text(ONE), "cross-subject.txt": list_text(["0002-M"], [])})
    with pytest.raises(DataError, match=r"no label file .*--raw SKELETON\.7z --raw LABEL\.7z --raw cross-subject\.txt"):
        PKUMMD().informed(source)


@pytest.mark.parametrize(
    ("skeletons", "labels"),
    [
        ("PKU_Skeleton_Renew", "Train_Label_PKU_final"),
        ("Skeleton", "Label_PKUMMD_v2"),
        ("pku_label_and_skeleton/skeleton", "pku_label_and_skeleton/label"),
        ("labelled/raw_skeleton", "labelled/LABEL"),
        ("all/poses", "all/actions"),
        (".", "actions"),
    ],
)
def test_folders_or_sizes_tell_labels_from_videos(tmp_path: Path, skeletons: str, labels: str) -> None:
    contents = {f"{skeletons}/{name}.txt": text(ONE) for name in ("0002-M", "0003-L")}
    contents |= {f"{labels}/{name}.txt": b"12,1,3,2\n" for name in ("0002-M", "0003-L")}
    source = _folder(tmp_path, contents)
    reader = PKUMMD().informed(source)
    videos = [name for name, _ in source.members if reader.matches(name)]
    assert videos == [name for name, size in source.members if size > 500]
    assert all(len(reader.read(name, source.read(name)).intervals) == 1 for name in videos)
    assert [name for name, _ in source.members if reader.is_side(name)] == sorted(
        name for name, size in source.members if size < 500
    )


def test_folders_may_be_written_as_in_windows() -> None:
    assert PKUMMD().is_side("pku\\label\\0002-M.txt")
    assert PKUMMD().matches("pku\\skeleton\\0002-M.txt")


@pytest.mark.parametrize("archives", [("Skeleton.zip", "Label.zip"), ("Label.zip", "Skeleton.zip"), ("a.zip", "b.zip")])
def test_archives_with_the_same_names_inside_are_told_apart(tmp_path: Path, archives: tuple[str, str]) -> None:
    for path in archives:
        holds_labels = path in ("Label.zip", "b.zip")
        with zipfile.ZipFile(tmp_path / path, "w") as archive:
            archive.writestr("0002-M.txt", b"12,1,3,2\n" if holds_labels else text(ONE))
    source = RawSource([tmp_path / path for path in archives])
    reader = PKUMMD().informed(source)
    (found,) = (name for name, _ in source.members if reader.matches(name))
    assert [each.label for each in reader.read(found, source.read(found)).intervals] == [11]


def test_labels_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    contents = {**files({"0002-M": ONE}, training=["0002-M"]), "label_v2/0002-M.txt": LABELS.encode()}
    assert PKUMMD().informed(_folder(tmp_path, contents)).labels is not None
    with pytest.raises(DataError, match="two label files of 0002-M"):
        PKUMMD().informed(_folder(tmp_path, {**contents, "label_v2/0002-M.txt": b"1,2,3,2\n"}))


def test_labels_that_cannot_be_read_stop_everything(tmp_path: Path) -> None:
    source = _folder(tmp_path, files({"0002-M": ONE}))
    (tmp_path / "label/0002-M.txt").unlink()
    with pytest.raises(RawFileError, match=r"label/0002-M\.txt"):
        PKUMMD().informed(source)
