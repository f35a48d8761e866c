# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
import pickletools
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from official_files import entry, load_as_pyskl, ntu_name, ntu_store, same, store_of

from bonefide.data.official import read_official, write_official
from bonefide.data.protocols import split
from bonefide.data.safe_pickle import load_pickle
from bonefide.data.synthetic.write import synthesize
from bonefide.errors import DataError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")


def annotation(name: str, label: int, *, frames: int = 4, persons: int = 1, joints: int = 25) -> dict[str, Any]:
    generator = np.random.default_rng(label)
    channels = 3 if joints == 25 else 2
    made = {
        "frame_dir": name,
        "label": label,
        "keypoint": generator.uniform(0.1, 1, size=(persons, frames, joints, channels)).astype(np.float16),
        "total_frames": frames,
    }
    if channels == 2:
        made["keypoint_score"] = generator.uniform(size=(persons, frames, joints)).astype(np.float16)
        made |= {"img_shape": (1080, 1920), "original_shape": (1080, 1920)}
    return made


def content(count: int = 4, **options: int) -> dict[str, Any]:
    names = [ntu_name(number) for number in range(count)]
    return {
        "split": {
            "xsub_train": names[:2],
            "xsub_val": names[2:],
            "xview_train": names[1:],
            "xview_val": names[:1],
        },
        "annotations": [annotation(name, number, **options) for number, name in enumerate(names)],
    }


def saved(path: Path, made: Any) -> Path:
    path.write_bytes(pickle.dumps(made))
    return path


