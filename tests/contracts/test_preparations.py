# SPDX-License-Identifier: Apache-2.0
"""What every preparation keeps; the folder says which there are, its layout says what to give it."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from bonefide.data.preparation import names, preparation
from bonefide.data.preparation._options import options_of
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import BonefideError, RawFileError, UnknownNameError
from bonefide.layouts import layout

FRAMES = 40

every = pytest.mark.parametrize("name", names())


def joints_of(name: str) -> int:
    return len(layout(preparation(name).layout or "ntu25").joints)


def recording(name: str, *, bodies: int = 2) -> RawRecording:
    """People who are taller than wide and move, from whom every preparation makes a sample."""
    generator = np.random.default_rng(3)
    seen = []
    for body in range(bodies):
        pose = generator.normal(size=(joints_of(name), 3)) * [0.2, 0.6, 0.1] + [body, 0, 3]
        joints = pose + 0.1 * generator.normal(size=(FRAMES, 1, 3)).cumsum(axis=0)
        seen.append(RawBody(str(body), np.arange(FRAMES), np.full(FRAMES, body), joints))
    return RawRecording("S001C001P001R001A003", 2, FRAMES, 30.0, tuple(seen), 1, 1, 1, 1)


def test_the_folder_was_read() -> None:
    several = {"ntu_denoise", "ntu_agcn", "ntu_stgcn", "ntu_slots", "ntu_pyskl", "nwucla", "utdmhad", "plain"}
    assert set(names()) >= several


@every
def test_its_facts_are_known_before_anything_is_read(name: str) -> None:
    made = preparation(name)
    assert made.version >= 1
    assert made.dtype in {"float16", "float32", "float64"}
    assert not made.layout or layout(made.layout).name == made.layout


@every
def test_options_are_told_and_misspelt_ones_refused(name: str) -> None:
    options = options_of(preparation(name))
    assert preparation(name, json.loads(json.dumps(options))) == preparation(name)
    with pytest.raises(UnknownNameError, match=f"options of {name}: no 'optoin'"):
        preparation(name, {"optoin": 1})
    for option, value in options.items():
        if isinstance(value, str) and value:  # an empty one stands for a name that is looked up later
            with pytest.raises(BonefideError, match=f"{value}x"):
                preparation(name, {option: f"{value}x"})


@every
@pytest.mark.parametrize("bodies", [1, 2])
def test_samples_fit_a_store(name: str, bodies: int) -> None:
    made, given = preparation(name), recording(name, bodies=bodies)
    sequence = made(given)
    assert (sequence.name, sequence.label) == (given.name, given.label)
    persons, frames, joints, channels = sequence.joints.shape
    assert 1 <= persons <= bodies
    assert frames >= 1
    assert (joints, channels) == (joints_of(name), 3)
    stored = sequence.joints.astype(made.dtype)
    assert np.isfinite(stored).all()
    assert stored.any()


@every
def test_nothing_depends_on_chance_or_on_the_process(name: str) -> None:
    made, given = preparation(name), recording(name)
    sent: object = pickle.loads(pickle.dumps(made))
    assert sent == made
    first = made(given).joints
    np.testing.assert_array_equal(first, preparation(name)(recording(name)).joints)


@every
def test_the_recording_is_left_as_it_was(name: str) -> None:
    given, same = recording(name), recording(name)
    preparation(name)(given).joints.setflags(write=False)
    for body, before in zip(given.bodies, same.bodies, strict=True):
        for array in ("frames", "slots", "joints"):
            np.testing.assert_array_equal(getattr(body, array), getattr(before, array))


@every
def test_nobody_is_an_error_of_ours(name: str) -> None:
    with pytest.raises(RawFileError) as caught:
        preparation(name)(recording(name, bodies=0))
    assert caught.value.code in {"no_frames", "zero"}
