# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.data.preparation.nwucla import NWUCLA
from bonefide.data.preparation.plain import Plain
from bonefide.data.preparation.utdmhad import UTDMHAD
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import RawFileError


def _recording(*bodies: RawBody, frames: int = 5) -> RawRecording:
    return RawRecording("x", 3, frames, None, bodies)


def _body(name: str, frames: list[int], joints: int = 20) -> RawBody:
    places = np.array(frames)
    return RawBody(name, places, np.zeros_like(places), np.random.default_rng(0).normal(size=(len(frames), joints, 3)))


def test_bodies_stay_on_their_true_frames() -> None:
    first, second = _body("7", [0, 1, 4]), _body("9", [2])
    sequence = Plain()(_recording(first, second))
    assert (sequence.name, sequence.label, sequence.joints.shape) == ("x", 3, (2, 5, 20, 3))
    np.testing.assert_array_equal(sequence.joints[0, [0, 1, 4]], first.joints)
    np.testing.assert_array_equal(sequence.joints[1, 2], second.joints[0])
    assert not sequence.joints[0, [2, 3]].any()
    assert not sequence.joints[1, [0, 1, 3, 4]].any()


@pytest.mark.parametrize("preparation", [Plain(), NWUCLA(), UTDMHAD()])
@pytest.mark.parametrize("empty", [_recording(), _recording(frames=0)])
def test_a_recording_without_bodies_is_refused(preparation: Plain, empty: RawRecording) -> None:
    with pytest.raises(RawFileError) as caught:
        preparation(empty)
    assert caught.value.code == "no_frames"
