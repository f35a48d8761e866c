# SPDX-License-Identifier: Apache-2.0
"""Made-up motion capture files, read and put together by a parser of this test's own."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.write import synthesize
from bonefide.layouts import layout

ACTIONS = ["wave", "sit down", "kick", "hug"]
NTU = {name: index for index, name in enumerate(layout("ntu25").joints)}
SAME = {
    "Hips": "spine_base",
    "Spine": "spine_base",
    "Spine1": "spine_middle",
    "Spine2": "spine_shoulder",
    "Neck": "neck",
    "Head": "head",
}
for side in ("Left", "Right"):
    parts = ("Arm", "ForeArm", "Hand", "HandMiddle", "HandThumb", "UpLeg", "Leg", "Foot", "ToeBase")
    joints = ("shoulder", "elbow", "wrist", "hand", "thumb", "hip", "knee", "ankle", "foot")
    SAME |= {f"{side}{part}": f"{side.lower()}_{joint}" for part, joint in zip(parts, joints, strict=True)}


@dataclass
class Node:
    name: str
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()
    children: list[Node] = field(default_factory=list)


def read_node(words: Iterator[str], name: str) -> Node:
    node = Node(name)
    assert next(words) == "{"
    for word in words:
        if word == "OFFSET":
            node.offset = np.array([float(next(words)) for _ in range(3)])
        elif word == "CHANNELS":
            node.channels = tuple(next(words) for _ in range(int(next(words))))
        elif word in ("JOINT", "End"):
            node.children.append(read_node(words, next(words)))
        else:
            assert word == "}"
            return node
    raise AssertionError("no end")


def parse(text: str) -> tuple[Node, np.ndarray, float]:
    head, _, motion = text.partition("MOTION\n")
    words = iter(head.split())
    assert [next(words), next(words)] == ["HIERARCHY", "ROOT"]
    root = read_node(words, next(words))
    frames, time, *rows = motion.strip().split("\n")
    values = np.array([[float(value) for value in row.split()] for row in rows])
    assert frames == f"Frames: {len(values)}"
    assert time.startswith("Frame Time: ")
    return root, values, float(time.split()[-1])


def turn(axis: str, degrees: np.ndarray) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.zeros((len(degrees), 3, 3))
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    third = 3 - first - second
    matrix[:, third, third] = 1.0
    matrix[:, first, first] = matrix[:, second, second] = cosine
    matrix[:, first, second], matrix[:, second, first] = -sine, sine
    return matrix


def positions(root: Node, values: np.ndarray) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    columns = iter(values.T)

    def walk(node: Node, place: np.ndarray, axes: np.ndarray) -> None:
        place = place + axes @ node.offset
        for channel in node.channels:
            column = next(columns)
            if channel.endswith("position"):
                place = place + column[:, None] * np.eye(3)["XYZ".index(channel[0])]
            else:
                axes = axes @ turn(channel[0], column)
        found[node.name] = place
        for child in node.children:
            walk(child, place, axes)

    walk(root, np.zeros((len(values), 3)), np.broadcast_to(np.eye(3), (len(values), 3, 3)))
    assert next(columns, None) is None
    return found


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("bvh") / "people.zip"
    return zipfile.ZipFile(synthesize("bvh", out, subjects=3, repeats=2, actions=ACTIONS))


def test_the_angles_put_every_joint_where_the_performance_has_it(archive: zipfile.ZipFile) -> None:
    for action, person, repeat in (("wave", 1, 1), ("sit down", 2, 2), ("kick", 3, 1), ("hug", 3, 2)):
        for place, true in enumerate(perform(action, performer=person, repeat=repeat), start=1):
            name = f"{action.replace(' ', '_')}_p{person:03}_r{repeat:03}_{place}.bvh"
            root, values, seconds = parse(archive.read(name).decode())
            assert len(values) == len(true)
            assert seconds == pytest.approx(1 / 30, abs=1e-6)
            found = positions(root, values)
            for joint, same in SAME.items():
                np.testing.assert_allclose(found[joint], 100.0 * true[:, NTU[same]], atol=0.01, err_msg=joint)


def test_the_resting_pose_looks_ahead_with_arms_aside(archive: zipfile.ZipFile) -> None:
    for name in ("wave_p001_r001_1.bvh", "wave_p003_r001_1.bvh"):
        root, values, _ = parse(archive.read(name).decode())
        rest = {joint: place[0] for joint, place in positions(root, np.zeros((1, values.shape[1]))).items()}
        assert rest["LeftHand"][0] - rest["LeftArm"][0] > 40
        assert rest["RightHand"][0] - rest["RightArm"][0] < -40
        assert rest["LeftFoot"][1] - rest["LeftUpLeg"][1] < -60
        assert rest["RightToeBase"][2] - rest["RightFoot"][2] > 8
        assert rest["Head"][1] > 50
        for side in ("Left", "Right"):
            assert rest[f"{side}HandThumb"][2] - rest[f"{side}Hand"][2] > 2
            assert abs(rest[f"{side}Hand"][1] - rest[f"{side}Arm"][1]) < 1e-3


def test_angles_do_not_leap(archive: zipfile.ZipFile) -> None:
    for name in archive.namelist()[1:]:
        _, values, _ = parse(archive.read(name).decode())
        assert np.abs(np.diff(values[:, 3:], axis=0)).max() <= 180.0


def test_everyone_has_a_file_and_a_row(archive: zipfile.ZipFile) -> None:
    rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    assert {f"{row['name']}.bvh" for row in rows} == set(archive.namelist()) - {"labels.csv"}
    assert len(rows) == 3 * 2 * (3 + 2)
    hugs = {row["name"]: row for row in rows if row["label"] == "hug"}
    assert hugs["hug_p002_r001_1"]["subject"] == "2"
    assert hugs["hug_p002_r001_2"]["subject"] == "4"
    assert hugs["hug_p002_r001_1"]["split"] == hugs["hug_p002_r001_2"]["split"] == "test"
