# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.raw._recording import FramesApart, Informed
from bonefide.data.raw._source import RawSource
from bonefide.data.raw.openpose import OpenPose
from bonefide.errors import DataError, RawFileError, ShapeError
from bonefide.types import Array

WAVE = "clips/wave/wave_{:012}_keypoints.json"


def poses(frames: int = 3, persons: int = 2, joints: int = 25, channels: int = 2) -> Array:
    """Coordinates and confidence, (T, M, V, C + 1)."""
    rng = np.random.default_rng(joints)
    body = rng.uniform(1, 200, (joints, channels))
    places = 800.0 * np.arange(persons)[:, None, None] + rng.normal(size=(frames, persons, 1, channels))
    return np.concatenate([body + places, np.full((frames, persons, joints, 1), 0.5)], axis=3).round(3)


def content(people: Array, who: int = -1, **facts: object) -> bytes:
    listed = []
    for each in people:
        flat = each.ravel().tolist()
        solid = each.shape[1] == 4
        plain = each[:, :2] if solid else each
        person = {"person_id": [who], "pose_keypoints_2d": [0.0] * (3 * len(plain)) if solid else flat}
        listed.append({**person, "pose_keypoints_3d": flat if solid else [], **facts})
    return json.dumps({"version": 1.3, "people": listed}).encode()


def files(array: Array, name: str = WAVE) -> dict[str, bytes]:
    return {name.format(t): content(frame) for t, frame in enumerate(array)}


def code(contents: dict[str, bytes] | bytes, reader: OpenPose | None = None) -> str:
    given = {WAVE.format(0): contents} if isinstance(contents, bytes) else contents
    with pytest.raises(RawFileError) as caught:
        (reader or OpenPose()).read_files("clips/wave/wave", given)
    assert caught.value.path.startswith("clips/wave/wave")
    return caught.value.code


def test_keeps_the_contracts() -> None:
    assert isinstance(OpenPose(), Informed)
    assert isinstance(OpenPose(), FramesApart)


@pytest.mark.parametrize(("joints", "channels"), [(25, 2), (18, 2), (25, 3)])
def test_reads_what_the_files_say(joints: int, channels: int) -> None:
    array = poses(joints=joints, channels=channels)
    contents = files(array)
    reader = OpenPose().fitted("a_000_keypoints.json", next(iter(contents.values())))
    assert reader == OpenPose(joints, channels)
    # In whatever order they come.
    recording = reader.read_files("clips/wave/wave", dict(reversed(contents.items())))
    assert (recording.name, recording.label, recording.frames, recording.fps) == ("wave", -1, 3, None)
    assert recording.warnings == ("followed",)
    for number, body in enumerate(recording.bodies):
        np.testing.assert_array_equal(body.joints, array[:, number, :, :-1])
        np.testing.assert_array_equal(body.confidence, np.full((3, joints), 0.5, dtype=np.float32))


def test_two_dimensions_are_read_where_a_third_is_there_for_some() -> None:
    people = json.loads(content(poses(1, 2)[0]))
    people["people"][1]["pose_keypoints_3d"] = poses(1, 1, 25, 3)[0, 0].ravel().tolist()
    member = WAVE.format(0)
    solid = OpenPose().fitted(member, json.dumps(people).encode())
    assert solid.channels == 3
    assert len(solid.read(member, json.dumps(people).encode()).bodies) == 1
    assert len(OpenPose(25, 2).read(member, json.dumps(people).encode()).bodies) == 2


def test_a_frame_without_file_has_nobody_and_the_first_is_0() -> None:
    array = poses(persons=1)
    contents = dict(zip(map(WAVE.format, (4, 5, 9)), files(array).values(), strict=True))
    contents[WAVE.format(3)] = content(array[0][:0])
    recording = OpenPose().read_files("clips/wave/wave", contents)
    assert recording.frames == 7
    assert recording.bodies[0].frames.tolist() == [1, 2, 6]
    assert recording.warnings == ()


def test_joints_not_seen_and_persons_not_seen() -> None:
    array = poses(persons=2)
    array[:, 0, 3:] = 0
    array[1, 1] = 0
    recording = OpenPose().read_files("clips/wave/wave", files(array))
    assert [body.frames.tolist() for body in recording.bodies] == [[0, 1, 2], [0, 2]]
    assert recording.bodies[0].confidence[:, 3:].max() == 0
    hands = content(array[0][:1], pose_keypoints_2d=[])
    assert OpenPose().read_files("clips/wave/wave", {**files(array), WAVE.format(3): hands}).frames == 4


def test_ids_are_kept_if_all_have_one() -> None:
    array = poses(frames=2, persons=1)
    contents = {WAVE.format(t): content(array[t], who=7) for t in range(2)}
    assert [body.id for body in OpenPose().read_files("x", contents).bodies] == ["7"]
    contents[WAVE.format(1)] = content(array[1], who=8)
    assert [body.id for body in OpenPose().read_files("x", contents).bodies] == ["7", "8"]
    contents[WAVE.format(1)] = content(array[1])
    assert [body.id for body in OpenPose().read_files("x", contents).bodies] == ["0"]


