# SPDX-License-Identifier: Apache-2.0
"""Damaged and hostile recordings of one's own: every fault has its code, and nothing takes long."""

from __future__ import annotations

import contextlib
import io
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_files import ARM, ONE, TWO, fault, long, npy, npz, text

from bonefide import layouts
from bonefide.data.raw.arrays import Arrays
from bonefide.errors import RawFileError
from bonefide.layouts import SkeletonLayout

GENERATOR = np.random.default_rng(6)


def hostile_header(shape: str, kind: str = "<f4", version: bytes = b"\x01\x00") -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def objects() -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


MINE = text(ONE[0], names=True)


@pytest.mark.parametrize(
    ("code", "member", "content"),
    [
        ("name", "a.json", b"{}"),
        ("name", "labels.csv", b"name,label\n"),
        ("empty", "a.npy", b""),
        ("empty", "a.npz", b""),
        ("empty", "a.csv", b"\n \r\n"),
        ("npy", "a.npy", b"\x93NUMP"),
        ("npy", "a.npy", b"joints"),
        ("npy", "a.npy", hostile_header("(1, 4, 3)", version=b"\x03\x00")),
        ("npy", "a.npy", hostile_header("(-1, 4, 3)")),
        ("npy", "a.npy", hostile_header("(" + "(" * 3000)),
        ("npy", "a.npy", hostile_header("(True, 4, 3)")),
        ("npy", "a.npy", hostile_header("(" + "1," * 40 + ")")),
        ("truncated", "a.npy", npy(TWO)[:-1]),
        ("truncated", "a.npy", hostile_header("(10000000000000, 4, 3)")),
        ("number", "a.npy", npy(TWO.astype(complex))),
        ("number", "a.npy", npy(np.array([["a"]]))),
        ("number", "a.npy", objects()),
        ("number", "a.npy", npy(TWO > 0)),
        ("shape", "a.npy", npy(TWO[:, :, :3])),
        ("shape", "a.npy", npy(np.zeros((6, 4, 4)))),
        ("shape", "a.npy", npy(np.float64(1))),
        ("persons", "a.npy", npy(np.ones((128, 2, 4, 3)))),
        ("nonfinite", "a.npy", npy(np.where(TWO > 1, np.inf, TWO))),
        ("nonfinite", "a.npy", npy(TWO * 1e39)),
        ("no_frames", "a.npy", npy(np.zeros((0, 4, 3)))),
        ("no_frames", "a.npy", npy(np.zeros((3, 4, 3)))),
        ("no_frames", "a.npy", npy(np.full((3, 4, 3), np.nan))),
        ("too_large", "a.npy", npy(np.zeros((2**23, 4, 2), dtype=np.int8))),
        ("npz", "a.npz", b"PK\x03\x04 and then nothing"),
        ("npz", "a.npz", zipped(joints=npy(TWO))[:-30]),
        ("npz", "a.npz", npz(joints=TWO)[:400] + b"damaged" + npz(joints=TWO)[407:]),
        ("npy", "a.npz", zipped(joints=b"nothing of the kind")),
        ("number", "a.npz", zipped(joints=objects())),
        ("too_large", "a.npz", zipped(joints=hostile_header("(2,)") + bytes(300 * 2**20))),
        ("keys", "a.npz", npz(first=TWO, second=TWO)),
        ("keys", "a.npz", npz(joints=TWO, data=TWO)),
        ("keys", "a.npz", npz(fps=30)),
        ("keys", "a.npz", zipped()),
        ("fps", "a.npz", npz(joints=TWO, fps=-1)),
        ("fps", "a.npz", npz(joints=TWO, fps=[30, 30])),
        ("confidence", "a.npz", npz(joints=TWO, confidence=TWO)),
        ("confidence", "a.npz", npz(joints=TWO, confidence=TWO[..., 0])),
        ("confidence", "a.npz", npz(joints=TWO, confidence=np.full((2, 6, 4), 1e300))),
        ("encoding", "a.csv", b"\xff\xfe1,2\n"),
        ("shape", "a.csv", b"1\n2\n"),
        ("shape", "a.csv", b"," * 20_000),
        ("shape", "a.csv", b"1,2,3\n"),
        ("no_frames", "a.csv", MINE.splitlines()[0]),
        ("line", "a.csv", text(ONE[0]) + b"1,2\n"),
        ("number", "a.csv", text(ONE[0]) + b"1,2,3,4,5,6,7,8,9,10,11,wrong\n"),
        ("number", "a.csv", text(ONE[0]) + b"1_0,2,3,4,5,6,7,8,9,10,11,12\n"),
        ("nonfinite", "a.csv", text(ONE[0]) + b"1e999,2,3,4,5,6,7,8,9,10,11,12\n"),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"left_elbw_x")),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"left_elbow_w")),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"left_elbow_y")),
        ("columns", "a.csv", MINE.replace(b"left_elbow_x", b"time")),
        ("columns", "a.csv", b"frame,time\n1,2\n"),
        ("columns", "a.csv", b"frame,body,person,joint,x,y\n1,1,1,head,1,2\n"),
        ("columns", "a.csv", b"frame,joint,x,y\n1,foot,1,2\n"),
        ("columns", "a.csv", b"frame,joint,x,y\n1,4,1,2\n"),
        ("duplicate", "a.csv", b"frame,joint,x,y\n1,head,1,2\n1,head,1,2\n"),
        ("frame", "a.csv", b"frame,joint,x,y\n1,head,1,2\n1000000000,head,1,2\n"),
        ("number", "a.csv", b"frame,joint,x,y\n1.5,head,1,2\n"),
        ("number", "a.csv", b"frame,joint,x,y\n,head,1,2\n"),
        ("number", "a.csv", b"frame,joint,x,y\n1,head,1,up\n"),
        ("confidence", "a.csv", b"frame,joint,x,y,score\n1,head,1,2,3\n"),
        ("persons", "a.csv", b"frame,person,joint,x,y\n" + b"".join(b"1,%d,head,1,2\n" % n for n in range(128))),
        ("line", "a.csv", b"frame,joint,x,y\n1,head,1\n"),
    ],
)
def test_faults_have_codes(code: str, member: str, content: bytes) -> None:
    assert fault(content, member).code == code


