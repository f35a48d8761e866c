# SPDX-License-Identifier: Apache-2.0
"""Archives of made-up recordings, read by a parser of this test's own."""

from __future__ import annotations

import errno
import json
import math
import re
import zipfile
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from bonefide.data.datasets.synthetic import SYNTHETIC
from bonefide.data.synthetic.matlab_file import UTDMHAD
from bonefide.data.synthetic.write import Format, synthesize
from bonefide.errors import DataError, OutputError, UnknownNameError

NTU_NAME = re.compile(r"S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}\.skeleton")
UCLA_NAME = re.compile(r"all_sqe/a\d\d_s\d\d_e\d\d_v\d\d\.json")
SIZE: dict[str, Any] = {"subjects": 2, "cameras": 2}


def parse(text: str) -> list[dict[str, np.ndarray]]:
    """Frames of a `.skeleton` text: body id to (25, 12)."""
    lines = iter(text.split("\r\n"))
    frames = []
    for _ in range(int(next(lines))):
        frame = {}
        for _ in range(int(next(lines))):
            body = next(lines).split(" ")
            assert len(body) == 10
            assert next(lines) == "25"
            frame[body[0]] = np.array([[float(field) for field in next(lines).split(" ")] for _ in range(25)])
        frames.append(frame)
    assert list(lines) == [""]
    return frames


@pytest.fixture(scope="module")
def ntu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize("ntu", tmp_path_factory.mktemp("ntu") / "people.zip", **SIZE)


