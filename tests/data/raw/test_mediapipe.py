# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.raw.mediapipe import MediaPipe
from bonefide.errors import RawFileError
from bonefide.types import Array

BODY = np.random.default_rng(3).uniform(0.1, 0.3, (33, 3)).round(4)


def landmarks(joints: Array, visibility: float | None = 0.75) -> list[dict[str, float]]:
    extra = {} if visibility is None else {"visibility": visibility, "presence": 0.9}
    return [{**dict(zip("xyz", joint, strict=True)), **extra} for joint in joints.tolist()]


ONE = landmarks(BODY)


def read(facts: Any) -> Any:
    return MediaPipe().read("clips/wave.json", facts if isinstance(facts, bytes) else json.dumps(facts).encode())


def code(facts: Any) -> str:
    with pytest.raises(RawFileError) as caught:
        read(facts)
    assert caught.value.path == "clips/wave.json"
    return caught.value.code


FORMS: dict[str, Callable[[list[dict[str, float]]], Any]] = {
    "tasks": lambda one: {"pose_landmarks": [one]},
    "one person": lambda one: {"pose_landmarks": one},
    "protobuf": lambda one: {"pose_landmarks": {"landmark": one}},
    "protobuf alone": lambda one: {"landmark": one},
    "protobufs": lambda one: {"pose_landmarks": [{"landmark": one}]},
    "JavaScript, old": lambda one: {"poseLandmarks": one},
    "JavaScript, new": lambda one: {"landmarks": [one]},
    "bare": lambda one: one,
    "bare persons": lambda one: [one],
}
NOBODY: list[Any] = [
    [],
    None,
    {},
    {"pose_landmarks": []},
    {"poseLandmarks": None},
    {"pose_landmarks": {"landmark": []}},
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    frames = [FORMS[form](ONE), *NOBODY, FORMS[form](ONE)]
    for facts in (frames, {"frames": frames}):
        recording = read(facts)
        assert (recording.name, recording.label, recording.fps) == ("wave", -1, None)
        assert recording.warnings == ("normalized",)
        assert recording.frames == len(NOBODY) + 2
        (body,) = recording.bodies
        assert body.frames.tolist() == [0, len(NOBODY) + 1]
        np.testing.assert_array_equal(body.joints, [BODY, BODY])
        np.testing.assert_array_equal(body.confidence, np.full((2, 33), 0.75, dtype=np.float32))


@pytest.mark.parametrize("key", ["pose_world_landmarks", "poseWorldLandmarks", "world_landmarks", "worldLandmarks"])
def test_world_landmarks_are_preferred(key: str) -> None:
    metres = landmarks(BODY - 0.2, 0.5)
    recording = read({"fps": 25, "frames": [{"pose_landmarks": [ONE], key: [metres]}]})
    assert recording.fps == 25.0
    assert recording.warnings == ("hip_centred",)
    np.testing.assert_allclose(recording.bodies[0].joints[0], BODY - 0.2)
    assert recording.bodies[0].confidence[0, 0] == 0.5
    alone = read([{key: metres}])
    np.testing.assert_array_equal(alone.bodies[0].joints, recording.bodies[0].joints)


def test_image_landmarks_become_pixels_where_the_size_is_known() -> None:
    recording = read({"width": 1280, "height": 720, "frames": [{"pose_landmarks": [ONE]}]})
    np.testing.assert_allclose(recording.bodies[0].joints[0], BODY * (1280, 720, 1280))
    assert recording.warnings == ()
    assert read({"width": 1280, "frames": [{"pose_landmarks": [ONE]}]}).warnings == ("normalized",)


def test_image_landmarks_are_taken_where_some_have_no_world() -> None:
    frames = [{"pose_landmarks": [ONE], "pose_world_landmarks": [ONE]}, {"pose_landmarks": [ONE]}]
    assert read(frames).warnings == ("normalized",)


def test_persons_are_followed_in_the_picture_where_the_world_cannot_tell_them_apart() -> None:
    """Around its own hips everybody is in one place, so only the picture tells who is who."""
    rng = np.random.default_rng(0)
    left, right = BODY, BODY + np.array([0.5, 0.0, 0.0])
    frames = []
    for _ in range(10):
        here = [(landmarks(left), landmarks(0 * BODY + 1)), (landmarks(right), landmarks(0 * BODY + 2))]
        here = [here[place] for place in rng.permutation(2)]
        frames.append({"pose_landmarks": [p for p, _ in here], "pose_world_landmarks": [w for _, w in here]})
    recording = read(frames)
    assert recording.warnings == ("hip_centred", "followed")
    assert sorted({tuple(np.unique(body.joints)) for body in recording.bodies}) == [(1.0,), (2.0,)]
    assert [len(body.frames) for body in recording.bodies] == [10, 10]


def test_visibility_may_be_missing_for_all_or_some() -> None:
    assert read([[landmarks(BODY, None)]]).bodies[0].confidence is None
    some = landmarks(BODY)
    del some[4]["visibility"]
    assert read([[some]]).bodies[0].confidence[0].tolist() == [0.75] * 4 + [0.0] + [0.75] * 28


def test_knows_its_files_by_name() -> None:
    assert MediaPipe().matches("clips/wave.json")
    assert not MediaPipe().matches("wave_000000000000_keypoints.json")
    assert not MediaPipe().matches("wave.json.gz")


def bent(value: Any, key: str = "x") -> list[Any]:
    return [[[{**ONE[0], key: value}, *ONE[1:]]]]


SOUND = json.dumps({"fps": 30, "frames": [{"pose_landmarks": [ONE, ONE]}]}).encode()
FAULTS: dict[str, tuple[str, Any]] = {
    "nothing": ("empty", b""),
    "UTF-16": ("encoding", SOUND.decode().encode("utf-16")),
    "no JSON": ("json", b"x"),
    "cut": ("truncated", SOUND[:-9]),
    "nested": ("depth", b"[" * 200_000),
    "NaN": ("nonfinite", bent(float("nan"))),
    "infinite": ("nonfinite", SOUND.replace(b"0.75", b"1e999")),
    "a number": ("keys", 3),
    "no frames at all": ("keys", {}),
    "frames that are none": ("keys", {"frames": 3}),
    "no frame": ("no_frames", []),
    "no frame in an object": ("no_frames", {"frames": []}),
    "nobody": ("no_frames", NOBODY),
    "a frame that is a number": ("keys", [3]),
    "a frame of something else": ("keys", [{"hand_landmarks": []}]),
    "landmarks that are a number": ("keys", [{"pose_landmarks": 3}]),
    "32 landmarks": ("joints", [[ONE[:32]]]),
    "a person that is a number": ("joints", [{"pose_landmarks": [3]}]),
    "a landmark that is a number": ("keys", [[[ONE[0], *range(32)]]]),
    "no z": ("keys", [[[{"x": 1, "y": 2}] * 33]]),
    "text": ("number", bent("1")),
    "null": ("number", bent(None)),
    "true": ("number", bent(True)),
    "a visibility of text": ("number", bent("1", "visibility")),
    "an integer beyond float": ("number", bent(10**400)),
    "fps 0": ("number", {"fps": 0, "frames": [[ONE]]}),
    "fps true": ("number", {"fps": True, "frames": [[ONE]]}),
    "a hostile width": ("number", {"width": 1e300, "frames": [[ONE]]}),
    "world and image of different persons": ("world", [{"pose_landmarks": [ONE]}, {"pose_world_landmarks": [ONE]}]),
    "a crowd": ("count", [[ONE] * 65]),
    "a key twice": ("keys", b'{"frames": [], "frames": []}'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    expected, facts = FAULTS[fault]
    assert code(facts) == expected


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(SOUND) - 1), cut=st.integers(0, 40), put=st.binary(max_size=20))
def test_corruption_never_crashes(place: int, cut: int, put: bytes) -> None:
    try:
        recording = read(SOUND[:place] + put + SOUND[place + cut :])
    except RawFileError:
        return
    assert all(np.isfinite(body.joints).all() for body in recording.bodies)


KEYS = ["frames", "pose_landmarks", "poseWorldLandmarks", "landmark", "landmarks", "x", "y", "z", "fps"]


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.just(ONE),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=15,
    )
)
def test_any_json_never_crashes(value: object) -> None:
    try:
        recording = read(value)
    except RawFileError:
        return
    assert recording.bodies


def test_ten_megabytes_take_a_second_at_most() -> None:
    rng = np.random.default_rng(0)
    frames = [{"pose_landmarks": [landmarks((BODY + rng.normal(scale=1e-3, size=3)).round(6))]} for _ in range(1000)]
    content = json.dumps({"frames": frames}).encode()
    start = time.process_time()
    read(content)
    assert time.process_time() - start < len(content) / 10e6 * 2, "twice what is promised, for a busy machine"
