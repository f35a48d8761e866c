# SPDX-License-Identifier: Apache-2.0
"""Made-up results of MMPose, read as plain JSON."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pytest

from bonefide.data.synthetic.write import synthesize

ACTIONS = ["salute", "walk around", "push"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("coco") / "people.zip"
    return zipfile.ZipFile(synthesize("coco", out, subjects=6, cameras=1, actions=ACTIONS))


def test_every_clip_is_in_the_table_and_numbered_from_0(archive: zipfile.ZipFile) -> None:
    rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    assert archive.namelist() == ["labels.csv", *(f"{row['name']}.json" for row in rows)]
    assert len(rows) == 3 * 6
    for row in rows:
        clip = json.loads(archive.read(f"{row['name']}.json"))
        frames = clip["instance_info"]
        assert [frame["frame_id"] for frame in frames] == list(range(len(frames)))
        assert max(len(frame["instances"]) for frame in frames) == (2 if row["label"] == "push" else 1)


def test_names_of_keypoints_are_said(archive: zipfile.ZipFile) -> None:
    meta = json.loads(archive.read("salute_p001_r001_c1.json"))["meta_info"]
    assert meta["num_keypoints"] == 17
    assert meta["keypoint_id2name"]["9"] == "left_wrist"
    assert meta["keypoint_name2id"]["right_ankle"] == 16


def test_boxes_hold_the_points_and_scores_are_shares(archive: zipfile.ZipFile) -> None:
    missing = 0
    for name in archive.namelist()[1:]:
        for frame in json.loads(archive.read(name))["instance_info"]:
            missing += not frame["instances"]
            for person in frame["instances"]:
                points, scores = np.array(person["keypoints"]), np.array(person["keypoint_scores"])
                ((left, top, right, bottom),) = person["bbox"]
                assert (points.shape, scores.shape) == ((17, 2), (17,))
                assert ((scores >= 0) & (scores <= 1)).all()
                assert 0 < person["bbox_score"] <= 1
                inside = scores > 0
                assert (points[inside] >= (left, top)).all()
                assert (points[inside] <= (right, bottom)).all()
                assert right - left > 50 < bottom - top
    assert missing > 0


def test_people_stand_upright_with_their_right_on_the_left(archive: zipfile.ZipFile) -> None:
    frame = json.loads(archive.read("salute_p001_r001_c1.json"))["instance_info"][0]
    points = np.array(frame["instances"][0]["keypoints"])
    assert points[0, 1] < points[5, 1] < points[11, 1] < points[13, 1] < points[15, 1]
    assert points[6, 0] < points[5, 0]