@pytest.fixture(scope="module")
def ucla(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize("nwucla", tmp_path_factory.mktemp("ucla") / "people.zip", **SIZE)


def test_ntu_names_are_official_sorted_and_complete(ntu: Path) -> None:
    with zipfile.ZipFile(ntu) as archive:
        names = archive.namelist()
    assert all(NTU_NAME.fullmatch(name) for name in names)
    assert names == sorted(names)
    assert len(names) == len(set(names)) == 2 * 2 * len(SYNTHETIC.classes)
    assert {int(name[17:20]) for name in names} == set(range(1, len(SYNTHETIC.classes) + 1))


def test_ntu_files_parse_and_look_like_a_sensor_s(ntu: Path) -> None:
    bodies = set()
    with zipfile.ZipFile(ntu) as archive:
        for name in archive.namelist()[::5]:
            text = archive.read(name).decode("ascii")
            frames = parse(text)
            assert 40 <= len(frames) <= 110
            for frame in frames:
                for number, joints in frame.items():
                    bodies.add(number)
                    assert np.isfinite(joints).all()
                    assert set(joints[:, 11]) <= {0.0, 1.0, 2.0}
                    np.testing.assert_allclose(joints[:, 3] - 256.5, 366.0 * joints[:, 0] / joints[:, 2], atol=1e-3)
                    length = np.linalg.norm(joints[:, 7:11], axis=1)
                    assert (np.isclose(length, 1.0, atol=1e-5) | (length == 0.0)).all()
    assert all(len(number) == 17 and int(number) > 2**53 for number in bodies)


def test_at_most_seven_significant_digits(ntu: Path) -> None:
    with zipfile.ZipFile(ntu) as archive:
        lines = archive.read(archive.namelist()[0]).decode("ascii").split("\r\n")
    numbers = [field for line in lines[4:29] for field in line.split(" ")]
    digits = [field.split("e")[0].lstrip("-").replace(".", "").lstrip("0") for field in numbers]
    assert max(map(len, digits)) == 7
    assert "-0" not in numbers


def test_ucla_files_are_as_the_official_ones(ucla: Path) -> None:
    codes = {}
    with zipfile.ZipFile(ucla) as archive:
        names = archive.namelist()
        assert len(names) == 10 * 2 * 2
        assert names == sorted(names)
        for name in names:
            assert UCLA_NAME.fullmatch(name)
            content = json.loads(archive.read(name))
            assert content["file_name"] == Path(name).stem
            skeletons = np.array(content["skeletons"])
            assert skeletons.shape[1:] == (20, 3)
            assert np.isfinite(skeletons).all()
            # Hip centre, spine, shoulder centre and head lie above one another in the first frame of someone upright.
            if content["label"] in (1, 2, 3, 9):
                assert (np.diff(skeletons[0, :4, 1]) > 0).all()
            codes[content["label"]] = name.split("/")[1][:3]
    official = ("a01", "a02", "a03", "a04", "a05", "a06", "a08", "a09", "a11", "a12")
    assert codes == dict(enumerate(official, start=1))


@pytest.mark.parametrize("format", [format for format in get_args(Format) if not format.startswith("pku")])
def test_same_arguments_same_bytes_other_seed_other_bytes(tmp_path: Path, format: Any) -> None:
    some = {"subjects": 1, "cameras": 1, "actions": ["throw", "sit down"]}
    first = synthesize(format, tmp_path / "a.zip", seed=5, **some).read_bytes()
    assert synthesize(format, tmp_path / "b.zip", seed=5, **some).read_bytes() == first
    assert synthesize(format, tmp_path / "c.zip", seed=6, **some).read_bytes() != first


def test_a_part_of_the_set_is_the_same_as_in_the_whole(ntu: Path, tmp_path: Path) -> None:
    part = synthesize("ntu", tmp_path / "part.zip", actions=["shake_hands", "sit-down"], subjects=2, cameras=1)
    with zipfile.ZipFile(part) as few, zipfile.ZipFile(ntu) as all_of_them:
        assert len(few.namelist()) == 4
        for name in few.namelist():
            assert few.read(name) == all_of_them.read(name)


@pytest.mark.parametrize("format", get_args(Format))
def test_progress_counts_the_recordings_of_every_format(tmp_path: Path, format: Any) -> None:
    calls: list[tuple[int, int]] = []
    synthesize(
        format, tmp_path / "out", subjects=1, repeats=2, actions=["throw"], progress=lambda *done: calls.append(done)
    )
    total = 2 if format in ("utdmhad", "bvh") else 6
    assert calls == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize("format", [format for format in get_args(Format) if not format.startswith("pku")])
def test_a_folder_in_the_way_is_refused_by_every_format(tmp_path: Path, format: Any) -> None:
    with pytest.raises(OutputError, match="a folder has that name"):
        synthesize(format, tmp_path, subjects=1, cameras=1, actions=["throw"])
    assert not list(tmp_path.iterdir())


def test_official_codes_of_utd_are_those_of_the_class_list(shared_data: Path) -> None:
    short = json.loads((shared_data / "class_names.json").read_text())["utd_mhad_short"]
    assert {action: short[code - 1] for action, code in UTDMHAD.classes.items()} == {
        "wave": "wave",
        "clap": "clap",
        "throw": "throw",
        "punch": "boxing",
        "walk around": "walk",
        "stand up": "sit2stand",
        "sit down": "stand2sit",
        "squat": "squat",
    }


def test_cameras_see_the_same_performance_from_elsewhere(ntu: Path) -> None:
    with zipfile.ZipFile(ntu) as archive:
        front, aside = (parse(archive.read(f"S001C{camera:03}P001R001A001.skeleton").decode()) for camera in (1, 2))
    assert len(front) == len(aside)

    def shoulders(frames: list[dict[str, np.ndarray]]) -> tuple[float, float]:
        joints = np.median([next(iter(frame.values())) for frame in frames if frame], axis=0)
        across = joints[8, :3] - joints[4, :3]
        return math.atan2(across[2], across[0]), float(np.linalg.norm(across))

    (yaw, width), (other_yaw, other_width) = shoulders(front), shoulders(aside)
    assert width == pytest.approx(other_width, rel=0.1)
    assert 0.4 < abs(yaw - other_yaw) < 1.2


def test_progress_counts_every_file(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    synthesize(
        "ntu",
        tmp_path / "few.zip",
        subjects=2,
        cameras=2,
        actions=["bow"],
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"format": "utd"}, UnknownNameError, "formats: no 'utd'"),
        ({"actions": ["waev"]}, UnknownNameError, "did you mean 'wave'"),
        ({"format": "nwucla", "actions": ["wave"]}, DataError, "format nwucla has no class for 'wave'"),
        ({"actions": []}, DataError, "no action given"),
        ({"subjects": 0}, DataError, "subjects must be between 1 and 106, got 0"),
        ({"subjects": 107}, DataError, "subjects must be between 1 and 106, got 107"),
        ({"repeats": 0}, DataError, "repeats must be between 1 and 999, got 0"),
        ({"cameras": 4}, DataError, "cameras must be between 1 and 3, got 4"),
        ({"format": "bvh", "cameras": 2}, DataError, "cameras must be 1 in this format, got 2"),
        ({"format": "utdmhad", "subjects": 100}, DataError, "subjects must be between 1 and 99, got 100"),
        ({"format": "pkummd2", "repeats": 100}, DataError, "repeats must be between 1 and 99, got 100"),
        ({"format": "utdmhad", "actions": ["hug"]}, DataError, "format utdmhad has no class for 'hug'"),
        ({"seed": -1}, DataError, "seed must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused(
    tmp_path: Path, arguments: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=re.escape(sentence)):
        synthesize(**{"format": "ntu", "out": tmp_path / "x.zip", **arguments})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence_and_leaves_the_old_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "people.zip"
    out.write_bytes(b"precious")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match="full while writing"):
        synthesize("ntu", out, subjects=1, cameras=1, actions=["bow"])
    assert [path.name for path in tmp_path.iterdir()] == ["people.zip"]
    assert out.read_bytes() == b"precious"


def test_an_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="a folder has that name"):
        synthesize("ntu", tmp_path, subjects=1, cameras=1, actions=["bow"])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        synthesize("ntu", tmp_path / "file" / "people.zip", subjects=1, cameras=1, actions=["bow"])
