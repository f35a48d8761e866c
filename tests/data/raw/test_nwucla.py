# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import make as make_script

from bonefide.data.raw.nwucla import NWUCLA
from bonefide.errors import BonefideError, RawFileError

make = make_script("nwucla")
FAULTS = make.faults()
SOUND = make.content(frames=2)


@pytest.mark.parametrize("frames", [1, 7])
def test_reads_what_the_file_says(frames: int) -> None:
    recording = NWUCLA().read(f"all_sqe/{make.NAME}.json", make.content(frames=frames))
    assert (recording.name, recording.label, recording.frames) == (make.NAME, 1, frames)
    assert (recording.subject, recording.camera, recording.repeat, recording.setup) == (9, 2, 4, -1)
    (body,) = recording.bodies
    np.testing.assert_array_equal(body.joints, np.array(make.skeletons(frames)))
    assert body.frames.tolist() == list(range(frames))
    assert body.joints.dtype == np.float64


@pytest.mark.parametrize(("action", "label"), list(zip(make.ACTIONS, range(10), strict=True)))
def test_labels_follow_the_action_codes(action: int, label: int) -> None:
    name = f"a{action:02}_s01_e00_v03"
    assert NWUCLA().read(f"{name}.json", make.content(name)).label == label


def test_tolerates_what_does_no_harm() -> None:
    member = f"{make.NAME}.json"
    assert NWUCLA().read(member, b"\xef\xbb\xbf" + SOUND + b"\r\n").frames == 2
    assert NWUCLA().read(member, make.content(frames=2, made_by={"tool": ["x"]})).frames == 2
    whole = make.skeletons(2)
    whole[0][0] = [0, 0, 0]
    assert NWUCLA().read(member, make.content(skeletons=whole)).bodies[0].joints[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("member", "matches"),
    [
        ("a01_s01_e00_v01.json", True),
        ("all_sqe/a12_s10_e05_v03.json", True),
        ("C:\\data\\a12_s10_e05_v03.json", True),
        ("a07_s01_e00_v01.json", False),
        ("a01_s01_e00_v01.json.bak", False),
        ("a01_s01_e00_v01", False),
        ("xa01_s01_e00_v01.json", False),
        ("a1_s1_e0_v1.json", False),
        ("a0\u0661_s01_e00_v01.json", False),
    ],
)
def test_knows_its_files_by_name(member: str, matches: bool) -> None:
    assert NWUCLA().matches(member) is matches
    if not matches:
        with pytest.raises(RawFileError) as caught:
            NWUCLA().read(member, SOUND)
        assert caught.value.code == "name"


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    code, content = FAULTS[fault]
    with pytest.raises(RawFileError) as caught:
        NWUCLA().read(f"all_sqe/{make.NAME}.json", content)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"all_sqe/{make.NAME}.json:")


def test_a_label_that_is_true_is_not_1() -> None:
    name = "a01_s01_e00_v01"
    with pytest.raises(RawFileError) as caught:
        NWUCLA().read(f"{name}.json", make.content(name, label=True))
    assert caught.value.code == "label"


def test_broken_json_names_its_line() -> None:
    with pytest.raises(RawFileError) as caught:
        NWUCLA().read(f"{make.NAME}.json", b'{\n"label": 2,\n"skeletons": nonsense}')
    assert caught.value.line == 3


def test_a_hostile_file_is_refused_in_time() -> None:
    start = time.perf_counter()
    for content in (b"[" * 5_000_000, b'{"a":' * 1_000_000, b"9" * 5_000_000, SOUND[:-1] + b" " * 5_000_000):
        with pytest.raises(RawFileError):
            NWUCLA().read(f"{make.NAME}.json", content)
    assert time.perf_counter() - start < 4


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(SOUND) - 1), cut=st.integers(0, 40), put=st.binary(max_size=20))
def test_corruption_never_crashes(place: int, cut: int, put: bytes) -> None:
    damaged = SOUND[:place] + put + SOUND[place + cut :]
    try:
        recording = NWUCLA().read(f"{make.NAME}.json", damaged)
    except BonefideError:
        return
    assert recording.label == 1
    assert np.isfinite(recording.bodies[0].joints).all()


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=15)
)
def test_any_json_for_skeletons_never_crashes(value: object) -> None:
    content = json.dumps({"file_name": make.NAME, "label": 2, "skeletons": value}).encode()
    with pytest.raises(BonefideError):
        NWUCLA().read(f"{make.NAME}.json", content)
