# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bonefide.errors import DataError, UnknownNameError
from bonefide.layouts import find, layout, names
from bonefide.layouts.view import sides
from bonefide.layouts.yaml_layout import read_layout

MINE = """\
name: mine
joints:
  - {name: hip, parent: hip}
  - name: knee_left
    parent: hip
  - {name: knee_right, parent: hip}
  - {name: Bip01 L Foot, parent: knee_left, anatomy: left_ankle}
parts:
  legs: [[knee_left, Bip01 L Foot], [knee_right]]
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_layout_of_ones_own(tmp_path: Path) -> None:
    found = read_layout(_file(tmp_path, MINE))
    assert found.name == "mine"
    assert found.joints == ("hip", "knee_left", "knee_right", "Bip01 L Foot")
    assert found.parents == (0, 0, 0, 1)
    assert found.mirror == (0, 2, 1, 3), "a foot without a twin stays"
    assert found.parts == {"legs": ((1, 3), (2,))}
    assert found.anatomy == {"Bip01 L Foot": "left_ankle"}
    assert sides(found) == (0, 1, 2, 1)


def test_a_mirror_that_is_named_counts_more_than_names(tmp_path: Path) -> None:
    text = MINE.replace("hip}\n  - name: knee_left\n", "hip}\n  - name: wing_a\n    mirror: knee_right\n")
    text = text.replace("knee_right, parent: hip}", "knee_right, parent: hip, mirror: wing_a}").replace(
        "knee_left", "wing_a"
    )
    assert read_layout(_file(tmp_path, text)).mirror == (0, 2, 1, 3)


@pytest.mark.parametrize("name", names())
def test_every_layout_can_be_written_down(tmp_path: Path, name: str) -> None:
    this = layout(name)
    joints = [
        {"name": joint, "parent": this.joints[parent]} for joint, parent in zip(this.joints, this.parents, strict=True)
    ]
    parts = {part: [[this.joints[joint] for joint in group] for group in groups] for part, groups in this.parts.items()}
    path = _file(tmp_path, yaml.safe_dump({"name": name, "joints": joints, "parts": parts}))
    assert read_layout(path) == this
    assert read_layout(path).parts == this.parts
    assert find(path) == this


def test_a_layout_is_found_by_name_or_path(tmp_path: Path) -> None:
    path = _file(tmp_path, MINE)
    assert find(path) == find(str(path)) == read_layout(path)
    assert find("coco17") is layout("coco17")
    with pytest.raises(UnknownNameError, match="layouts: no 'coco18'; did you mean 'coco17'"):
        find("coco18")
    with pytest.raises(DataError, match=r"no layout can be read from .*other\.yml: No such file"):
        find(tmp_path / "other.yml")
    with pytest.raises(DataError, match=r"mine.yaml: 'coco17' is the name of one of bonefide's layouts"):
        find(_file(tmp_path, MINE.replace("name: mine", "name: coco17")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name: mine\n", ""), r"mine\.yaml: a layout is a mapping with `name` and `joints`"),
        (("name: mine\n", "name: 7\n"), r"`name` must be a word, got 7"),
        (("name: mine\n", "name: mine\nbones: []\n"), r"unknown key 'bones'; there are"),
        (("parent: hip}\n  - name", "parents: hip}\n  - name"), r":3: joint 0 needs a name and a parent"),
        (("    parent: hip\n", "    parent: hpi\n"), r":4: joint 'knee_left': its parent 'hpi' is no .* mean 'hip'"),
        (("knee_right, parent: hip}", "knee_right, parent: 0}"), r":6: joint 'knee_right': its parent '0' is no joint"),
        (("name: knee_right", "name: knee_left"), r":6: there are two joints 'knee_left'"),
        (("name: knee_right", "name: yes"), r":6: the name of joint 2 must be text, got True; put it in quotes"),
        (("parent: hip}\n  - {name: Bip", "parent: hip, side: r}\n  - {name: Bip"), r":6: unknown key 'side'; there"),
        (("    parent: hip\n", "    parent: knee_left\n"), r":4: only one joint, the root, .* 'hip', 'knee_left' are"),
        (("{name: hip, parent: hip}", "{name: hip, parent: knee_left}"), r":3: 'hip' leads up in a circle"),
        (("    parent: hip\n", "    parent: hip\n    mirror: hip\n"), r":4: 'knee_left' mirrors to 'hip', but that"),
        (("left_ankle", "left_ankel"), r":7: joint 'Bip01 L Foot': no point 'left_ankel' of .* mean 'left_ankle'"),
        (("[knee_right]]", "[knee]]"), r"part 'legs': 'knee' is no joint; did you mean"),
        (("[[knee_left, Bip01 L Foot], [knee_right]]", "[knee_left]"), r"part 'legs' must be a list of lists"),
        (("parts:\n  legs: ", "parts: "), r"`parts` must be a mapping"),
        (("parent: hip}\n  - name", "parent: hip\n  - name"), r"mine\.yaml:4: no YAML"),
        (("{name: hip, parent: hip}", "&root {name: hip, parent: hip}\n  - *root"), r"no aliases"),
    ],
)  # fmt: skip
def test_faults_are_told_with_their_place(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in MINE
    with pytest.raises(DataError, match=message):
        read_layout(_file(tmp_path, MINE.replace(*change)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"", "a layout is a mapping"),
        (b"- a\n- b\n", "a layout is a mapping"),
        (b"name: mine\njoints: []\n", "a list of 1 to 1000 entries"),
        (b"name: mine\njoints: {hip: hip}\n", "a list of 1 to 1000 entries"),
        (b"[" * 100_000, "no YAML"),
        (b"#" * 300_000, "300000 bytes"),
        (b"name: \x00", "no YAML"),
        (b"name: 2024-13-45\njoints: []", "no YAML|must be a word"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_layout(path)
