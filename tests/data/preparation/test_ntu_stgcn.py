# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
from ntu.make import person, recording_of

from bonefide.data.preparation.ntu_stgcn import NTUSTGCN

A, B, C = (person(20, seed=seed, place=float(seed)) for seed in range(3))


def test_two_bodies_are_taken_as_they_are() -> None:
    recording = recording_of(25, (range(2, 22), A), (range(3, 23), B), (range(20), C))
    sequence = NTUSTGCN()(recording)
    expected = np.zeros((2, 25, 25, 3), dtype=np.float32)
    expected[0, 2:22], expected[1, 3:23] = A, B
    assert (sequence.name, sequence.label, sequence.joints.dtype) == ("sample", 3, np.float32)
    np.testing.assert_array_equal(sequence.joints, expected)


def test_a_lone_body_is_one_person() -> None:
    joints = NTUSTGCN()(recording_of(20, (range(20), A))).joints
    np.testing.assert_array_equal(joints, A[None].astype(np.float32))
