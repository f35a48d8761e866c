# SPDX-License-Identifier: Apache-2.0
"""Made-up OpenPose folders, read as plain JSON."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from bonefide.data.datasets.synthetic import SYNTHETIC
from bonefide.data.synthetic.write import synthesize

NECK, RIGHT_SHOULDER, LEFT_SHOULDER, HIPS, RIGHT_ANKLE, LEFT_HEEL = 1, 2, 5, 8, 11, 21


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(
        synthesize("openpose", tmp_path_factory.mktemp("openpose") / "people.zip", subjects=2, cameras=2)
    )


@pytest.fixture(scope="module")
def clips(archive: zipfile.ZipFile) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for name in archive.namelist()[1:]:
        match = re.fullmatch(r"(\w+)/\1_(\d{12})_keypoints\.json", name)
        assert match
        assert int(match[2]) == len(found[match[1]])
        found[match[1]].append(json.loads(archive.read(name)))
    return dict(found)


def people(frame: dict[str, Any]) -> np.ndarray:
    return np.array([person["pose_keypoints_2d"] for person in frame["people"]]).reshape(-1, 25, 3)


def test_the_table_lists_every_clip(archive: zipfile.ZipFile, clips: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    assert [row["name"] for row in rows] == sorted(clips)
    assert len(rows) == len(SYNTHETIC.classes) * 2 * 2
    assert {row["label"] for row in rows} == set(SYNTHETIC.classes)
    for row in rows:
        assert row["name"] == f"{row['label'].replace(' ', '_')}_p00{row['subject']}_r001_c{row['camera']}"
        assert row["split"] == ("train" if row["subject"] == "1" else "test")


def test_frames_are_as_openpose_writes_them(clips: dict[str, list[dict[str, Any]]]) -> None:
    for frames in clips.values():
        assert 40 <= len(frames) <= 110
        for frame in frames:
            assert frame["version"] == 1.3
            for person in frame["people"]:
                assert person["person_id"] == [-1]
                assert len(person["pose_keypoints_2d"]) == 75
                assert person["hand_left_keypoints_2d"] == person["pose_keypoints_3d"] == []
            points = people(frame)
            unseen = points[..., 2] == 0
            assert (points[unseen] == 0).all()
            assert (points[~unseen][:, :2] >= 0).all()
            assert (points[~unseen][:, :2] < (1920, 1080)).all()
            assert ((points[~unseen][:, 2] >= 0.2) & (points[~unseen][:, 2] <= 1)).all()


def test_some_joints_are_not_found_and_most_are(clips: dict[str, list[dict[str, Any]]]) -> None:
    found = np.concatenate([people(frame)[..., 2].ravel() > 0 for frames in clips.values() for frame in frames])
    assert 0.9 < found.mean() < 0.9999


def test_people_stand_upright_with_their_right_on_the_left(clips: dict[str, list[dict[str, Any]]]) -> None:
    points = people(clips["salute_p001_r001_c1"][0])[0]
    assert points[NECK, 1] < points[HIPS, 1] < points[RIGHT_ANKLE, 1] < points[LEFT_HEEL, 1] + 30
    assert points[RIGHT_SHOULDER, 0] < points[LEFT_SHOULDER, 0]


def test_two_people_come_in_no_fixed_order(clips: dict[str, list[dict[str, Any]]]) -> None:
    changes = 0
    for name in ("shake_hands_p001_r001_c1", "high_five_p001_r001_c1", "push_p001_r001_c1"):
        whole = [people(frame)[:, NECK, 0] for frame in clips[name] if len(frame["people"]) == 2]
        side = np.sign([first - second for first, second in whole])
        changes += np.count_nonzero(np.diff(side))
    assert changes > 20


def test_the_numbers_of_people_are_those_of_the_action(clips: dict[str, list[dict[str, Any]]]) -> None:
    for name, frames in clips.items():
        pair = name.split("_p0")[0] in ("shake_hands", "high_five", "push", "hug")
        assert max(len(frame["people"]) for frame in frames) == 1 + pair
