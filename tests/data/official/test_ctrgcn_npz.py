# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from official_files import RAW, entry, load_as_ctrgcn, ntu_name, ntu_store, same, store_of

from bonefide.data.official import read_official, write_official
from bonefide.data.official._arrays import ArrayArchive
from bonefide.data.preparation import prepare
from bonefide.data.protocols import split
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, OutputError, UnknownNameError
from bonefide.types import Array

pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")

OFFICIAL = {
    "ntu60": {"xsub": ("CS", "NTU60_CS.npz"), "xview": ("CV", "NTU60_CV.npz")},
    "ntu120": {"xsub": ("CSub", "NTU120_CSub.npz"), "xset": ("CSet", "NTU120_CSet.npz")},
}


@pytest.fixture(scope="module", params=OFFICIAL)
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return prepare(request.param, raw=RAW, out=tmp_path_factory.mktemp("prepared") / "store", workers=1)


def test_exported_files_equal_the_official_ones(prepared: SkeletonStore, tmp_path: Path) -> None:
    dataset, classes = prepared.info.dataset, len(prepared.info.classes)
    official = np.load(RAW.with_name(f"data_{dataset}_final.npz"))
    write_official(prepared, tmp_path, "ctrgcn", frames=50)
    for short, name in OFFICIAL[dataset].values():
        written = np.load(tmp_path / name, allow_pickle=False)
        for part in ("train", "test"):
            rows = official[f"output/{short}/{part}_index"]
            np.testing.assert_array_equal(written[f"x_{part}"], official["output/aligned"][rows])
            np.testing.assert_array_equal(written[f"y_{part}"], np.eye(classes)[official["output/labels"][rows]])
            assert written[f"y_{part}"].dtype == np.float64
            assert written[f"x_{part}"].dtype == np.float32
            assert written[f"names_{part}"].tolist() == official["output/names"][rows].tolist()


@pytest.mark.parametrize("form", ["ctrgcn", "mamp"])
def test_there_and_back(prepared: SkeletonStore, tmp_path: Path, form: str) -> None:
    write_official(prepared, tmp_path / "files", form)
    back = read_official(prepared.info.dataset, tmp_path / "files", tmp_path / "back")
    same(back, prepared)
    assert (back.info.raw, back.info.preparation) == ("official", "ntu_denoise")
    assert back.info.options == prepared.info.options
    assert set(back.info.listed) == set(prepared.info.protocols)
    for protocol in prepared.info.protocols:
        for part in ("train", "test"):
            assert getattr(split(back, protocol), part).tolist() == getattr(split(prepared, protocol), part).tolist()


