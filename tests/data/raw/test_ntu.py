# SPDX-License-Identifier: Apache-2.0
"""The reader of NTU RGB+D: what it gives, what it tolerates, and the code and line of every fault."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ntu.make import FIRST_ID, MEMBER, file_of, person

from bonefide.data.preparation import preparation
from bonefide.data.preparation.ntu_denoise import NTUDenoise
from bonefide.data.raw._skeleton_text import (
    MOST_BODIES,
    MOST_EMPTY_FRAMES,
    BodyList,
    parse_carefully,
    parse_quickly,
)
from bonefide.data.raw.ntu import NTU
from bonefide.errors import BonefideError, RawFileError

A, B = person(8, seed=1), person(8, seed=2, place=1.0)
ID, NEXT_ID = str(FIRST_ID), str(FIRST_ID + 1)
ONE = file_of([[(ID, A[frame])] for frame in range(3)])
TWO = file_of([[], [(ID, A[1])], [(NEXT_ID, B[2]), (ID, A[2])], [(NEXT_ID, B[3])]])


def _fault(content: bytes) -> tuple[str, int | None]:
    with pytest.raises(RawFileError, match=re.escape(MEMBER)) as caught:
        NTU().read(f"folder/{MEMBER}", content)
    assert caught.value.path == f"folder/{MEMBER}"
    return caught.value.code, caught.value.line


def _edited(line: int, *replacement: str, content: bytes = ONE) -> bytes:
    lines = content.decode().split("\r\n")
    lines[line - 1 : line] = replacement
    return "\r\n".join(lines).encode()


def _same(first: BodyList, second: BodyList) -> None:
    assert first.ids == second.ids
    assert first.frames == second.frames
    assert first.trailing == second.trailing
    np.testing.assert_array_equal(first.places, second.places)
    np.testing.assert_array_equal(first.joints, second.joints)
    assert (first.tracked is None) == (second.tracked is None)
    np.testing.assert_array_equal(first.tracked, second.tracked)


def test_bodies_are_gathered_by_id() -> None:
    recording = NTU().read(f"a/b/{MEMBER}", TWO)
    assert (recording.name, recording.label, recording.frames, recording.fps) == (MEMBER[:20], 11, 4, 30.0)
    assert (recording.setup, recording.camera, recording.subject, recording.repeat) == (3, 2, 8, 1)
    first, second = recording.bodies
    assert (first.id, second.id) == (ID, NEXT_ID)
    assert (first.frames.tolist(), first.slots.tolist()) == ([1, 2], [0, 1])
    assert (second.frames.tolist(), second.slots.tolist()) == ([2, 3], [0, 0])
    np.testing.assert_array_equal(first.joints, A[1:3])
    np.testing.assert_array_equal(second.joints, B[2:4])
    assert first.joints.dtype == np.float64
    assert first.tracked is not None
    assert first.tracked.dtype == np.int8
    assert (first.tracked == 2).all()
    assert recording.warnings == ("short_bodies",)


@pytest.mark.parametrize(
    ("member", "belongs"),
    [
        (MEMBER, True),
        (f"nturgb+d_skeletons/{MEMBER}", True),
        (f"windows\\{MEMBER}", True),
        ("S018C001P041R001A120.skeleton", True),
        ("S003C002P008R001A000.skeleton", False),
        ("S003C002P008R001A012.txt", False),
        ("S03C002P008R001A012.skeleton", False),
        ("xS003C002P008R001A012.skeleton", False),
        (f"{MEMBER}/readme", False),
        (f"{MEMBER}\n", False),
        ("S003C002P008R001A01२.skeleton", False),
    ],
)
def test_official_names_only(member: str, belongs: bool) -> None:
    assert NTU().matches(member) is belongs
    if not belongs:
        with pytest.raises(RawFileError) as caught:
            NTU().read(member, ONE)
        assert caught.value.code == "name"


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "empty", None),
        (b" \r\n\t\n", "empty", None),
        (b"\xef\xbb\xbf", "empty", None),
        (ONE.decode().encode("utf-16"), "encoding", None),
        (b"\x1f\x8b\x08" + ONE, "encoding", None),
        (ONE.replace(b"0.05", b"0.0\0"), "encoding", None),
        (ONE.replace(b"0.05", b"\xff.05"), "encoding", None),
        (_edited(1, "3.0"), "count", 1),
        (_edited(1, "-3"), "count", 1),
        (_edited(1, "3 4"), "count", 1),
        (_edited(1, "three"), "count", 1),
        (_edited(2, "one"), "count", 2),
        (_edited(4, "25.0"), "count", 4),
        (_edited(30, "-1"), "count", 30),
        (b"0\r\n", "no_frames", None),
        (b"0\r\n1\r\n", "no_frames", None),
        (b"2\n0\n0\n", "no_frames", None),
        (b"\n".join([b"900", *[b"0"] * 900]), "no_frames", None),
        (_edited(1, "999999999999"), "truncated", 1),
        (_edited(1, "9" * 100_000), "truncated", 1),
        (_edited(1, "4"), "truncated", 85),
        (_edited(2, "1000000000"), "truncated", 2),
        (b"\r\n".join(ONE.split(b"\r\n")[:70]), "truncated", 58),
        (b"\r\n".join(ONE.split(b"\r\n")[:58]), "truncated", 58),
        (b"\r\n".join(ONE.split(b"\r\n")[:59]), "truncated", 58),
        (_edited(4, "20"), "joints", 4),
        (b"1\n1\n7\n20\n" + b"1 2 3\n" * 20, "joints", 4),
        (_edited(6, "0.1 0.2"), "line", 6),
        (_edited(5, "0.1 0.2"), "line", 5),
        (_edited(7, "1 2 3 0 0 0 0 0 0 0 0"), "line", 7),
        (_edited(40, "1 2 3 0 0 0 0 0 0 0 0 2 7"), "line", 40),
        (_edited(9), "line", 29),
        (_edited(10, "1 y 3 0 0 0 0 0 0 0 0 2"), "number", 10),
        (_edited(61, "1 2 3_0 0 0 0 0 0 0 0 0 2"), "number", 61),
        (_edited(61, "1 2 0x1p3 0 0 0 0 0 0 0 0 2"), "number", 61),
        (_edited(61, "1 , 3 0 0 0 0 0 0 0 0 2"), "number", 61),
        (_edited(61, "1 nan(7) 3 0 0 0 0 0 0 0 0 2"), "number", 61),
        (_edited(1, "4", content=_edited(10, "1 y 3 0 0 0 0 0 0 0 0 2")), "number", 10),
        (_edited(40, "1 2", content=_edited(61, "1 y 3 0 0 0 0 0 0 0 0 2")), "line", 40),
        (b"\n\n  \n" + _edited(10, "1 y 3 0 0 0 0 0 0 0 0 2"), "number", 13),
    ],
)
def test_every_fault_has_its_code_and_line(content: bytes, code: str, line: int | None) -> None:
    assert _fault(content) == (code, line)


@pytest.mark.parametrize(
    "content",
    [
        ONE.replace(b"\r\n", b"\n"),
        ONE.replace(b"\r\n", b"\r"),
        ONE.rstrip(),
        b"\xef\xbb\xbf" + ONE,
        ONE.replace(b"\r\n", b"\r\n\r\n"),
        ONE.replace(b"\r\n", b" \r\n \t"),
        ONE.replace(b" ", b"\t"),
        ONE.replace(b" 0 ", b"  0 "),
        file_of([[(ID, A[frame])] for frame in range(3)], fields=f"{'-Infinity NaN ' * 4} 2"),
        file_of([[(ID, A[frame])] for frame in range(3)], fields="? ? ? ? ? ? ? ? 2"),
        file_of([[(ID, A[frame])] for frame in range(3)], fields="0 0 0 0 0 0 0 0 2 more fields"),
    ],
)
def test_oddities_change_nothing(content: bytes) -> None:
    plain, odd = NTU().read(MEMBER, ONE), NTU().read(MEMBER, content)
    assert odd.warnings == ()
    assert [body.id for body in odd.bodies] == [ID]
    np.testing.assert_array_equal(odd.bodies[0].joints, plain.bodies[0].joints)
    np.testing.assert_array_equal(odd.bodies[0].tracked, plain.bodies[0].tracked)


@pytest.mark.parametrize("fields", ["", "0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 3", "0 0 0 0 0 0 0 0 Tracked"])
def test_without_tracking_states(fields: str) -> None:
    body = NTU().read(MEMBER, file_of([[(ID, A[0])]], fields=fields)).bodies[0]
    assert body.tracked is None
    np.testing.assert_array_equal(body.joints, A[:1])


def test_tracking_states_are_per_joint() -> None:
    content = _edited(6, "1 2 3 0 0 0 0 0 0 0 0 1", content=_edited(29, "1 2 3 0 0 0 0 0 0 0 0 0"))
    tracked = NTU().read(MEMBER, content).bodies[0].tracked
    assert tracked is not None
    assert tracked[0, [0, 1, 2, 24]].tolist() == [2, 1, 2, 0]


def test_what_follows_the_last_frame_is_passed_over() -> None:
    for rest in (b"0\r\n", b"garbage\r\n", ONE):
        recording = NTU().read(MEMBER, ONE + rest)
        assert recording.warnings == ("trailing",)
        np.testing.assert_array_equal(recording.bodies[0].joints, A[:3])


def test_a_body_twice_in_a_frame_is_kept_and_said() -> None:
    recording = NTU().read(MEMBER, file_of([[(ID, A[0]), (ID, B[0])], [(ID, A[1])]]))
    assert recording.warnings == ("duplicate_id",)
    assert (recording.bodies[0].frames.tolist(), recording.bodies[0].slots.tolist()) == ([0, 0, 1], [0, 1, 0])


@pytest.mark.parametrize(("frames", "short"), [(11, True), (12, False)])
def test_short_bodies_are_said(frames: int, short: bool) -> None:
    joints = person(frames)
    content = file_of([[(ID, joints[frame]), (NEXT_ID, joints[frame])] for frame in range(frames)])
    assert NTU().read(MEMBER, content).warnings == (("short_bodies",) if short else ())


@pytest.mark.parametrize(("token", "value"), [("NaN", np.nan), ("-Infinity", -np.inf), ("1e999", np.inf)])
def test_what_is_not_finite_is_passed_on(token: str, value: float) -> None:
    joints = NTU().read(MEMBER, _edited(6, f"1 {token} 3 0 0 0 0 0 0 0 0 2")).bodies[0].joints
    np.testing.assert_array_equal(joints[0, 1], [1, value, 3])


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    numbers = st.floats(-5, 5, allow_nan=False).map("{:.7g}".format) | st.sampled_from(
        ["-8.5e-05", "+1.5", "1E3", ".5"]
    )
    known = st.sampled_from([ID, NEXT_ID, "7", "a-body"])
    rest = draw(st.sampled_from(["", " 0", " 0 0 0 0 0 0 0 0 2", " 0 0 0 0 0 0 0 -Infinity 1", " 1 2 3 4 5 6 7 8 x"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", " \n"]))
    lines = []
    counts = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4).filter(any))
    for bodies in counts:
        lines.append(str(bodies))
        for _ in range(bodies):
            triples = draw(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=25))
            lines += [f"{draw(known)} 0 1 1 0 1 0 0.05 -0.1 2", "25"]
            lines += [" ".join(triples[joint % len(triples)]) + rest for joint in range(25)]
    return (end.join([str(len(counts)), *lines]) + draw(st.sampled_from(["", end]))).encode()


@settings(deadline=None, max_examples=60)
@given(_files())
def test_both_ways_of_parsing_agree(content: bytes) -> None:
    quick = parse_quickly(content)
    if quick is not None:
        _same(quick, parse_carefully(MEMBER, content))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("fields", ["", "0", "0 0 0 0 0 0 0 0 2", "-Infinity NaN 0 0 0 0 0 0 1 7"])
def test_files_of_the_sensor_take_the_quick_way(end: str, fields: str) -> None:
    content = file_of([[], [(ID, A[1])], [], [(NEXT_ID, B[2]), (ID, A[2])], []], end=end, fields=fields)
    quick = parse_quickly(content)
    assert quick is not None
    _same(quick, parse_carefully(MEMBER, content))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_damage_gives_an_error_of_ours_and_no_delay(data: st.DataObject) -> None:
    content = bytearray(TWO)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 200)))
        tokens = st.sampled_from([b"\n", b" ", b"-", b"nan", b"25", b"1e400", b"9" * 30, b"\r", b"0\n", b"\t", b"_"])
        content[start:end] = data.draw(tokens | st.binary(max_size=6))
    begin = time.process_time()
    try:
        joints = NTUDenoise()(NTU().read(MEMBER, bytes(content))).joints
    except BonefideError:
        pass
    else:
        assert np.isfinite(joints).all()
    assert time.process_time() - begin < 1


BODY = b"%d\n25\n" + b"0 1 2\n" * 25


@pytest.mark.parametrize("blank", [b" ", b"\t"], ids=["quick", "careful"])
@pytest.mark.parametrize("frames", [1, 1001])
def test_more_bodies_than_a_sensor_ever_meets_are_refused(frames: int, blank: bytes) -> None:
    listed = [b"%d\n" % (1001 // frames) + b"".join(BODY % each for each in range(1001))]
    if frames > 1:
        listed = [b"1\n" + BODY % each for each in range(1001)]
    content = b"".join([b"%d\n" % frames, *listed]).replace(b" ", blank)
    assert _fault(content)[0] == "count"
    accepted = NTU().read(MEMBER, content.replace(b"\n1000\n25", b"\n999\n25"))
    assert len(accepted.bodies) == MOST_BODIES == 1000


@pytest.mark.parametrize("blank", [b" ", b"\t"], ids=["quick", "careful"])
def test_more_empty_frames_than_a_recording_has_are_refused(blank: bytes) -> None:
    def content(empty: int) -> bytes:
        return (b"%d\n1\n" % (empty + 1) + BODY % 7 + b"0\n" * empty).replace(b" ", blank)

    assert _fault(content(MOST_EMPTY_FRAMES + 1)) == ("count", 1)
    assert NTU().read(MEMBER, content(MOST_EMPTY_FRAMES)).frames == 1001


@pytest.mark.parametrize("blank", [b" ", b"\t"], ids=["quick", "careful"])
@pytest.mark.parametrize("bodies", [1, 999])
def test_hostile_numbers_of_bodies_take_no_time(bodies: int, blank: bytes) -> None:
    content = _crowd(30_000, bodies).replace(b" ", blank)
    begin = time.process_time()
    recording = NTU().read(MEMBER, content)
    for name in ("ntu_denoise", "ntu_agcn", "ntu_stgcn", "ntu_slots", "ntu_pyskl"):
        preparation(name)(recording)
    assert time.process_time() - begin < 1.5
    assert len(recording.bodies) == bodies


@pytest.mark.parametrize("blank", [b" ", b"\t"], ids=["quick", "careful"])
def test_crowds_are_refused_soon(blank: bytes) -> None:
    content = _crowd(30_000, 30_000).replace(b" ", blank)
    begin = time.process_time()
    assert _fault(content) == ("count", 3 + 28 * 1000)
    assert time.process_time() - begin < 1.5


def _crowd(frames: int, bodies: int) -> bytes:
    return b"%d\n" % frames + b"".join(b"1\n" + BODY % (each % bodies) for each in range(frames))


@pytest.mark.parametrize(
    "content",
    [
        b"1500000\n" + b"0 \n" * 1_500_000,
        b"\n" * 5_000_000,
        b"9" * 5_000_000,
        b"1\n1\n7\n25\n" + b"1 2 3\n" * 24 + b"1 2 3 4\n" * 600_000,
        b"1\n40000\n" + b"7\n25\n" * 500_000,
    ],
)
def test_hostile_files_are_refused_soon(content: bytes) -> None:
    begin = time.process_time()
    _fault(content)
    assert time.process_time() - begin < 2
