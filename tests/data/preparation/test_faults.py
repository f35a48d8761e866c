# SPDX-License-Identifier: Apache-2.0
"""What every preparation of NTU RGB+D refuses."""

from __future__ import annotations

import numpy as np
import pytest
from ntu.make import person, recording_of

from bonefide.data.preparation import preparation
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError

every = pytest.mark.parametrize("name", ["ntu_denoise", "ntu_agcn", "ntu_stgcn", "ntu_slots", "ntu_pyskl"])
ALL = range(20)


def _code(name: str, recording: RawRecording) -> str:
    with pytest.raises(RawFileError, match="sample") as caught:
        preparation(name)(recording)
    return caught.value.code


@every
@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e39])
@pytest.mark.parametrize("body", [0, 1, 6])
def test_coordinates_that_are_not_finite(name: str, value: float, body: int) -> None:
    bodies = [person(20, seed=seed, sway=0.1 * seed) for seed in range(7)]
    bodies[body][19, 24, 2] = value
    assert _code(name, recording_of(20, *((ALL, joints) for joints in bodies))) == "nonfinite"


@every
def test_only_zeros(name: str) -> None:
    nothing = np.zeros((20, 25, 3))
    assert _code(name, recording_of(20, (ALL, nothing))) == "zero"
    assert _code(name, recording_of(20, (ALL, nothing), (ALL, nothing))) == "zero"


@every
def test_nobody(name: str) -> None:
    assert _code(name, recording_of(20)) == "no_frames"


@every
def test_other_skeletons(name: str) -> None:
    assert _code(name, recording_of(20, (ALL, person(20)[:, :20]))) == "joints"
    assert _code(name, recording_of(20, (ALL, person(20)), (ALL, person(20)[..., :2]))) == "joints"
