# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.data.measures import measure_sequence
from bonefide.layouts import SkeletonLayout

ARM = SkeletonLayout("arm", ("hand", "elbow", "shoulder"), (1, 2, 2), (0, 1, 2))


def _arm() -> np.ndarray:
    """A forearm of 0.3 then 0.5 m, an upper arm of 0.4 m, moving 0.1 m sideways in each frame, frame 2 not seen."""
    joints = np.zeros((2, 5, 3, 3))
    for frame in (0, 1, 3, 4):
        forearm = 0.3 if frame < 2 else 0.5
        joints[0, frame] = [[0, forearm + 0.4, 2], [0, 0.4, 2], [0, 0, 2]]
        joints[0, frame, :, 0] = 0.1 * frame
    return joints


def test_measures_what_is_seen() -> None:
    found = measure_sequence(_arm(), ARM)
    assert found["shape"] == [2, 5, 3, 3]
    assert found["lowest"] == pytest.approx([0, 0, 2])
    assert found["highest"] == pytest.approx([0.4, 0.9, 2])
    assert found["empty_frames"] == pytest.approx(6 / 10)
    assert found["speed"] == pytest.approx(0.1), "no way is counted across the gap"
    assert found["bones"]["hand"] == pytest.approx({"mean": 0.4, "spread": 0.1})
    assert found["bones"]["elbow"] == pytest.approx({"mean": 0.4, "spread": 0.0})


def test_nothing_seen_is_no_error() -> None:
    found = measure_sequence(np.zeros((1, 3, 3, 3)), ARM)
    assert (found["empty_frames"], found["speed"], found["lowest"], found["bones"]["hand"]) == (
        1,
        0,
        [],
        {"mean": 0, "spread": 0},
    )
