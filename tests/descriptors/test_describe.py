# SPDX-License-Identifier: Apache-2.0
"""Sequences have the same images alone and among others; degenerate ones have images too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import NTU, OTHER, UCLA, moving, with_gaps

import bonefide.descriptors
from bonefide.descriptors import describe, names
from bonefide.descriptors.center import center
from bonefide.descriptors.image import image
from bonefide.descriptors.jdd import jdd
from bonefide.errors import DataError, ShapeError, UnknownNameError
from bonefide.layouts import layout
from bonefide.layouts import names as layout_names
from bonefide.layouts.layout import SkeletonLayout

SEQUENCES = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=1, max_size=6)


@settings(deadline=None)
@given(SEQUENCES, st.booleans())
def test_alone_and_among_others(shapes: list[tuple[int, int]], corrected: bool) -> None:
    sequences = [moving(bodies, frames, seed=seed) for seed, (bodies, frames) in enumerate(shapes)]
    together = describe(names(), sequences, NTU, corrected=corrected, size=32)
    for row, sequence in enumerate(sequences):
        alone = describe(names(), [sequence], NTU, corrected=corrected, size=32)
        for name in names():
            np.testing.assert_array_equal(together[name][row], alone[name][0], name)


def test_long_lists_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = [moving(1 + seed % 2, 3 + seed, seed=seed) for seed in range(9)]
    expected = describe(names(), sequences, NTU)
    monkeypatch.setattr(bonefide.descriptors, "_FRAMES_AT_ONCE", 16)
    assert len(bonefide.descriptors._together(sequences)) > 3
    for name, images in describe(names(), sequences, NTU).items():
        np.testing.assert_array_equal(images, expected[name], name)


def test_images_are_of_centred_sequences() -> None:
    joints = moving(2)
    ours = describe(["jdd"], [joints.astype(np.float32)], NTU)["jdd"]
    np.testing.assert_array_equal(ours, image(jdd(center(joints.astype(np.float32), NTU), NTU)))
    assert list(describe(["fdd", "gd"], [joints], NTU)) == ["fdd", "gd"]


def test_nothing_gives_nothing() -> None:
    assert describe([], [moving()], NTU) == {}
    assert describe(["gd"], [], NTU)["gd"].shape == (0, 112, 112, 3)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("skeleton", [NTU, UCLA, OTHER])
def test_degenerate_sequences(skeleton: SkeletonLayout, corrected: bool) -> None:
    joint_count = len(skeleton.joints)
    one = describe(names(), [moving(2, 1, joint_count)], skeleton, corrected=corrected)
    assert one["gd"].any() == corrected
    assert not one["add"].any()
    assert one["jdd"].any()
    assert one["lad"].any()
    still = np.repeat(moving(1, 1, joint_count), 5, axis=1)
    same = describe(names(), [still], skeleton, corrected=corrected)
    assert not same["add"].any()
    assert same["jdd"].any()
    assert same["gd"].any()
    nobody = describe(names(), [np.zeros((2, 4, joint_count, 3))], skeleton, corrected=corrected)
    assert not any(images.any() for images in nobody.values())


def test_two_frames_have_one_step_and_one_smoothed_column() -> None:
    two = describe(["add", "gd"], [moving(1, 2)], NTU)
    assert (two["add"][0] == two["add"][0][:, :1]).all()
    assert two["gd"].any()


def test_corrected_images_do_not_know_where_the_absent_are() -> None:
    joints = with_gaps()
    elsewhere = joints.copy()
    absent = ~joints.any(axis=(2, 3))
    elsewhere[absent] = 7
    ours, moved = (describe(names(), [each], NTU, corrected=True) for each in (joints, elsewhere))
    for name in names():
        np.testing.assert_array_equal(ours[name], moved[name])


@pytest.mark.parametrize("name", layout_names())
def test_every_layout_of_the_package_has_all_five(name: str) -> None:
    skeleton = layout(name)
    images = describe(names(), [moving(2, 20, len(skeleton.joints))], skeleton)
    assert all(each.std() > 10 for each in images.values())


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no 'jda'; did you mean 'jdd'"):
        describe(["gd", "jda"], [moving()], NTU)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="ucla20 has 20 joints, got 25"):
        describe(["gd"], [moving()], UCLA)
    with pytest.raises(ShapeError, match=r"need joints \(M, T, V, 2 or 3\)"):
        describe(["gd"], [np.zeros(3)], NTU)
    with pytest.raises(ShapeError, match="at least 1, got 0"):
        describe(["gd"], [moving()], NTU, size=0)
    joints = moving()
    joints[0, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="finite"):
        describe(["gd"], [moving(), joints], NTU)


def test_torch_is_not_needed() -> None:
    code = "import sys, bonefide.descriptors; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
