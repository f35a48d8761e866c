# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from making import make as make_script

from bonefide.data.raw._matlab import read_matrix
from bonefide.data.raw.utdmhad import UTDMHAD
from bonefide.errors import BonefideError, RawFileError

make = make_script("utdmhad")
FAULTS = make.faults()
MEMBER = f"Skeleton/{make.NAME}_skeleton.mat"


@pytest.mark.parametrize("compressed", [True, False])
def test_reads_what_the_file_says(compressed: bool) -> None:
    recording = UTDMHAD().read(MEMBER, make.content(compressed=compressed))
    assert (recording.name, recording.label, recording.frames) == (make.NAME, 7, 6)
    assert (recording.subject, recording.repeat, recording.camera, recording.setup) == (1, 3, -1, -1)
    np.testing.assert_array_equal(recording.bodies[0].joints, make.joints(6).transpose(2, 0, 1))


def test_a_single_frame_may_lose_its_axis() -> None:
    recording = UTDMHAD().read(MEMBER, make.content(make.joints(1)[:, :, 0]))
    np.testing.assert_array_equal(recording.bodies[0].joints[0], make.joints(1)[:, :, 0])


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
def test_all_real_types_are_read_as_scipy_reads_them(dtype: str) -> None:
    array = (make.joints(4) * 50 + 120).astype(dtype)
    for compressed in (True, False):
        content = make.content(array, compressed=compressed, first=np.arange(3), last="text")
        expected = scipy.io.loadmat(io.BytesIO(content))["d_skel"]
        found = read_matrix(content, "d_skel", limit=2**20)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.float64


def test_small_variables_kept_inside_their_tag_are_read() -> None:
    content = make.content(np.array([[7]], dtype=np.uint8), variable="x")
    assert read_matrix(content, "x", limit=2**20).tolist() == [[7.0]]


@pytest.mark.parametrize(
    ("member", "matches"),
    [
        ("a1_s1_t1_skeleton.mat", True),
        ("Skeleton/a27_s8_t4_skeleton.mat", True),
        ("a28_s1_t1_skeleton.mat", False),
        ("a0_s1_t1_skeleton.mat", False),
        ("a01_s1_t1_skeleton.mat", False),
        ("a1_s9_t1_skeleton.mat", False),
        ("a1_s1_t5_skeleton.mat", False),
        ("a1_s1_t1_inertial.mat", False),
        ("Skeleton_joint_order.txt", False),
    ],
)
def test_knows_its_files_by_name(member: str, matches: bool) -> None:
    assert UTDMHAD().matches(member) is matches
    if not matches:
        with pytest.raises(RawFileError) as caught:
            UTDMHAD().read(member, make.content())
        assert caught.value.code == "name"


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    code, content = FAULTS[fault]
    with pytest.raises(RawFileError) as caught:
        UTDMHAD().read(MEMBER, content)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"{MEMBER}:")


def test_many_packed_variables_share_one_limit() -> None:
    once = make.bomb(2**20)
    content = once[:128] + once[128:] * 4
    with pytest.raises(RawFileError) as caught:
        read_matrix(content, "d_skel", limit=3 * 2**20)
    assert caught.value.code == "too_large"


def test_declared_sizes_reserve_no_memory() -> None:
    _, content = FAULTS["huge declared size"]
    tracemalloc.start()
    with pytest.raises(RawFileError):
        UTDMHAD().read(MEMBER, content)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(compressed=st.booleans(), where=st.floats(0, 0.999), cut=st.integers(0, 40), put=st.binary(max_size=20))
def test_corruption_never_crashes(compressed: bool, where: float, cut: int, put: bytes) -> None:
    sound = make.content(make.joints(2), compressed=compressed)
    place = int(where * len(sound))
    try:
        recording = UTDMHAD().read(MEMBER, sound[:place] + put + sound[place + cut :])
    except BonefideError:
        return
    assert recording.bodies[0].joints.shape[1:] == (20, 3)
    assert np.isfinite(recording.bodies[0].joints).all()