def test_there_and_back(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store", preparation="ntu_pyskl", dtype="float16")
    (path,) = write_official(store, tmp_path / "files", "pyskl")
    assert path.name == "ntu60_3danno.pkl"
    back = read_official("ntu60", path, tmp_path / "back")
    same(back, store)
    assert (back.info.preparation, back.info.dtype, back.info.layout) == ("ntu_pyskl", "float16", "ntu25_pyskl")
    for protocol in ("xsub", "xview"):
        for part in ("train", "test"):
            assert getattr(split(back, protocol), part).tolist() == getattr(split(store, protocol), part).tolist()


def test_the_loader_of_pyskl_reads_it(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store", 1010, preparation="ntu_pyskl", dtype="float16")
    (path,) = write_official(store, tmp_path / "a.pkl", "pyskl", protocols="xsub")
    for part, ours in (("xsub_train", "train"), ("xsub_val", "test")):
        found = {each["frame_dir"]: each for each in load_as_pyskl(path, part)}
        rows = getattr(split(store, "xsub"), ours)
        assert set(found) == set(store.names[rows])
        for row in rows.tolist():
            each = found[store.names[row]]
            np.testing.assert_array_equal(each["keypoint"], store.joints(row))
            assert each["keypoint"].dtype == np.float16
            assert each["keypoint"].flags.writeable
            assert (each["label"], each["total_frames"]) == (store.labels[row], store.frames[row])
            assert type(each["label"]) is int


def test_old_numpy_knows_every_name_in_it(tmp_path: Path) -> None:
    (path,) = write_official(ntu_store(tmp_path / "store"), tmp_path / "a.pkl", "pyskl")
    named = {argument for opcode, argument, _ in pickletools.genops(path.read_bytes()) if opcode.name == "GLOBAL"}
    assert named == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
    assert not any(
        "GLOBAL" in opcode.name and opcode.name != "GLOBAL" for opcode, *_ in pickletools.genops(path.read_bytes())
    )
    pickletools.dis(path.read_bytes(), out=(tmp_path / "listing").open("w"))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    made = [entry(f"n{number:04}", number % 60, frames=200, persons=2) for number in range(500)]
    store = store_of(tmp_path / "store", made, listed=("xsub",))
    del made
    tracemalloc.start()
    (path,) = write_official(store, tmp_path / "a.pkl", "pyskl", protocols="xsub")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 50e6
    assert peak < 5e6


def test_the_parts_are_those_of_the_file(tmp_path: Path) -> None:
    store = read_official("ntu60", saved(tmp_path / "a.pkl", content()), tmp_path / "store")
    assert store.info.listed == ("xsub", "xview")
    assert sorted(store.names[split(store, "xview").test]) == [ntu_name(0)]
    only = read_official("ntu60", tmp_path / "a.pkl", tmp_path / "only", protocol="xsub")
    assert only.info.listed == ("xsub",)
    with pytest.raises(DataError, match="no parts of xset"):
        read_official("custom", tmp_path / "a.pkl", tmp_path / "none", protocol="xset")


def test_poses_from_images_keep_their_score(tmp_path: Path) -> None:
    made = content(joints=17, persons=2)
    store = read_official("ntu60", saved(tmp_path / "ntu60_hrnet.pkl", made), tmp_path / "store")
    assert (store.info.preparation, store.info.layout, store.info.shape[1:]) == ("plain", "coco17", (17, 3))
    for each in made["annotations"]:
        joints = store[each["frame_dir"]].joints
        np.testing.assert_array_equal(joints[..., :2], each["keypoint"])
        np.testing.assert_array_equal(joints[..., 2], each["keypoint_score"])
    (path,) = write_official(store, tmp_path / "files", "pyskl")
    assert path.name == "ntu60_2danno.pkl"
    for each in load_as_pyskl(path, "xsub_train"):
        joints = store[each["frame_dir"]].joints
        np.testing.assert_array_equal(each["keypoint"], joints[..., :2])
        np.testing.assert_array_equal(each["keypoint_score"], joints[..., 2])
    same(read_official("ntu60", path, tmp_path / "back"), store)


def test_poses_without_score_have_two_channels(tmp_path: Path) -> None:
    made = content(joints=17)
    for each in made["annotations"]:
        del each["keypoint_score"]
    store = read_official("ntu60", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert store.info.shape[2] == 2


def test_three_coordinates_are_no_score(tmp_path: Path) -> None:
    made = [entry(f"n{number}", number, shape=(17, 3), trains=("a",) * number) for number in range(2)]
    store = store_of(
        tmp_path / "store",
        made,
        dataset="custom",
        layout="coco17",
        preparation="plain",
        listed=("a",),
        classes=("x", "y"),
    )
    (path,) = write_official(store, tmp_path / "a.pkl", "pyskl")
    assert load_as_pyskl(path, "a_train")[0]["keypoint"].shape[-1] == 3


def test_a_bare_list_of_one_s_own_has_no_parts(tmp_path: Path) -> None:
    made = [annotation(f"video {number}", number) for number in range(3)]
    made[1]["filename"] = made[1].pop("frame_dir")
    store = read_official("custom", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert store.names.tolist() == ["video 0", "video 1", "video 2"]
    assert (store.info.listed, store.info.classes) == ((), ("class 0", "class 1", "class 2"))
    assert store.info.layout == "ntu25_pyskl"
    (path,) = write_official(store, tmp_path / "b.pkl", "pyskl")
    assert load_pickle(path.read_bytes())["split"] == {}
    with pytest.raises(DataError, match="no protocol"):
        write_official(store, tmp_path / "files", "npy")


@pytest.mark.parametrize(
    ("split_of", "listed"),
    [
        ({"train": ["a"], "val": ["b"]}, ("split",)),
        ({"train": {"a"}, "val": np.array(["b"])}, ("split",)),
        ({"train1": ["a"], "test1": ["b"], "train2": ["b"], "test2": ["a"]}, ("split1", "split2")),
        ({"dance_train": ["a"], "dance_val": ["b"]}, ("dance",)),
    ],
)
def test_parts_of_one_s_own_have_any_name(tmp_path: Path, split_of: dict[str, Any], listed: tuple[str, ...]) -> None:
    made = {"split": split_of, "annotations": [annotation("a", 0), annotation("b", 1)]}
    store = read_official("custom", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert store.info.listed == listed
    assert store.names[split(store, listed[0]).train].tolist() == ["a"]


def test_unlisted_and_empty_annotations_are_noted(tmp_path: Path) -> None:
    made = content()
    made["annotations"] += [None, annotation("stray", 5)]
    made["split"]["xview_val"] = []
    store = read_official("ntu60", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert store.info.warnings == {"no_bodies": 1, "unlisted": 1, "unlisted_xview": 1}
    assert len(store) == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"keypoint": None}, "joints"),
        ({"keypoint": np.ones((1, 4, 17, 3))}, "joints"),
        ({"keypoint": np.ones((4, 25, 3))}, "joints"),
        ({"keypoint": np.array([[[[None]]]])}, "joints"),
        ({"keypoint": np.zeros((1, 4, 25, 3))}, "zero"),
        ({"keypoint": np.zeros((0, 4, 25, 3))}, "zero"),
        ({"keypoint": np.full((1, 4, 25, 3), np.nan)}, "nonfinite"),
        ({"keypoint": np.ones((128, 4, 25, 3))}, "persons"),
        ({"total_frames": 5}, "frames"),
        ({"total_frames": "4"}, "frames"),
    ],
)
def test_a_damaged_annotation_is_left_out_and_listed(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    made = content()
    made["annotations"][2] |= change
    store = read_official("ntu60", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert [(each.member, each.code) for each in store.info.left_out] == [(ntu_name(2), code)]


@pytest.mark.parametrize("score", [None, np.ones((1, 4, 16)), "sure"])
def test_a_score_that_does_not_fit_leaves_one_out(tmp_path: Path, score: object) -> None:
    made = content(joints=17)
    made["annotations"][3]["keypoint_score"] = score
    store = read_official("ntu60", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert [each.code for each in store.info.left_out] == ["joints"]


def nested() -> list[Any]:
    """Lists in lists, deeper than Python shows them."""
    made: list[Any] = []
    for _ in range(90):
        made = [made]
    return made


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1",)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"annotations": []}, "'split' and 'annotations'"),
        ({"split": [], "annotations": []}, "'split' and 'annotations'"),
        ("text", "'split' and 'annotations'"),
        ([], "holds no annotation"),
        ([None], "holds no annotation"),
        (["text"], "annotation 0 is no dictionary"),
        ([{"label": 0}], "annotation 0 is no dictionary"),
        ([annotation("a", 0) | {"label": "walk"}], "the label 'walk'"),
        ([annotation("a" * 1001, 0)], "is no name"),
        ([annotation("\ud800", 0)], "is no name"),
        ([annotation("a", 60)], "label 60 is outside"),
        ([{"frame_dir": "a", "label": 0}], "no annotation has keypoints"),
        ([annotation("a", 0, joints=13)], "V = 25 or 17"),
        (content() | {"split": {"xsub_train": [ntu_name(0)]}}, "needs a part that trains"),
        (content() | {"split": {"everybody": [ntu_name(0)]}}, "a part is called like"),
        (content() | {"split": {"xsub_train": "a"}}, "a part is called like"),
        (content() | {"split": {"xsub_train": [ntu_name(0)], "xsub_val": [ntu_name(0)]}}, "both trains and tests"),
        (content() | {"split": {"xsub_train": ["x"], "xsub_val": ["y"]}}, "that a part lists"),
        (content() | {"annotations": [annotation(ntu_name(0), 0)] * 2}, "share one array"),
        ([annotation("a", 0), annotation("a", 1)], "'a' occurs twice"),
        ([annotation("a", 0) | {"label": nested()}], r"the label \[\[\["),
        ([{"frame_dir": nested(), "label": 0}], "is no dictionary"),
        (_Attack(), "eval"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, made: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_official("ntu60", saved(tmp_path / "a.pkl", made), tmp_path / "store")


def test_unknown_protocols_of_a_known_data_set_are_refused(tmp_path: Path) -> None:
    made = content() | {"split": {"train": [ntu_name(0)], "val": [ntu_name(1)]}}
    with pytest.raises(UnknownNameError, match="protocols of ntu60: no 'split'"):
        read_official("ntu60", saved(tmp_path / "a.pkl", made), tmp_path / "store")
    assert read_official("ntu60", tmp_path / "a.pkl", tmp_path / "store", protocol="xsub").info.listed == ("xsub",)


def test_a_cut_pickle_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pkl", content())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="damaged or no pickle"):
        read_official("ntu60", path, tmp_path / "store")


@pytest.mark.parametrize(
    ("form", "kind"), [("pyskl", ("ntu_pyskl", "ntu25_pyskl", 3)), ("pyskl2d", ("plain", "coco17", 3))]
)
def test_made_up_people_are_read(tmp_path: Path, form: str, kind: tuple[str, str, int]) -> None:
    path = synthesize(form, tmp_path / "a.pkl", subjects=2, cameras=2, actions=["wave", "hug"])
    store = read_official("synthetic", path, tmp_path / "store")
    assert (store.info.preparation, store.info.layout, store.info.shape[2]) == kind
    assert len(store) == 8
    assert not store.info.left_out
    assert len(split(store, "xview").test) == 4
    written = write_official(store, tmp_path / "b.pkl", "pyskl")
    same(read_official("synthetic", written, tmp_path / "back"), store)
