# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from official_files import RAW

from bonefide.data.official import read_official
from bonefide.data.preparation import prepare
from bonefide.data.protocols import split
from bonefide.data.raw.ntu import NTU
from bonefide.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")

NAME = "S001C002P003R002A013"


def dictionary(frames: int = 4, bodies: tuple[int, ...] = (1, 2, 0, 1)) -> dict[str, Any]:
    """What the official script keeps of a file."""
    generator = np.random.default_rng(0)
    made: dict[str, Any] = {"file_name": NAME, "nbodys": list(bodies), "njoints": 25}
    for slot in range(max(bodies)):
        joints = generator.normal(size=(frames, 25, 3))
        joints[np.array(bodies) <= slot] = 0
        made[f"skel_body{slot}"] = joints
        made[f"rgb_body{slot}"] = np.zeros((frames, 25, 2))
    return made


def saved(path: Path, made: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    np.save(path, made, allow_pickle=True)
    return path


def test_it_equals_the_raw_files(tmp_path: Path) -> None:
    """The same recordings from `.skeleton` text and from dictionaries made of it give the same store."""
    with ZipFile(RAW) as archive:
        for member in archive.namelist():
            recording = NTU().read(member, archive.read(member))
            counts = np.zeros(recording.frames, dtype=int)
            slots = np.zeros((6, recording.frames, 25, 3))
            for body in recording.bodies:
                slots[body.slots, body.frames] = body.joints
                np.maximum.at(counts, body.frames, body.slots + 1)
            made = {"file_name": recording.name, "nbodys": counts.tolist(), "njoints": 25}
            made |= {f"skel_body{slot}": slots[slot] for slot in range(counts.max())}
            saved(tmp_path / "files" / f"{recording.name}.skeleton.npy", made)
    raw = prepare("ntu120", raw=RAW, out=tmp_path / "raw", preparation="ntu_slots", workers=1)
    back = read_official("ntu120", tmp_path / "files", tmp_path / "back")
    extra = set(back.names) - set(raw.names)
    assert len(extra) == 1, "the one on the list of missing recordings"
    for name in raw.names:
        np.testing.assert_array_equal(back[name].joints, raw[name].joints, name)
    assert (back.info.preparation, back.info.listed, back.info.dtype) == ("ntu_slots", (), "float64")
    assert set(back.info.protocols) == {"xsub", "xset"}
    assert set(back.names[split(back, "xsub").train]) - extra == set(raw.names[split(raw, "xsub").train])


def test_name_and_slots(tmp_path: Path) -> None:
    path = saved(tmp_path / f"{NAME}.skeleton.npy", dictionary())
    store = read_official("ntu60", path, tmp_path / "store")
    assert (store.labels[0], store.subjects[0], store.cameras[0], store.setups[0], store.repeats[0]) == (12, 3, 2, 1, 2)
    joints = store.joints(0)
    origin = dictionary()["skel_body0"][0, 1]
    np.testing.assert_allclose(joints[0, 0], dictionary()["skel_body0"][0] - origin)
    np.testing.assert_allclose(joints[1, 1], dictionary()["skel_body1"][1] - origin)
    other = read_official("ntu60", path, tmp_path / "other", preparation="ntu_stgcn")
    assert other.info.preparation == "ntu_stgcn"
    np.testing.assert_array_equal(other.joints(0)[0, 0], dictionary()["skel_body0"][0].astype(np.float32))


def test_more_bodies_than_slots_were_kept(tmp_path: Path) -> None:
    made = dictionary(bodies=(1, 2, 0, 1)) | {"nbodys": [1, 6, 0, 1]}
    store = read_official("ntu60", saved(tmp_path / f"{NAME}.skeleton.npy", made), tmp_path / "store")
    assert store.persons.tolist() == [2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"nbodys": []}, "count"),
        ({"nbodys": [1, 2, -1, 1]}, "count"),
        ({"nbodys": [1, 2, 10**9, 1]}, "count"),
        ({"nbodys": "many"}, "count"),
        ({"nbodys": [[1], [2, 3]]}, "count"),
        ({"nbodys": [1, 2, 0]}, "joints"),
        ({"skel_body1": np.zeros((4, 20, 3))}, "joints"),
        ({"skel_body0": None}, "no_frames"),
        ({"skel_body0": np.full((4, 25, 3), np.inf)}, "nonfinite"),
        ({"nbodys": [0, 0, 0, 0]}, "no_frames"),
    ],
)
def test_a_damaged_dictionary_is_left_out_and_listed(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    saved(tmp_path / "files" / "S001C001P001R001A001.skeleton.npy", dictionary())
    saved(tmp_path / "files" / f"{NAME}.skeleton.npy", dictionary() | change)
    store = read_official("ntu60", tmp_path / "files", tmp_path / "store")
    assert [(each.member, each.code) for each in store.info.left_out] == [(NAME, code)]
    assert store.names.tolist() == ["S001C001P001R001A001"]


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1",)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "header"),
        (b"\x93NUMPY\x01\x00", "header"),
        (np.zeros(3), "header"),
        ("text", "header"),
        (np.array([{}, {}], dtype=object), "header"),
        (np.array(7, dtype=object), "header"),
        (np.array(_Attack(), dtype=object), "pickle"),
    ],
)
def test_other_files_are_left_out(tmp_path: Path, content: Any, code: str) -> None:
    saved(tmp_path / "files" / "S001C001P001R001A001.skeleton.npy", dictionary())
    path = tmp_path / "files" / f"{NAME}.skeleton.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        saved(path, content)
    store = read_official("ntu60", tmp_path / "files", tmp_path / "store")
    assert [each.code for each in store.info.left_out] == [code]


def test_files_that_cannot_be_told_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "walk.skeleton.npy", dictionary())
    with pytest.raises(DataError, match=r"walk\.skeleton\.npy is not called"):
        read_official("ntu60", path, tmp_path / "store")
    path = saved(tmp_path / "S001C002P003R002A061.skeleton.npy", dictionary())
    with pytest.raises(DataError, match="label 60 is outside"):
        read_official("ntu60", path, tmp_path / "store")
