# SPDX-License-Identifier: Apache-2.0
"""Readers of pose estimators on the archives of made-up ones: what was performed is what is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from bonefide.data import raw
from bonefide.data.preparation import prepare
from bonefide.data.raw._recognition import recognize
from bonefide.data.raw._recording import FramesApart, Informed, RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.synthetic.other_joints import Target
from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.picture import Found, find
from bonefide.data.synthetic.take import Take
from bonefide.data.synthetic.write import Format, synthesize
from bonefide.layouts import SkeletonLayout, layout
from bonefide.layouts.anatomy import points
from bonefide.layouts.conversion import conversion

ACTIONS = ["wave", "hug", "shake hands", "walk around", "kick"]
TARGETS: dict[Format, Target] = {"openpose": "openpose25", "coco": "coco17", "mediapipe": "mediapipe33"}
HIPS = [layout("mediapipe33").joints.index(f"{side}_hip") for side in ("left", "right")]


def read_all(path: Path) -> Iterator[RawRecording]:
    source = RawSource(path)
    name = recognize(source, raw.names())
    assert name == path.stem
    reader = raw.reader(name)
    reader = reader.informed(source) if isinstance(reader, Informed) else reader
    members = [member for member, _ in source.members if reader.matches(member)]
    assert len(members) == len(source.members) - 1, "all but the table of labels"
    if not isinstance(reader, FramesApart):
        yield from (reader.read(member, source.read(member)) for member in members)
        return
    clips = defaultdict(list)
    for member in members:
        clips[reader.recording_of(member)].append(member)
    yield from (reader.read_files(clip, {each: source.read(each) for each in clips[clip]}) for clip in clips)


def truth(format: Format, name: str) -> list[Found]:
    action, person, repeat, camera = name.rsplit("_", 3)
    numbers = (int(person[1:]), int(repeat[1:]), int(camera[1:]))
    return find(Take(action.replace("_", " "), *numbers, 4), TARGETS[format])


@pytest.mark.parametrize("format", TARGETS)
def test_everybody_is_read_and_followed_over_the_whole_clip(format: Format, tmp_path: Path) -> None:
    out = synthesize(format, tmp_path / f"{format}.zip", subjects=4, cameras=2, seed=4, actions=ACTIONS)
    recordings = list(read_all(out))
    assert len(recordings) == 4 * 2 * len(ACTIONS)
    for recording in recordings:
        found = truth(format, recording.name)
        assert len(recording.bodies) == len(found), recording.name
        assert recording.frames == len(found[0].there)
        for person in found:
            same = [body for body in recording.bodies if np.array_equal(body.frames, np.flatnonzero(person.there))]
            true = person.pixels
            if format == "mediapipe":
                true = (person.joints - person.joints[:, HIPS].mean(axis=1, keepdims=True)) * (-1, -1, 1)
            off = [np.abs(body.joints - true[body.frames])[body.confidence > 0].max() for body in same]
            assert min(off) < 1e-3, f"{recording.name}: somebody is taken for somebody else"


def test_what_they_say_beside_the_joints(tmp_path: Path) -> None:
    notes = {}
    for format in TARGETS:
        out = synthesize(format, tmp_path / f"{format}.zip", subjects=1, cameras=1, actions=["hug"])
        (recording,) = read_all(out)
        notes[format] = (recording.fps, recording.warnings, recording.label)
    assert notes == {
        "openpose": (None, ("followed",), -1),
        "coco": (None, ("followed",), -1),
        "mediapipe": (30.0, ("hip_centred", "followed"), -1),
    }


def test_motion_capture_files_hold_what_was_performed(tmp_path: Path) -> None:
    out = synthesize("bvh", tmp_path / "bvh.zip", subjects=2, seed=4, actions=["wave", "hug"])
    source = RawSource(out)
    reader = raw.reader("bvh").informed(source)
    assert isinstance(reader.layout, SkeletonLayout)
    ntu = layout("ntu25").joints
    known = {point: place for place, point in enumerate(points(reader.layout)) if point in ("pelvis", "neck")}
    sided = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    known |= {
        point: points(reader.layout).index(point) for part in sided for point in (f"left_{part}", f"right_{part}")
    }
    recordings = list(read_all(out))
    assert len(recordings) == 2 + 4
    for recording in recordings:
        action, person, repeat, place = recording.name.rsplit("_", 3)
        people = perform(action, seed=4, performer=int(person[1:]), repeat=int(repeat[1:]))
        (body,) = recording.bodies
        for point, joint in known.items():
            true = people[int(place) - 1][:, ntu.index({"pelvis": "spine_base"}.get(point, point))]
            np.testing.assert_allclose(body.joints[:, joint], 100 * true, atol=0.1, err_msg=f"{recording.name} {point}")


def test_motion_capture_converts_to_other_layouts(tmp_path: Path) -> None:
    source = RawSource(synthesize("bvh", tmp_path / "bvh.zip", subjects=1, actions=["kick"]))
    reader = raw.reader("bvh").informed(source)
    assert isinstance(reader.layout, SkeletonLayout)
    made = conversion(reader.layout, layout("coco17"))
    limbs = [name for name in layout("coco17").joints if name.endswith(("hip", "knee", "ankle", "elbow", "wrist"))]
    assert len(limbs) == 10
    assert not set(limbs) & set(made.inferred_joints)


@pytest.mark.parametrize("format", [*TARGETS, "bvh"])
def test_a_store_is_made_of_them_in_one_call(format: Format, tmp_path: Path) -> None:
    out = synthesize(format, tmp_path / f"{format}.zip", subjects=2, actions=["wave", "hug"])
    table = tmp_path / "labels.csv"
    table.write_bytes(RawSource(out).read("labels.csv"))
    store = prepare("custom", raw=out, out=tmp_path / "store", labels=table)
    assert store.info.classes == ("hug", "wave")
    assert not store.info.left_out
    expected = TARGETS.get(format, "bvh")
    assert (store.layout.name, store.info.raw) == (expected, format)
    for sequence in (store[name] for name in store.names):
        assert sequence.joints.shape[2:] == (len(store.layout.joints), 3 if format in ("mediapipe", "bvh") else 2)
        assert len(sequence.joints) == (1 if format == "bvh" or sequence.label == 1 else 2)


def test_every_form_of_a_pose_estimator_is_read() -> None:
    assert {"openpose", "coco", "mediapipe", "bvh"} <= set(get_args(Format)) & set(raw.names())