def test_faults_of_text_name_the_line() -> None:
    assert fault(b"\n\n" + text(ONE[0], names=True) + b"\n1,2,3\n", "a.csv").line == 11
    assert "'wrong'" in str(fault(text(ONE[0]) + b"1,2,3,4,5,6,7,8,9,10,11,wrong\n", "a.csv"))
    assert "did you mean 'left_elbow_x'" in str(fault(MINE.replace(b"left_elbow_x", b"left_elbw_x"), "a.csv"))


def test_other_coordinates_than_the_first_are_refused() -> None:
    assert fault(npy(TWO[..., :2]), of=Arrays(ARM, channels=3)).code == "shape"
    assert fault(b"frame,joint,x,y\n1,head,1,2\n", "a.csv", of=Arrays(ARM, channels=3)).code == "shape"


def test_too_many_persons_times_frames_are_refused_before_they_are_made() -> None:
    rows = b"".join(b"%d,%d,0,1,2\n" % (frame, frame % 127) for frame in range(0, 200_000, 10))
    large = SkeletonLayout("large", tuple(f"j{n}" for n in range(50)), (0,) * 50, tuple(range(50)))
    assert fault(b"frame,person,joint,x,y\n" + rows, "a.csv", of=Arrays(large)).code == "too_large"


@pytest.mark.parametrize("form", ["npy", "wide", "named", "blanks", "long", "damaged", "narrow"])
def test_ten_megabytes_take_a_second_at_most(form: str) -> None:
    body = layouts.layout("coco17")
    frame = ",".join(f"{number:.5f}" for number in GENERATOR.normal(size=34))
    header = ",".join(f"{joint}_{axis}" for joint in body.joints for axis in "xy")
    member, content = {
        "npy": ("a.npy", npy(np.ones((36_000, 17, 2)))),
        "wide": ("a.csv", f"{frame}\n".encode() * 36_000),
        "named": ("a.csv", f"{header}\n".encode() + f"{frame}\n".encode() * 36_000),
        "blanks": ("a.txt", f"{frame}\n".replace(",", "  ").encode() * 32_000),
        "long": ("a.csv", long_rows(body.joints)),
        "damaged": ("a.csv", f"{frame}\n".encode() * 36_000 + b"1,2\n"),
        "narrow": ("a.csv", b"1,2\n" * 2_500_000),
    }[form]
    assert 9e6 < len(content) < 12e6
    began = time.process_time()
    with contextlib.suppress(RawFileError):
        Arrays("coco17").read(member, content)
    assert time.process_time() - began < 1.2


def long_rows(joints: tuple[str, ...]) -> bytes:
    rows = (f"{frame},{joint},1.2345,2.3456" for frame in range(19_000) for joint in joints)
    return "\n".join(["frame,joint,x,y", *rows]).encode()


SOUND = {
    "a.npy": npy(TWO),
    "a.npz": npz(joints=TWO, confidence=np.ones((2, 6, 4)), fps=30),
    "a.csv": text(ONE[0], names=True),
    "b.csv": long(TWO),
    "a.txt": text(ONE[0], delimiter=" "),
}


@settings(max_examples=150, deadline=None)
@given(
    member=st.sampled_from(sorted(SOUND)),
    place=st.floats(0, 1),
    cut=st.integers(0, 40),
    put=st.one_of(st.binary(max_size=12), st.sampled_from([b",", b"\n", b'"', b"nan", b"1e999", b"-1", b"9" * 30])),
)
def test_whatever_is_damaged_is_told_or_read(member: str, place: float, cut: int, put: bytes) -> None:
    sound = SOUND[member]
    at = int(place * len(sound))
    content = sound[:at] + put + sound[at + cut :]
    for arrays in (Arrays(ARM), Arrays()):
        with contextlib.suppress(RawFileError):
            recording = arrays.read(member, content)
            assert all(np.isfinite(body.joints).all() for body in recording.bodies)
            assert all(len(body.frames) and body.frames[-1] < recording.frames for body in recording.bodies)
