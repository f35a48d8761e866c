# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from official_files import entry, load_as_stgcn, ntu_store, same, store_of

from bonefide.data.official import read_official, write_official
from bonefide.data.protocols import split
from bonefide.errors import DataError
from bonefide.types import Array

pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")


def clips(count: int, *, frames: int = 50, seed: int = 0) -> Array:
    data = np.random.default_rng(seed).normal(size=(count, 3, frames, 25, 2)).astype(np.float32)
    data[::2, ..., 1] = 0
    return data


def labelled(
    folder: Path, stem: str, data: Array, labels: list[int], *, what: str = "data", names: bool = False
) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    np.save(folder / f"{stem}_{what}.npy", data)
    if names:
        listed = [f"S001C001P{row + 1:03}R001A{label + 1:03}.skeleton" for row, label in enumerate(labels)]
        (folder / f"{stem}_label.pkl").write_bytes(pickle.dumps((listed, labels), 2))
    else:
        np.save(folder / f"{stem}_label.npy", np.array(labels)[:, None])
    return folder


@pytest.mark.parametrize("preparation", ["ntu_stgcn", "ntu_50frames"])
def test_there_and_back(tmp_path: Path, preparation: str) -> None:
    store = ntu_store(tmp_path / "store", preparation=preparation)
    paths = write_official(store, tmp_path / "files", "npy")
    assert len(paths) == 8
    assert (tmp_path / "files" / "xsub" / "val_label.pkl") in paths
    back = read_official("ntu60", [tmp_path / "files" / protocol for protocol in ("xsub", "xview")], tmp_path / "back")
    same(back, store)
    assert (back.info.preparation, set(back.info.listed)) == (preparation, {"xsub", "xview"})
    for protocol in ("xsub", "xview"):
        for part in ("train", "test"):
            assert getattr(split(back, protocol), part).tolist() == getattr(split(store, protocol), part).tolist()


