# SPDX-License-Identifier: Apache-2.0
"""Made-up MediaPipe results, read as plain JSON."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest

from bonefide.data.synthetic.bodies import Body, subject
from bonefide.data.synthetic.write import synthesize

FIELDS = ["x", "y", "z", "visibility", "presence"]
NOSE, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP, LEFT_KNEE, LEFT_HEEL = 0, 11, 12, 23, 24, 25, 29
ACTIONS = ["salute", "bow", "walk around", "hug"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("mediapipe") / "people.zip"
    return zipfile.ZipFile(synthesize("mediapipe", out, subjects=6, cameras=2, actions=ACTIONS))


@pytest.fixture(scope="module")
def clips(archive: zipfile.ZipFile) -> dict[str, dict[str, Any]]:
    return {name[:-5]: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


def landmarks(frame: dict[str, Any], kind: str) -> np.ndarray:
    found = [[[joint[field] for field in FIELDS] for joint in person] for person in frame[kind]]
    return np.array(found).reshape(-1, 33, 5)


def test_the_table_and_the_results_agree(archive: zipfile.ZipFile, clips: dict[str, dict[str, Any]]) -> None:
    rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    assert [row["name"] for row in rows] == list(clips) == sorted(clips)
    assert len(clips) == 4 * 6 * 2
    assert {(row["subject"], row["split"]) for row in rows} == {
        (str(n), "train" if n % 2 else "test") for n in range(1, 7)
    }


def test_every_frame_has_a_list_of_people_now_and_then_an_empty_one(clips: dict[str, dict[str, Any]]) -> None:
    counts = {"hug": set(), "other": set()}  # type: dict[str, set[int]]
    for name, clip in clips.items():
        assert (clip["fps"], clip["width"], clip["height"]) == (30, 1920, 1080)
        for frame in clip["frames"]:
            people = landmarks(frame, "pose_landmarks")
            assert len(people) == len(landmarks(frame, "pose_world_landmarks"))
            counts["hug" if name.startswith("hug") else "other"].add(len(people))
            assert ((people[..., 3:] >= 0) & (people[..., 3:] <= 1)).all()
    assert counts["other"] == {0, 1}
    assert 2 in counts["hug"]


def test_world_landmarks_are_metres_around_the_hips_with_y_down(clips: dict[str, dict[str, Any]]) -> None:
    for name, clip in clips.items():
        world = np.concatenate([landmarks(frame, "pose_world_landmarks")[:1] for frame in clip["frames"]])[..., :3]
        np.testing.assert_allclose(world[:, [LEFT_HIP, RIGHT_HIP]].mean(axis=1), 0.0, atol=2e-6)
        if not name.startswith("hug"):
            thigh = np.linalg.norm(world[:, LEFT_HIP] - world[:, LEFT_KNEE], axis=1)
            assert np.median(thigh) == pytest.approx(Body(subject(int(name.split("_p")[1][:3]))).thigh, rel=0.08)
            assert (world[:3, NOSE, 1] < -0.4).all()
            assert (world[:3, LEFT_HEEL, 1] > 0.6).all()


def test_the_picture_and_the_world_show_the_same_sides(clips: dict[str, dict[str, Any]]) -> None:
    for kind in ("pose_landmarks", "pose_world_landmarks"):
        people = landmarks(clips["salute_p001_r001_c1"]["frames"][0], kind)[0]
        assert people[RIGHT_SHOULDER, 0] < people[LEFT_SHOULDER, 0]
        assert people[NOSE, 1] < people[LEFT_HIP, 1]
        # The nose of somebody who looks into the camera is nearer than the hips and the ears.
        assert people[NOSE, 2] < people[[7, 8, LEFT_HIP], 2].min()


def test_pictured_landmarks_are_shares_of_the_picture(clips: dict[str, dict[str, Any]]) -> None:
    every = np.concatenate([landmarks(frame, "pose_landmarks") for clip in clips.values() for frame in clip["frames"]])
    every = every.reshape(-1, 5)
    inside = ((every[:, :2] >= 0) & (every[:, :2] < 1)).all(axis=1)
    assert inside.mean() > 0.9
    assert (every[inside, 4] > 0.9).all()
    assert (every[~inside, 3] == 0).all()
    assert (every[~inside, 4] < 0.5).all()
