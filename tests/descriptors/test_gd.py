# SPDX-License-Identifier: Apache-2.0
"""GD against the matrix product it stands for, with the official oddities and without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import NTU, OTHER, UCLA, moving, rotated, with_gaps

from bonefide.descriptors._tables import table
from bonefide.descriptors.gd import gd
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

ANGLES = st.tuples(*[st.floats(-3, 3)] * 3)


def _matrix(layout: SkeletonLayout) -> Array:
    graph = np.eye(len(layout.joints))
    for first, second in table(layout, corrected=False).bones:
        graph[first, second] = graph[second, first] = 1
    return graph / graph.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("layout", [NTU, UCLA, OTHER])
def test_the_matrix_comes_from_the_wrong_side(layout: SkeletonLayout) -> None:
    joints = moving(2, joints=len(layout.joints))
    expected = np.einsum("mtic,ij->mjtc", joints, _matrix(layout)).reshape(-1, 12, 3)
    expected[:, 0] = 0
    ours = gd(joints, layout)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("layout", [NTU, UCLA, OTHER])
def test_corrected_it_is_the_mean_of_neighbours_in_all_frames(layout: SkeletonLayout) -> None:
    joints = moving(2, joints=len(layout.joints))
    expected = np.einsum("ji,mtic->mjtc", _matrix(layout), joints).reshape(-1, 12, 3)
    ours = gd(joints, layout, corrected=True)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_the_published_graph_hangs_tips_and_thumbs_on_hands() -> None:
    weights = _matrix(NTU)
    assert np.flatnonzero(weights[7]).tolist() == [6, 7, 21, 22]
    assert np.flatnonzero(_matrix(OTHER)[21]).tolist() == [21, 22]


@settings(deadline=None)
@given(ANGLES)
def test_it_turns_with_the_body(angles: tuple[float, float, float]) -> None:
    joints = moving(2)
    ours = gd(rotated(joints, angles), NTU)
    np.testing.assert_allclose(ours, rotated(gd(joints, NTU), angles), rtol=0, atol=3e-5)


def test_absent_bodies_are_nan_when_corrected() -> None:
    rows = gd(with_gaps(), NTU, corrected=True).reshape(2, 25, 12, 3)
    absent = np.isnan(rows)
    assert absent[0, :, 0].all()
    assert absent[1][:, [0, 1, 10, 11]].all()
    assert absent.sum() == 5 * 75


def test_one_frame_is_zeros() -> None:
    assert not gd(moving(frames=1), NTU).any()
