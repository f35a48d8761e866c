# SPDX-License-Identifier: Apache-2.0
"""Whatever lies at a path is recognised, looked at and mended: raw files, official files, stores."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from bonefide.data.datasets import info
from bonefide.data.doctor import Diagnosis, examine, mend
from bonefide.data.doctor._summary import summarize
from bonefide.data.preparation import prepare
from bonefide.data.store import open_store
from bonefide.data.synthetic.perform import FPS, perform
from bonefide.data.synthetic.write import Format, synthesize
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import DataError, OutputError, RawFileError, UnknownNameError
from bonefide.layouts import layout
from bonefide.layouts.conversion import conversion
from bonefide.types import Array, SkeletonSequence

LAYOUTS = {
    "ntu": "ntu25", "nwucla": "ucla20", "utdmhad": "utd20", "pkummd1": "ntu25", "pkummd2": "ntu25", "bvh": "bvh",
    "openpose": "openpose25", "mediapipe": "mediapipe33", "coco": "coco17", "pyskl": "ntu25_pyskl", "pyskl2d": "coco17",
}  # fmt: skip
OPTIONS: dict[str, dict[str, object]] = {
    "openpose": {"up": "-y"}, "mediapipe": {"up": "-y"}, "coco": {"up": "-y"}, "pyskl2d": {"up": "-y"},
    "bvh": {"scale": 0.01},
}  # fmt: skip


@pytest.mark.parametrize("form", get_args(Format))
def test_every_form_is_recognised_and_its_space_told(tmp_path: Path, form: Format) -> None:
    out = tmp_path / ("raw.pkl" if form.startswith("pyskl") else "pku" if form.startswith("pku") else "raw.zip")
    synthesize(form, out, subjects=1, cameras=1, seed=4)
    found = examine(out, count=6)
    told = found.summary
    assert found.kind == ("official" if form.startswith("pyskl") else "raw")
    assert found.raw is None or found.raw.format == form.rstrip("12")
    assert (told["layout"].value, told["layout"].fault) == (LAYOUTS[form], False)
    assert {name: told.options[name] for name in ("scale", "up", "reflect") if name in told.options} == OPTIONS.get(
        form, {}
    )
    assert len(found.diagnoses) == min(6, found.total)


def _save(folder: Path, name: str, joints: Array) -> Path:
    path = folder / name
    np.save(path, joints)
    return path


def test_one_file_without_labels_becomes_a_store(tmp_path: Path) -> None:
    joints = perform("wave")
    path = _save(tmp_path, "wave.npy", 1000 * joints[..., [0, 2, 1]] * (-1, 1, 1))
    found = examine(path)
    assert found.summary.options == {"scale": 0.001, "up": "z"}
    store = mend(found, tmp_path / "store")
    assert (store.info.classes, store.names.tolist(), store.layout.name) == (("unknown",), ["wave"], "ntu25")
    np.testing.assert_allclose(store.joints(0), joints, atol=1e-6)
    assert examine(store.path).summary.faults == ()


def test_layouts_that_nobody_names_are_found(tmp_path: Path) -> None:
    joints = conversion(layout("ntu25"), layout("utd20")).apply(perform("clap"))[0]
    np.savez(tmp_path / "clap.npz", joints=100 * joints, fps=FPS)
    found = examine(tmp_path / "clap.npz")
    assert (found.summary["layout"].value, found.summary["unit"].value) == ("utd20", "cm")
    assert found.summary["fps"].value == FPS
    assert mend(found, tmp_path / "store").layout.name == "utd20"
    wrong = examine(tmp_path / "clap.npz", layout="ucla20").summary["layout"]
    assert (wrong.value, wrong.fault) == ("utd20", True)


def test_joints_of_no_known_layout_are_measured_but_not_mended(tmp_path: Path) -> None:
    path = _save(tmp_path, "odd.npy", 1000 * perform("wave")[:, :, :21])
    found = examine(path)
    assert (found.summary["layout"].value, found.summary["unit"].value) == (None, "mm")
    with pytest.raises(DataError, match="give --layout"):
        mend(found, tmp_path / "store")


def test_a_folder_with_labels_keeps_them(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for action in ("wave", "clap"):
        (raw / action).mkdir(parents=True)
        for performer in (1, 2, 3):
            _save(raw / action, f"{action}{performer}.npy", 100 * perform(action, performer=performer))
    store = mend(examine(raw), tmp_path / "store")
    assert (store.info.classes, store.labels.tolist()) == (("clap", "wave"), [0, 0, 0, 1, 1, 1])
    assert store.info.options["scale"] == 0.01


def test_a_sample_is_looked_at_and_damage_is_told(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in range(9):
        _save(raw, f"{number}.npy", perform("wave", performer=number + 1))
    (raw / "8.npy").write_bytes(b"nothing")
    found = examine(raw, count=3)
    assert (list(found.diagnoses), list(found.unreadable), found.total) == (["0.npy", "4.npy"], ["8.npy"], 9)


def test_a_store_keeps_names_labels_and_parts(tmp_path: Path) -> None:
    synthesize("nwucla", tmp_path / "raw.zip", subjects=2)
    old = prepare(
        "nwucla", raw=tmp_path / "raw.zip", out=tmp_path / "old", preparation="plain", options={"scale": 10.0}
    )
    found = examine(old.path)
    assert (found.kind, found.summary.options) == ("store", {"scale": 0.1} if found.summary["unit"].value else {})
    new = mend(found, tmp_path / "new", options={"scale": 0.1, "mirror": True})
    for column in ("names", "labels", "subjects", "cameras", "repeats", "frames", "persons"):
        assert getattr(new, column).tolist() == getattr(old, column).tolist()
    assert new.info.protocols == old.info.protocols
    assert new.info.classes == old.info.classes
    np.testing.assert_allclose(new.joints(5)[..., 1], 0.1 * old.joints(5)[:, :, list(old.layout.mirror), 1], atol=1e-6)


def test_lists_of_parts_and_inferred_joints_are_kept(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for action in ("wave", "clap"):
        for performer in range(1, 7):
            (raw / action).mkdir(parents=True, exist_ok=True)
            _save(raw / action, f"{action}{performer}.npy", perform(action, performer=performer))
    old = prepare("custom", raw=raw, out=tmp_path / "old", layout="ntu25", options={"to": "mediapipe33"})
    new = mend(examine(old.path), tmp_path / "new", options={"scale": 2.0})
    assert new.info.listed == old.info.listed == ("random",)
    assert new.trains("random").tolist() == old.trains("random").tolist()
    assert new.info.inferred == old.info.inferred != ()
    assert len(mend(examine(old.path), tmp_path / "back", options={"to": "ntu25"})) == len(old)


def test_confidence_of_a_store_is_no_coordinate(tmp_path: Path) -> None:
    synthesize("coco", tmp_path / "raw.zip", subjects=2, cameras=1, actions=("wave", "hug"))
    old = prepare("custom", raw=tmp_path / "raw.zip", out=tmp_path / "old", options={"confidence": True})
    found = examine(old.path)
    assert found.summary.options["up"] == "-y"
    new = mend(found, tmp_path / "new")
    assert new.info.shape[2] == 3
    np.testing.assert_array_equal(new.joints(0)[..., 2], old.joints(0)[..., 2])


def test_mending_needs_another_place(tmp_path: Path) -> None:
    store = write_store(tmp_path / "s", info("nwucla"), [Entry(SkeletonSequence("a", 0, np.ones((1, 4, 20, 3))))])
    with pytest.raises(DataError, match="write the new one elsewhere"):
        mend(examine(store.path), store.path)
    other = write_store(tmp_path / "t", info("nwucla"), [Entry(SkeletonSequence("b", 0, np.ones((1, 4, 20, 3))))])
    with pytest.raises(OutputError):
        mend(examine(store.path), other.path)
    assert open_store(other.path).names.tolist() == ["b"]


def test_official_files_become_a_store_first(tmp_path: Path) -> None:
    synthesize("pyskl", tmp_path / "p.pkl", subjects=1, cameras=1, actions=("wave",))
    with pytest.raises(DataError, match="read_official"):
        mend(examine(tmp_path / "p.pkl"), tmp_path / "store")


def test_official_npz_is_told_from_ones_own(tmp_path: Path) -> None:
    people = np.concatenate([perform("hug")[:, :40].transpose(1, 0, 2, 3).reshape(1, 40, 150)] * 3).astype(np.float32)
    parts = {
        f"{each}_{part}": people if each == "x" else np.eye(60)[[1, 2, 3]]
        for each in "xy"
        for part in ("train", "test")
    }
    np.savez(tmp_path / "NTU60_CS.npz", **parts)
    found = examine(tmp_path / "NTU60_CS.npz")
    assert found.kind == "official"
    assert found.title.startswith("npz files of the CTR-GCN family: 6 samples of 25 joints")
    assert "xsub 3 + 3" in found.title


def test_what_is_not_there_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no"):
        examine(tmp_path / "nothing")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    with pytest.raises(DataError):
        examine(tmp_path)
    path = tmp_path / "bad.npy"
    path.write_bytes(b"nothing")
    with pytest.raises(RawFileError):
        examine(path)
    with pytest.raises(DataError, match="at least one"):
        examine(_save(tmp_path, "wave.npy", perform("wave")), count=0)
    with pytest.raises(UnknownNameError, match="layouts"):
        examine(tmp_path / "wave.npy", layout="ntu52")
    synthesize("bvh", tmp_path / "b.zip", subjects=1, actions=("wave",))
    with pytest.raises(DataError, match="say themselves"):
        examine(tmp_path / "b.zip", layout="ntu25")


def _told(**joints: Array) -> Diagnosis:
    from bonefide.data.doctor import diagnose

    return summarize({name: diagnose(each, layout=layout("ntu25"), fps=FPS) for name, each in joints.items()})


def test_the_majority_decides_and_faults_are_counted() -> None:
    one, two, three = (perform("wave", performer=number) for number in (1, 2, 3))
    told = _told(a=1000 * one, b=1000 * two, c=three)
    assert (told["unit"].value, told["unit"].confidence, told["unit"].fault) == ("mm", "likely", True)
    assert told.options == {"scale": 0.001}
    broken = two.copy()
    broken[:, 30:] += 3.0
    told = _told(a=one, b=broken, c=three)
    assert (told["jumps"].value, told["jumps"].fault) == (1, True)
    assert told["jumps"].evidence.startswith("1 of 3 recordings, such as b")


def test_persons_are_limited_only_where_it_helps() -> None:
    alone = perform("wave")
    ghost = np.zeros_like(alone)
    ghost[:, 5:12] = alone[:, 5:12] + 1.0
    haunted = np.concatenate([alone, ghost])
    assert _told(a=alone, b=haunted).options == {"persons": 1}
    assert _told(a=perform("hug"), b=haunted).options == {}
