# SPDX-License-Identifier: Apache-2.0
"""Slots by the order of listing."""

from __future__ import annotations

import numpy as np
import pytest
from ntu.make import person

from bonefide.data.preparation._slots import place_slots
from bonefide.data.raw._recording import RawBody, RawRecording

A, B, C = (person(4, seed=seed, place=float(seed)) for seed in range(3))


def _recording() -> RawRecording:
    """Frame 0 lists A B, frame 1 nobody, frame 2 B A C, frame 3 C twice."""
    listed = {"a": ([0, 2], [0, 1], A), "b": ([0, 2], [1, 0], B), "c": ([2, 3, 3], [2, 0, 1], C)}
    bodies = [
        RawBody(name, np.array(frames), np.array(slots), joints[: len(frames)])
        for name, (frames, slots, joints) in listed.items()
    ]
    return RawRecording("sample", 0, 4, 30.0, tuple(bodies))


@pytest.mark.parametrize(("slots", "persons"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_the_kth_listed_is_the_kth(slots: int, persons: int) -> None:
    expected = np.zeros((3, 4, 25, 3))
    expected[0, 0], expected[1, 0] = A[0], B[0]
    expected[0, 2], expected[1, 2], expected[2, 2] = B[1], A[1], C[0]
    expected[0, 3], expected[1, 3] = C[1], C[2]
    placed = place_slots(_recording(), slots)
    assert placed.dtype == np.float64
    np.testing.assert_array_equal(placed, expected[:persons])
    single = place_slots(_recording(), slots, dtype="float32")
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, expected[:persons].astype(np.float32))
