# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from bonefide.data import raw
from bonefide.data.raw._recognition import likely_formats, recognize
from bonefide.data.raw._source import RawSource

COCO = b'[{"image_id": 1, "keypoints": []}]'
FRAMES = b'{"instance_info": []}'
OPENPOSE = b'{"people": [{"pose_keypoints_2d": []}]}'
MEDIAPIPE = b'{"frames": [{"pose_landmarks": []}]}'
NWUCLA = b'{"file_name": "a01_s01_e00_v01", "skeletons": [], "label": 1}'


def put(folder: Path, **files: bytes) -> RawSource:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return RawSource(folder)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a__json": COCO}, "coco"),
        ({"a__json": FRAMES}, "coco"),
        ({"a__json": MEDIAPIPE}, "mediapipe"),
        ({"a_000000000000_keypoints__json": OPENPOSE}, "openpose"),
        ({"a01_s01_e00_v01__json": NWUCLA}, "nwucla"),
        ({"a__bvh": b""}, "bvh"),
        ({"a1_s1_t1_skeleton__mat": b""}, "utdmhad"),
        ({"S001C001P001R001A001__skeleton": b""}, "ntu"),
        ({"a__npy": b"", "b__npy": b""}, "arrays"),
        ({"a__json": MEDIAPIPE, "labels__csv": b"name,label"}, "mediapipe"),
        ({"a__bvh": b"", "labels__csv": b"name,label"}, "bvh"),
        ({"a__bvh": b"", "b__bvh": b"", "about__json": b"{}"}, "bvh"),
        ({"about__json": b"{}", "b__bvh": b""}, "bvh"),
        ({"a__json": b"[]", "b__json": COCO}, "coco"),
        ({"a__json": b"[]"}, None),
        ({"readme__md": b""}, None),
        ({}, None),
    ],
)
def test_formats_are_recognized(tmp_path: Path, files: dict[str, bytes], expected: str | None) -> None:
    assert recognize(put(tmp_path, **files), raw.names()) == expected


def test_only_formats_that_were_asked_for_are_found(tmp_path: Path) -> None:
    source = put(tmp_path, a__json=MEDIAPIPE, a01_s01_e00_v01__json=NWUCLA)
    assert recognize(source, ("nwucla",)) == "nwucla"
    assert recognize(source, ("bvh",)) is None
    assert recognize(source, ()) is None
    assert recognize(source, ("coco",)) == "coco", "the only one; its reader says what is wrong with the files"
    assert recognize(source, ("coco", "bvh")) is None


def test_few_files_are_read(tmp_path: Path) -> None:
    source = put(tmp_path, **{f"{number:03}__json": b"[]" for number in range(50)}, z__json=COCO)
    assert recognize(source, raw.names()) is None


@pytest.mark.parametrize(
    ("member", "content", "expected"),
    [
        ("a.json", COCO, ("coco",)),
        ("a.json", json.dumps({"images": [{}] * 9999, "annotations": [{"keypoints": []}]}).encode(), ("coco",)),
        ("a.JSON", MEDIAPIPE, ("mediapipe",)),
        ("a.json", b'[{"poseWorldLandmarks": []}]', ("mediapipe",)),
        ("a.json", b'{"landmark": []}', ("mediapipe",)),
        ("a.json", OPENPOSE, ("openpose",)),
        ("a.json", NWUCLA, ("nwucla",)),
        ("a.json", b"{}", ("coco", "mediapipe")),
        ("a_000000000000_keypoints.json", b"", ("openpose",)),
        ("a.bvh", b"", ("bvh",)),
        ("a.txt2", b"HIERARCHY\nROOT", ("bvh",)),
        ("a.zip", b"PK", ()),
    ],
)
def test_a_single_file_is_told(member: str, content: bytes, expected: tuple[str, ...]) -> None:
    assert likely_formats(member, content) == expected