@pytest.mark.parametrize(
    ("member", "clip"),
    [
        ("wave_000000000000_keypoints.json", "wave"),
        ("a/b/wave_2_000000000012_keypoints.json", "a/b/wave_2"),
        ("a/000000000012_keypoints.json", "a"),
        ("a\\wave_0_keypoints.json", "a\\wave"),
        ("000000000012_keypoints.json", "clip"),
    ],
)
def test_files_belong_to_a_clip(member: str, clip: str) -> None:
    assert OpenPose().matches(member)
    assert OpenPose().recording_of(member) == clip


@pytest.mark.parametrize(
    "member", ["wave.json", "wave_keypoints.json", "person_keypoints_val2017.json", "a_\u0661_keypoints.json"]
)
def test_knows_its_files_by_name(member: str) -> None:
    assert not OpenPose().matches(member)
    for call in (lambda: OpenPose().recording_of(member), lambda: OpenPose().read(member, content(poses()[0]))):
        with pytest.raises(RawFileError) as caught:
            call()
        assert caught.value.code == "name"


def test_the_first_person_informs_the_reader(tmp_path: Path) -> None:
    empty, damaged = content(poses()[0][:0]), b"{"
    (tmp_path / "a_000_keypoints.json").write_bytes(empty)
    (tmp_path / "a_001_keypoints.json").write_bytes(damaged)
    with pytest.raises(DataError, match=r"no frame with somebody can be read: .*a_001"):
        OpenPose().informed(RawSource(tmp_path))
    (tmp_path / "a_002_keypoints.json").write_bytes(content(poses(joints=18)[0]))
    assert OpenPose().informed(RawSource(tmp_path)) == OpenPose(18, 2)
    assert not OpenPose().is_side("a_002_keypoints.json")


def test_clips_called_alike_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "video_000_keypoints.json").write_bytes(content(poses()[0]))
    reader = OpenPose().informed(RawSource(tmp_path))
    assert [reader.read(f"{name}/video_000_keypoints.json", content(poses()[0])).name for name in ("one", "two")] == [
        "one_video",
        "two_video",
    ]


@pytest.mark.parametrize(("joints", "channels"), [(17, 2), (25, 4)])
def test_other_keypoints_are_refused(joints: int, channels: int) -> None:
    with pytest.raises(ShapeError, match="25 or 18 joints"):
        OpenPose(joints, channels)


def test_the_layout_follows_the_keypoints() -> None:
    assert [OpenPose(joints).layout for joints in (0, 18, 25)] == ["", "openpose18", "openpose25"]
    assert code(content(poses(1, 1, 18)[0]), OpenPose(25)) == "joints"
    assert OpenPose().read(WAVE.format(0), content(poses(1, 1, 18)[0])).bodies[0].joints.shape == (1, 18, 2)


ONE = content(poses(1, 1)[0])
FAULTS: dict[str, tuple[str, Any]] = {
    "nothing": ("empty", b" "),
    "UTF-16": ("encoding", ONE.decode().encode("utf-16")),
    "no JSON": ("json", b"x"),
    "cut": ("truncated", ONE[:-20]),
    "nested": ("depth", b"[" * 200_000),
    "NaN": ("nonfinite", ONE.replace(b"0.5", b"NaN", 1)),
    "infinite": ("nonfinite", ONE.replace(b"0.5", b"1e999", 1)),
    "true": ("number", ONE.replace(b"0.5", b"true", 1)),
    "a list": ("keys", b"[]"),
    "no people": ("keys", b"{}"),
    "people that are none": ("keys", b'{"people": [1]}'),
    "no keypoints": ("keys", b'{"people": [{}]}'),
    "3D that is no list": ("keys", b'{"people": [{"pose_keypoints_2d": [], "pose_keypoints_3d": 1}]}'),
    "15 joints": ("joints", content(poses(1, 1, 15)[0])),
    "18 joints after 25": ("joints", {WAVE.format(0): ONE, WAVE.format(1): content(poses(1, 1, 18)[0])}),
    "74 numbers": ("joints", ONE.replace(b", 0.5]", b"]")),
    "nobody": ("no_frames", content(poses(1, 1)[0][:0])),
    "nobody seen": ("no_frames", content(0 * poses(1, 1)[0])),
    "a crowd": ("count", content(poses(1, 65)[0])),
    "a number twice": ("frames", {WAVE.format(1): ONE, WAVE.replace("012", "05").format(1): ONE}),
    "a hostile number": ("frames", {WAVE.format(0): ONE, WAVE.format(10**17): ONE}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    expected, contents = FAULTS[fault]
    assert code(contents) == expected


@pytest.mark.parametrize("joints", [15, 26])
def test_files_of_other_models_tell_no_layout(joints: int) -> None:
    for array, expected in ((poses(1, 1, joints)[0], "joints"), (poses(1, 1)[0][:0], "no_frames")):
        with pytest.raises(RawFileError) as caught:
            OpenPose().fitted(WAVE.format(0), content(array))
        assert caught.value.code == expected


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(ONE) - 1), cut=st.integers(0, 40), put=st.binary(max_size=20))
def test_corruption_never_crashes(place: int, cut: int, put: bytes) -> None:
    try:
        recording = OpenPose().read(WAVE.format(0), ONE[:place] + put + ONE[place + cut :])
    except RawFileError:
        return
    assert np.isfinite(recording.bodies[0].joints).all()


def test_ten_megabytes_take_a_second_at_most() -> None:
    contents = files(poses(1000, 2))
    start = time.process_time()
    OpenPose().read_files("wave", contents)
    assert time.process_time() - start < sum(map(len, contents.values())) / 10e6 * 2, "twice, for a busy machine"