def test_the_feeder_sees_clips_and_classes(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store")
    (path,) = write_official(store, tmp_path / "out.npz", "ctrgcn", protocols="xsub")
    rows = split(store, "xsub").train
    data, labels = load_as_ctrgcn(path, "train")
    assert data.shape == (len(rows), 3, 300, 25, 2)
    assert labels.tolist() == store.labels[rows].tolist()
    for clip, row in zip(data, rows, strict=True):
        joints = store.joints(row)
        np.testing.assert_array_equal(clip[:, : joints.shape[1], :, : len(joints)], joints.transpose(3, 1, 2, 0))
        assert not clip[:, joints.shape[1] :].any()
        assert not clip[..., len(joints) :].any()


def test_files_have_their_official_names(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store")
    names = [path.name for path in write_official(store, tmp_path / "a", "ctrgcn", frames=8)]
    assert names == ["NTU60_CS.npz", "NTU60_CV.npz"]
    names = [path.name for path in write_official(store, tmp_path / "b", "mamp", frames=8)]
    assert names == ["NTU60_XSub.npz", "NTU60_XView.npz"]
    videos = [entry(f"0002-L_{line}", line, trains=("xsub",) * (line % 2)) for line in range(4)]
    store = store_of(tmp_path / "p", videos, dataset="pkummd1", preparation="pkummd_mamp", listed=("xsub",))
    (path,) = write_official(store, tmp_path / "c", "mamp", frames=8)
    assert path.name == "PKUv1_XSub.npz"
    same(read_official("pkummd1", path, tmp_path / "back"), store)


def test_padding_is_300_or_the_longest(tmp_path: Path) -> None:
    long = store_of(tmp_path / "long", [entry(ntu_name(0), 0, frames=310), entry(ntu_name(1), 1)])
    (path,) = write_official(long, tmp_path / "long.npz", "ctrgcn", protocols="xsub")
    assert np.load(path)["x_train"].shape[1] == 310
    with pytest.raises(DataError, match="310 frames, more than the 309"):
        write_official(long, tmp_path / "other.npz", "ctrgcn", protocols="xsub", frames=309)
    with pytest.raises(DataError, match="at least 1"):
        write_official(long, tmp_path / "other.npz", "ctrgcn", protocols="xsub", frames=0)
    assert not (tmp_path / "other.npz").exists()


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store")
    with pytest.raises(UnknownNameError, match="did you mean 'ctrgcn'"):
        write_official(store, tmp_path / "o", "ctrgnc")
    with pytest.raises(UnknownNameError, match="protocols of store"):
        write_official(store, tmp_path / "o", "ctrgcn", protocols="xset")
    with pytest.raises(DataError, match="one protocol"):
        write_official(store, tmp_path / "o.npz", "ctrgcn")
    wide = [entry(ntu_name(0), 0, persons=3), entry(ntu_name(1), 1)]
    with pytest.raises(DataError, match="up to 3 of 25"):
        write_official(store_of(tmp_path / "wide", wide), tmp_path / "o", "ctrgcn")
    (tmp_path / "o.npz").write_bytes(b"mine")
    with pytest.raises(OutputError, match="--overwrite"):
        write_official(store, tmp_path / "o.npz", "ctrgcn", protocols="xsub")
    assert (tmp_path / "o.npz").read_bytes() == b"mine"
    write_official(store, tmp_path / "o.npz", "ctrgcn", protocols="xsub", overwrite=True)
    assert zipfile.is_zipfile(tmp_path / "o.npz")


def test_equal_stores_give_equal_bytes(tmp_path: Path) -> None:
    store = ntu_store(tmp_path / "store")
    first, second = (
        write_official(store, tmp_path / name, "ctrgcn", protocols="xsub", frames=9)[0].read_bytes()
        for name in ("a.npz", "b.npz")
    )
    assert first == second


def arrays(count: int = 6, frames: int = 8) -> dict[str, Array]:
    """What a file of CTR-GCN holds: without names."""
    generator = np.random.default_rng(0)
    content: dict[str, Array] = {}
    for part, size in (("train", count), ("test", count // 2)):
        data = generator.normal(size=(size, frames, 150)).astype(np.float32)
        data[:, 5:] = 0
        data[::2, :, 75:] = 0
        content[f"x_{part}"], content[f"y_{part}"] = data, np.eye(60)[np.arange(size)]
    return content


def saved(path: Path, **changes: Any) -> Path:
    np.savez(path, **{name: each for name, each in {**arrays(), **changes}.items() if each is not None})
    return path


def test_samples_without_names_are_numbered_by_place(tmp_path: Path) -> None:
    store = read_official("ntu60", saved(tmp_path / "NTU60_CV.npz"), tmp_path / "store")
    assert store.info.listed == ("xview",)
    assert list(store.info.protocols) == ["xview"], "nothing tells the parts of the other one"
    parts, content = split(store, "xview"), arrays()
    assert store.names[parts.train].tolist() == [f"x_train_{number:06}" for number in range(1, 7)]
    assert store.names[parts.test].tolist() == [f"x_test_{number:06}" for number in range(1, 4)]
    assert store.labels[parts.train].tolist() == list(range(6))
    assert store.frames.tolist() == [5] * 9
    assert store.persons[parts.train].tolist() == [1, 2, 1, 2, 1, 2]
    for place, row in enumerate(parts.train):
        official = content["x_train"][place].reshape(8, 2, 25, 3).transpose(1, 0, 2, 3)
        joints = store.joints(row)
        np.testing.assert_array_equal(joints, official[: len(joints), :5])


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float64])
def test_labels_may_be_numbers(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    numbers = {f"y_{part}": np.arange(size).reshape(shape).astype(dtype) for part, size in (("train", 6), ("test", 3))}
    store = read_official("ntu60", saved(tmp_path / "NTU60_XSub.npz", **numbers), tmp_path / "store")
    assert store.labels[split(store, "xsub").train].tolist() == list(range(6))


def test_clips_of_neuron_keep_their_length(tmp_path: Path) -> None:
    joints = [
        entry(f"F{number:03}V001C001L001", number, frames=64, trains=("xsub",) * (number % 2)) for number in range(5)
    ]
    store = store_of(tmp_path / "s", joints, dataset="pkummd1", preparation="pkummd_neuron", listed=("xsub",))
    (path,) = write_official(store, tmp_path / "pkuv1_xsub.npz", "ctrgcn")
    content = np.load(path, allow_pickle=False)
    assert content["x_train"].shape == (2, 3, 64, 25, 2)
    assert content["y_train"].tolist() == [[1], [3]]
    assert content["y_train"].dtype == np.int64
    back = read_official("pkummd1", path, tmp_path / "back")
    same(back, store)
    assert (back.info.preparation, back.info.options["frames"]) == ("pkummd_neuron", 64)
    assert split(back, "xsub").train.tolist() == split(store, "xsub").train.tolist()


def test_a_resampled_clip_that_ends_in_zeros_keeps_them(tmp_path: Path) -> None:
    clips = {f"x_{part}": np.ones((2, 3, 50, 25, 2), np.float32) for part in ("train", "test")}
    clips["x_train"][:, :, 40:] = 0
    labels = {f"y_{part}": np.zeros(2, np.int64) for part in ("train", "test")}
    store = read_official("ntu60", saved(tmp_path / "x_xsub.npz", **clips, **labels), tmp_path / "store")
    assert store.info.preparation == "ntu_50frames"
    assert store.frames.tolist() == [50] * 4


def test_packed_archives_read_the_same(tmp_path: Path) -> None:
    plain = read_official("ntu60", saved(tmp_path / "NTU60_CS.npz"), tmp_path / "plain")
    (tmp_path / "packed").mkdir()
    np.savez_compressed(tmp_path / "packed" / "NTU60_CS.npz", **arrays())
    same(read_official("ntu60", tmp_path / "packed" / "NTU60_CS.npz", tmp_path / "store"), plain)


def test_empty_and_infinite_samples_are_left_out(tmp_path: Path) -> None:
    data = arrays()["x_train"]
    data[1], data[2, 0, 0] = 0, np.nan
    store = read_official("ntu60", saved(tmp_path / "NTU60_CS.npz", x_train=data), tmp_path / "store")
    assert [(each.member, each.code) for each in store.info.left_out] == [
        ("x_train_000002", "zero"),
        ("x_train_000003", "nonfinite"),
    ]
    assert len(store) == 7


def test_one_s_own_classes_are_numbers(tmp_path: Path) -> None:
    path = saved(tmp_path / "dance.npz", y_train=np.arange(6), y_test=np.arange(3))
    with pytest.raises(DataError, match="name the protocol"):
        read_official("custom", path, tmp_path / "store")
    store = read_official("custom", path, tmp_path / "store", protocol="halves")
    assert store.info.classes == tuple(f"class {label}" for label in range(6))
    assert (store.info.preparation, store.info.listed) == ("plain", ("halves",))
    assert len(split(store, "halves").train) == 6


def _lying(path: Path, rows: int) -> Path:
    """A file whose header tells more samples than follow."""
    saved(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x_train.npy"] = members["x_train.npy"].replace(b"(6, 8, 150)", f"({rows}, 8, 150)".encode(), 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


WRONG = {
    "no test part": ({"x_test": None}, "no array 'x_test'"),
    "other joints": ({"x_train": np.ones((6, 8, 60), np.float32)}, r"joints are \(N, T, 150\)"),
    "whole numbers": ({"x_train": np.ones((6, 8, 150), np.int64)}, r"joints are \(N, T, 150\)"),
    "fewer labels": ({"y_train": np.eye(60)[:5]}, "5 labels for 6 samples"),
    "other classes": ({"y_train": np.eye(120)[:6]}, "120 classes, the data set has 60"),
    "no class": ({"y_train": np.full(6, 60)}, "label 60 is outside 0 to 59"),
    "negative": ({"y_train": np.full(6, -1)}, "label -1 is outside"),
    "soft labels": ({"y_train": np.full((6, 60), 1 / 60)}, "neither one-hot nor numbers"),
    "two classes": ({"y_train": np.ones((6, 60))}, "neither one-hot nor numbers"),
    "fractions": ({"y_train": np.full(6, 0.5)}, "not whole numbers"),
    "labels of text": ({"y_train": np.array(["a"] * 6)}, "labels are one-hot"),
    "fewer names": ({"names_train": np.array(["a"])}, "1 names for 6 samples"),
    "no names": ({"names_train": np.array([""] * 6)}, "is no name"),
    "no characters": ({"names_train": np.full(6, 2**31, "<u4").view("<U1")}, "a name is no text"),
    "bytes as names": ({"names_train": np.array([b"\xff"] * 6)}, "a name is no text"),
    "names as numbers": ({"names_train": np.arange(6)}, "names are text"),
    "objects": ({"x_train": np.array([{}] * 6, dtype=object)}, "could run code"),
    "a scalar": ({"y_train": np.float64(1)}, "a list of samples"),
    "Fortran": ({"x_train": np.asfortranarray(arrays()["x_train"])}, "Fortran"),
    "different joints": ({"x_test": np.ones((3, 3, 8, 20, 1), np.float32)}, "different joints"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, fault: str) -> None:
    changes, said = WRONG[fault]
    with pytest.raises(DataError, match=said):
        read_official("ntu60", saved(tmp_path / "NTU60_CS.npz", **changes), tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("rows", [7, 10**13, -1])
def test_a_header_is_checked_before_anything_is_allocated(tmp_path: Path, rows: int) -> None:
    path = _lying(tmp_path / "NTU60_CS.npz", rows)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"header tells|shape"):
        read_official("ntu60", path, tmp_path / "store")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "NTU60_CS.npz")
    content = bytearray(path.read_bytes())
    content[3000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        read_official("ntu60", path, tmp_path / "store")


@pytest.mark.parametrize("keep", [10, 5000, -1])
def test_a_cut_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = saved(tmp_path / "NTU60_CS.npz")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="damaged or another kind"):
        read_official("ntu60", path, tmp_path / "store")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.zeros((1000, 100)))
    archive = ArrayArchive(path)
    archive._entries["x"].file_size = 10**12
    with pytest.raises(DataError, match="cannot hold"):
        archive.array("x")
    archive.close()


def test_files_of_two_protocols_need_names_and_the_same_samples(tmp_path: Path) -> None:
    paths = [saved(tmp_path / name) for name in ("NTU60_CS.npz", "NTU60_CV.npz")]
    with pytest.raises(DataError, match="joined by the names"):
        read_official("ntu60", paths, tmp_path / "store")
    names = {
        f"names_{part}": np.array([f"{part}{row}" for row in range(size)]) for part, size in (("train", 6), ("test", 3))
    }
    saved(paths[0], **names)
    saved(paths[1], names_train=names["names_train"], names_test=np.array(["a", "b", "c"]))
    with pytest.raises(DataError, match="do not hold the same samples"):
        read_official("ntu60", paths, tmp_path / "store")


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    made = [entry(f"n{number:04}", number % 60, frames=2) for number in range(600)]
    store = store_of(tmp_path / "store", made, listed=("xsub",))
    tracemalloc.start()
    (path,) = write_official(store, tmp_path / "NTU60_CS.npz", "ctrgcn", protocols="xsub")
    written = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    back = read_official("ntu60", path, tmp_path / "back")
    read = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 100e6
    assert written < 20e6
    assert read < 40e6
    assert back.names.tolist() == store.names.tolist()
