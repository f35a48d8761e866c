# SPDX-License-Identifier: Apache-2.0
"""Made-up PYSKL pickles, read by the standard library."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bonefide.data.datasets.synthetic import SYNTHETIC
from bonefide.data.synthetic.bodies import Body, subject
from bonefide.data.synthetic.write import synthesize
from bonefide.errors import OutputError

PAIRS = range(22, 26)


@pytest.fixture(scope="module")
def solid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return load(synthesize("pyskl", tmp_path_factory.mktemp("pyskl") / "people.pkl", subjects=2))


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return load(synthesize("pyskl2d", tmp_path_factory.mktemp("pyskl") / "flat.pkl", subjects=2, cameras=1))


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = pickle.loads(path.read_bytes())
    return loaded


def test_annotations_are_as_the_tools_read_them(solid: dict[str, Any]) -> None:
    annotations = solid["annotations"]
    assert len(annotations) == len(SYNTHETIC.classes) * 2 * 3
    for each in annotations:
        assert set(each) == {"frame_dir", "label", "keypoint", "total_frames"}
        assert re.fullmatch(r"S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}", each["frame_dir"])
        assert each["label"] == int(each["frame_dir"][17:]) - 1
        keypoint = each["keypoint"]
        persons = 2 if each["label"] in PAIRS else 1
        assert (keypoint.dtype, keypoint.shape) == (np.float16, (persons, each["total_frames"], 25, 3))
        assert np.isfinite(keypoint).all()


def test_both_splits_cover_everything_once(solid: dict[str, Any]) -> None:
    names = [each["frame_dir"] for each in solid["annotations"]]
    split = solid["split"]
    assert set(split) == {"xsub_train", "xsub_val", "xview_train", "xview_val"}
    for protocol in ("xsub", "xview"):
        assert sorted(split[f"{protocol}_train"] + split[f"{protocol}_val"]) == names
    assert {name[8:12] for name in split["xsub_train"]} == {"P001"}
    assert {name[4:8] for name in split["xview_val"]} == {"C001"}
    assert {name[4:8] for name in split["xview_train"]} == {"C002", "C003"}


def test_bones_have_the_lengths_of_the_person(solid: dict[str, Any]) -> None:
    for each in solid["annotations"]:
        body = Body(subject(int(each["frame_dir"][9:12])))
        keypoint = each["keypoint"][0].astype(np.float64)
        for first, second, length in ((12, 13, body.thigh), (8, 9, body.upper_arm)):
            found = np.median(np.linalg.norm(keypoint[:, first] - keypoint[:, second], axis=1))
            assert found == pytest.approx(length, rel=0.12)


def test_two_people_face_each_other_at_arm_s_length(solid: dict[str, Any]) -> None:
    pairs = [each["keypoint"] for each in solid["annotations"] if each["label"] in PAIRS]
    for keypoint in pairs:
        first, second = keypoint.astype(np.float64)
        apart = np.linalg.norm(first[:, 0] - second[:, 0], axis=1)
        assert 0.2 < apart.min() < 1.5
        assert (np.abs(first[0] - second[0]) > 0.01).any(axis=1).all()


def test_pictures_have_scores_and_sizes(flat: dict[str, Any]) -> None:
    for each in flat["annotations"]:
        keypoint, score = each["keypoint"], each["keypoint_score"]
        assert keypoint.dtype == score.dtype == np.float16
        assert keypoint.shape == (*score.shape, 2)
        assert score.shape[1:] == (each["total_frames"], 17)
        assert each["img_shape"] == each["original_shape"] == (1080, 1920)
        assert ((score >= 0) & (score <= 1)).all()
        # Ankles below hips below shoulders, and the right shoulder on the left of the picture, in the first frame.
        if each["label"] not in PAIRS:
            first = keypoint[0, 0].astype(np.float64)
            assert first[[15, 16], 1].min() > first[[11, 12], 1].max() - 200
            assert first[[11, 12], 1].min() > first[[5, 6], 1].max()
            assert first[6, 0] < first[5, 0]
    seen = np.concatenate([each["keypoint_score"].ravel() for each in flat["annotations"]])
    assert 0.6 < (seen > 0.6).mean() < 0.99


def test_a_folder_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="a folder has that name; give the path of a pickle file"):
        synthesize("pyskl", tmp_path, subjects=1, cameras=1, actions=["bow"])