def test_the_feeder_sees_clips_names_and_labels(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store")
    write_official(store, tmp_path / "files", "npy", protocols="xview", frames=20)
    for part, ours in (("train", "train"), ("val", "test")):
        rows = getattr(split(store, "xview"), ours)
        data, names, labels = load_as_stgcn(tmp_path / "files" / "xview", part)
        assert data.shape == (len(rows), 3, 20, 25, 2)
        assert names == [f"{name}.skeleton" for name in store.names[rows]]
        assert labels == store.labels[rows].tolist()
        for clip, row in zip(data, rows, strict=True):
            joints = store.joints(row)
            np.testing.assert_array_equal(clip[:, : joints.shape[1], :, : len(joints)], joints.transpose(3, 1, 2, 0))
            assert not clip[:, joints.shape[1] :].any()


def test_any_layout_fits(tmp_path: Path) -> None:
    made = [
        entry(f"a0{number}_s01_e00_v01", number, shape=(20, 3), trains=("xview",) * (number % 2)) for number in range(6)
    ]
    store = store_of(
        tmp_path / "store",
        made,
        dataset="nwucla",
        preparation="nwucla",
        layout="ucla20",
        dtype="float64",
        listed=("xview",),
    )
    write_official(store, tmp_path / "files", "npy")
    data, names, _ = load_as_stgcn(tmp_path / "files" / "xview", "train")
    assert data.shape == (3, 3, 300, 20, 1)
    assert names == store.names[split(store, "xview").train].tolist()
    back = read_official("nwucla", tmp_path / "files" / "xview", tmp_path / "back")
    same(back, store)
    assert (back.info.preparation, back.info.dtype) == ("nwucla", "float64")


@pytest.mark.parametrize(
    ("what", "frames", "preparation"),
    [
        ("position", 50, "ntu_50frames"),
        ("data", 50, "ntu_50frames"),
        ("data", 300, "ntu_stgcn"),
        ("data_joint", 300, "ntu_agcn"),
    ],
)
def test_the_preparation_follows_from_names_and_length(
    tmp_path: Path, what: str, frames: int, preparation: str
) -> None:
    folder = tmp_path / "xsub"
    for stem, labels in (("train", [3, 5]), ("val", [1])):
        labelled(folder, stem, clips(len(labels), frames=frames), labels, what=what, names=True)
    store = read_official("ntu60", folder, tmp_path / "store")
    assert (store.info.preparation, store.info.listed) == (preparation, ("xsub",))
    other = read_official("ntu60", folder, tmp_path / "other", preparation="ntu_slots")
    assert other.info.preparation == "ntu_slots"


def test_names_without_ending_tell_the_actors(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "xsub", "train", clips(3), [4, 2, 9], names=True)
    labelled(folder, "val", clips(1, seed=1), [7], names=True)
    pickle_of = (["S001C001P040R001A008.skeleton"], [7])
    (folder / "val_label.pkl").write_bytes(pickle.dumps(pickle_of))
    store = read_official("ntu60", folder, tmp_path / "store")
    assert store.names[split(store, "xsub").train].tolist() == [
        "S001C001P001R001A005", "S001C001P002R001A003", "S001C001P003R001A010",
    ]  # fmt: skip
    assert store.subjects.tolist() == [1, 2, 3, 40]
    assert list(store.info.protocols) == ["xsub", "xview"], "the names tell the camera too"


def test_labels_as_arrays_only_are_warned_of(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "xsub", "train", clips(4), [0, 1, 2, 3])
    labelled(folder, "val", clips(2), [0, 1])
    with pytest.warns(UserWarning, match="shifted"):
        store = read_official("ntu60", folder, tmp_path / "store")
    assert store.info.warnings == {"labels_may_be_shifted": 6}
    assert store.names.tolist() == [*(f"train_{row:06}" for row in range(1, 5)), "val_000001", "val_000002"]


def test_files_may_be_named_one_by_one(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "xsub", "train", clips(2), [0, 1], names=True)
    labelled(folder, "val", clips(1), [2], names=True)
    np.save(folder / "train_motion.npy", clips(2))
    given = [folder / name for name in ("val_data.npy", "train_data.npy", "train_label.pkl")]
    assert len(read_official("ntu60", given, tmp_path / "store")) == 3


def zero_shot(folder: Path) -> Path:
    labelled(folder, "seen_train", clips(4), [0, 1, 0, 1])
    labelled(folder, "seen_test", clips(2, seed=1), [0, 1])
    return labelled(folder, "unseen", clips(3, seed=2), [58, 59, 59])


def test_zero_shot_parts_are_cross_subject(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*shifted")
        store = read_official("ntu60", zero_shot(tmp_path / "split_5"), tmp_path / "store")
    assert (store.info.listed, store.info.preparation) == (("xsub",), "ntu_50frames")
    parts = split(store, "xsub")
    assert store.labels[parts.train].tolist() == [0, 1, 0, 1]
    assert store.names[parts.test].tolist() == [
        "seen_test_000001", "seen_test_000002", "unseen_000001", "unseen_000002", "unseen_000003",
    ]  # fmt: skip
    assert store.labels[parts.test].tolist() == [0, 1, 58, 59, 59]
    np.testing.assert_array_equal(store["unseen_000002"].joints, clips(3, seed=2)[1].transpose(3, 1, 2, 0))


def test_one_shot_files_and_other_lengths_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "ntu60" / "unseen_label_5"
    labelled(folder, "one_shot_exemplar", clips(2, frames=64), [58, 59])
    labelled(folder, "one_shot_train", clips(2, frames=64, seed=1), [0, 1])
    labelled(folder, "one_shot_test", clips(2, frames=64, seed=2), [58, 59])
    store = read_official("ntu60", folder, tmp_path / "store")
    assert store.info.options["frames"] == 64
    assert store.names[split(store, "xsub").train].tolist() == ["one_shot_train_000001", "one_shot_train_000002"]


def test_folders_of_one_protocol_are_kept_apart_by_their_names(tmp_path: Path) -> None:
    folders = [zero_shot(tmp_path / name) for name in ("unseen_label_5", "unseen_label_12")]
    store = read_official("ntu60", folders, tmp_path / "store")
    assert len(store) == 18
    assert "unseen_label_5_unseen_000001" in store.names or "unseen_label_12_unseen_000001" in store.names


def _no_label(folder: Path) -> None:
    (folder / "val_label.pkl").unlink()


def _short_label(folder: Path) -> None:
    (folder / "val_label.pkl").write_bytes(pickle.dumps((["a", "b"], [0, 1])))


def _no_pair(folder: Path) -> None:
    (folder / "val_label.pkl").write_bytes(pickle.dumps(["a"]))


def _odd_name(folder: Path) -> None:
    (folder / "val_label.pkl").write_bytes(pickle.dumps(([7], [0])))


def _odd_label(folder: Path) -> None:
    (folder / "val_label.pkl").write_bytes(pickle.dumps((["a"], ["0"])))


def _foreign_label(folder: Path) -> None:
    (folder / "val_label.pkl").write_bytes(pickle.dumps((["a"], [60])))


def _code(folder: Path) -> None:
    (folder / "val_label.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


def _cut(folder: Path) -> None:
    path = folder / "val_data.npy"
    path.write_bytes(path.read_bytes()[:-4])


def _twice(folder: Path) -> None:
    np.save(folder / "val_position.npy", clips(1))


def _other_joints(folder: Path) -> None:
    np.save(folder / "val_data.npy", np.ones((1, 3, 50, 20, 2), np.float32))


def _other_length(folder: Path) -> None:
    np.save(folder / "val_data.npy", np.ones((1, 3, 40, 25, 2), np.float32))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_label, "has no labels"),
        (_short_label, "2 labels for 1 samples"),
        (_no_pair, "a pair"),
        (_odd_name, "is no name"),
        (_odd_label, "a label is no whole number"),
        (_foreign_label, "label 60 is outside"),
        (_code, "system"),
        (_cut, "header tells"),
        (_twice, "prepared in two ways"),
        (_other_joints, "different joints"),
        (_other_length, "different lengths"),
    ],
)
def test_damage_is_told(tmp_path: Path, damage: object, said: str) -> None:
    folder = labelled(tmp_path / "xsub", "train", clips(2), [0, 1], names=True)
    labelled(folder, "val", clips(1), [2], names=True)
    damage(folder)  # type: ignore[operator]
    with pytest.raises(DataError, match=said):
        read_official("ntu60", folder, tmp_path / "store")


def test_a_file_is_no_place_for_four(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a folder"):
        write_official(ntu_store(tmp_path / "store"), tmp_path / "out.npy", "npy")


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """A sparse file of 360 MB, of which three samples are on the disk."""
    folder = labelled(tmp_path / "xsub", "val", clips(1, frames=300), [0], names=True)
    count = 2000
    np.lib.format.open_memmap(folder / "train_data.npy", "w+", np.float32, (count, 3, 300, 25, 2))[::800] = 1
    names = [f"n{row}" for row in range(count)]
    (folder / "train_label.pkl").write_bytes(pickle.dumps((names, [0] * count)))
    tracemalloc.start()
    store = read_official("ntu60", folder, tmp_path / "store")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (folder / "train_data.npy").stat().st_size > 350e6
    assert len(store) == 4
    assert peak < 20e6
