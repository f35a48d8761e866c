# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD as MAMP reads it: which rows a label names, what is dropped, and every option."""

from __future__ import annotations

import numpy as np
import pytest
from pkummd.make import recording_of, video

from bonefide.data.preparation._preparation import CutsVideos
from bonefide.data.preparation.pkummd_mamp import PKUMMDMAMP
from bonefide.data.raw._recording import RawBody, RawInterval, RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array, SkeletonSequence

TWO = video(20, seed=1, second=range(8, 14))


def _prepared(joints: Array, labels: str, *, inclusive: bool = False) -> list[SkeletonSequence]:
    step = PKUMMDMAMP(inclusive=inclusive)
    return [step(piece) for piece in step.cut(recording_of(joints, labels))]


def _code(joints: Array, labels: str, *, inclusive: bool = False) -> str:
    with pytest.raises(RawFileError, match="0002-M_000") as caught:
        _prepared(joints, labels, inclusive=inclusive)
    return caught.value.code


@pytest.mark.parametrize("inclusive", [False, True])
def test_rows_begin_behind_the_first_frame_or_with_it(inclusive: bool) -> None:
    first, second = _prepared(TWO, "12,2,5,2\n1,4,20,1\n", inclusive=inclusive)
    assert (first.name, first.label, second.name, second.label) == ("0002-M_000", 11, "0002-M_001", 0)
    assert first.joints.dtype == np.float32
    np.testing.assert_array_equal(first.joints, TWO[2 - inclusive : 5, :1].swapaxes(0, 1).astype(np.float32))
    np.testing.assert_array_equal(second.joints, TWO[4 - inclusive : 20].swapaxes(0, 1).astype(np.float32))


def test_a_label_that_counts_from_zero_keeps_its_first_row() -> None:
    for inclusive in (False, True):
        (sequence,) = _prepared(TWO, "1,0,6,2", inclusive=inclusive)
        assert sequence.joints.shape == (1, 6, 25, 3)


def test_pieces_know_their_video() -> None:
    recording = recording_of(TWO, "52,1,2\n12,2,25,2", name="A01N03-R")
    (piece,) = PKUMMDMAMP().cut(recording)
    assert isinstance(PKUMMDMAMP(), CutsVideos)
    assert (piece.name, piece.label, piece.repeat) == ("A01N03-R_001", 11, 2)
    assert (piece.camera, piece.setup, piece.frames) == (3, 10103, 18)
    assert recording.warnings == ("label_line", "clamped")
    assert (piece.warnings, piece.intervals) == ((), ())
    assert [body.frames.tolist() for body in piece.bodies] == [list(range(18)), list(range(6, 12))]


def test_who_trains_is_kept() -> None:
    body = RawBody("1", np.arange(3), np.zeros(3, np.int64), np.ones((3, 25, 3)))
    spans = (RawInterval(0, 1, 3, 0),)
    recording = RawRecording("0002-M", -1, 3, 30.0, (body,), intervals=spans, trains=frozenset({"xsub"}))
    assert [piece.trains for piece in PKUMMDMAMP().cut(recording)] == [{"xsub"}]


def test_the_second_place_is_kept_where_somebody_is_in_it() -> None:
    mirrored = TWO[:, ::-1].copy()
    (sequence,) = _prepared(mirrored, "1,0,6,2")
    assert sequence.joints.shape == (2, 6, 25, 3)
    assert not sequence.joints[0].any()
    np.testing.assert_array_equal(sequence.joints[1], TWO[:6, 0].astype(np.float32))


def test_only_the_first_300_frames_stay() -> None:
    long = video(320, second=range(310, 320))
    (sequence,) = _prepared(long, "1,5,320,2")
    np.testing.assert_array_equal(sequence.joints, long[5:305, :1].swapaxes(0, 1).astype(np.float32))


def test_pieces_without_anybody_go() -> None:
    joints = TWO.copy()
    joints[5:9] = 0
    assert _code(joints, "1,5,9,2") == "zero"
    assert len(_prepared(joints, "1,5,10,2")) == 1


def test_a_single_frame_is_lost_unless_inclusive() -> None:
    assert _code(TWO, "1,5,5,2") == "zero"
    (sequence,) = _prepared(TWO, "1,5,5,2", inclusive=True)
    np.testing.assert_array_equal(sequence.joints, TWO[4:5, :1].swapaxes(0, 1).astype(np.float32))


def test_coordinates_that_cancel_out_go() -> None:
    joints = np.zeros((4, 2, 25, 3))
    joints[:2, 0], joints[2:, 0] = 1, -1
    assert _code(joints, "1,0,4,2") == "zero"
    assert len(_prepared(joints, "1,0,3,2")) == 1


@pytest.mark.parametrize(
    ("joints", "code"), [(np.ones((3, 20, 3)), "joints"), (np.full((3, 25, 3), np.inf), "nonfinite")]
)
def test_bodies_that_cannot_be_used_are_refused(joints: Array, code: str) -> None:
    body = RawBody("1", np.arange(3), np.zeros(3, np.int64), joints)
    with pytest.raises(RawFileError) as caught:
        PKUMMDMAMP()(RawRecording("0002-M_000", 0, 3, 30.0, (body,)))
    assert caught.value.code == code
