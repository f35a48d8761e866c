# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stores import small_store

from bonefide.data.datasets import info
from bonefide.data.descriptor_png import png_names, read_png_folders, write_png_folders
from bonefide.data.descriptor_store import DescriptorStore
from bonefide.data.protocols import split
from bonefide.data.store import SkeletonStore
from bonefide.data.write_descriptors import describe_store, training_images
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import DataError, OutputError, StoreError, UnknownNameError
from bonefide.types import SkeletonSequence

ALL = ("gd", "jdd", "add", "lad", "fdd")
SIZE = 16
GOLDEN = Path(__file__).parents[1] / "golden"
ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)
FINGERPRINTS = {
    "train": "2ebc3d53526f7b7e1c2e5962d40f244eb7c399780aed010c78d9c637ba6defc5",
    "test": "4a663ba96d10127e999ebcdad91c48e5173669537b4c43ef72ada1602f168eff",
}
"""Of the lines "name label" of NW-UCLA's official loader."""


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return small_store(tmp_path / "store", 24)


@pytest.fixture
def images(store: SkeletonStore, tmp_path: Path) -> DescriptorStore:
    return describe_store(store, ALL, tmp_path / "images", size=SIZE)


def ntu_store(path: Path, dataset: str = "ntu60") -> SkeletonStore:
    generator = np.random.default_rng(0)
    entries = []
    for number in range(12):
        subject, camera, setup = number % 3 + 1, number % 3 + 1, number % 4 + 1
        name = f"S{setup:03}C{camera:03}P{subject:03}R001A{number % 7 + 1:03}"
        joints = generator.normal(size=(number % 2 + 1, 5, 25, 3))
        entries.append(Entry(SkeletonSequence(name, number % 7, joints), subject, camera, setup, 1))
    return write_store(path, info(dataset), entries, layout="ntu25")


def test_folders_names_and_modes_are_the_authors(store: SkeletonStore, images: DescriptorStore, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    folders = write_png_folders(
        images,
        store,
        ALL,
        tmp_path / "png",
        protocol="xview",
        workers=1,
        progress=lambda *now: done.append(now),
    )
    assert [folder.name for folder in folders] == [
        f"ucla_{name.upper()}_{part}" for name in ALL for part in ("train", "test")
    ]
    assert done[0] == (0, 120)
    assert done[-1] == (120, 120)
    parts = split(store, "xview")
    for name in ALL:
        for part, rows in (("train", parts.train), ("test", parts.test)):
            folder = tmp_path / "png" / f"ucla_{name.upper()}_{part}"
            assert len(list(folder.iterdir())) == len(rows)
            for place, row in enumerate(rows.tolist()):
                with Image.open(folder / f"{place}_{store.labels[row] + 1}.png") as opened:
                    assert opened.mode == ("RGB" if name in {"gd", "fdd"} else "L")
                    assert not opened.info
                    np.testing.assert_array_equal(np.asarray(opened), images.image(name, row))


@pytest.mark.parametrize(
    ("dataset", "protocol", "word"),
    [("ntu60", "xsub", "csub"), ("ntu60", "xview", "cview"), ("ntu120", "xset", "csetup")],
)
def test_ntu_folders_name_the_protocol_and_keep_the_order_of_names(
    tmp_path: Path, dataset: str, protocol: str, word: str
) -> None:
    store = ntu_store(tmp_path / "store", dataset)
    images = describe_store(store, ["jdd"], size=SIZE)
    folders = write_png_folders(images, store, ["jdd"], tmp_path / "png", protocol=protocol)
    assert [folder.name for folder in folders] == [f"{dataset}_JDD_{part}_{word}" for part in ("train", "test")]
    names = png_names(store, protocol)
    for part in ("train", "test"):
        ids = [str(store.names[row]) for row in names[part].values()]
        assert ids == sorted(ids)
        assert list(names[part]) == [f"{place}_{int(each[-3:])}.png" for place, each in enumerate(ids)]
    assert not names["train"].keys() <= names["test"].keys()


def test_reading_them_back_gives_the_same_bytes(store: SkeletonStore, images: DescriptorStore, tmp_path: Path) -> None:
    write_png_folders(images, store, ALL, tmp_path / "png", protocol="xview")
    read = read_png_folders(tmp_path / "png", store, ALL, tmp_path / "read", protocol="xview")
    assert read.info.origin == "png"
    for name in ("gd", "jdd", "add", "lad", "names", "labels"):
        file = f"{name}.npy"
        assert (read.path / file).read_bytes() == (images.path / file).read_bytes()


def test_trainings_use_images_that_were_read(store: SkeletonStore, tmp_path: Path) -> None:
    images = describe_store(store, ["jdd"], tmp_path / "images")
    write_png_folders(images, store, ["jdd"], tmp_path / "png", protocol="xview")
    changed = tmp_path / "png" / "ucla_JDD_train" / next(iter(png_names(store, "xview")["train"]))
    Image.fromarray(np.full((112, 112), 9, dtype=np.uint8)).save(changed)
    read_png_folders(tmp_path / "png", store, ["jdd"], store.path / "descriptors", protocol="xview")
    row = split(store, "xview").train[0]
    assert (training_images(store, ["jdd"]).image("jdd", row) == 9).all()


def test_interrupted_it_goes_on_and_another_kind_is_refused(
    store: SkeletonStore, images: DescriptorStore, tmp_path: Path
) -> None:
    out = tmp_path / "png"

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_png_folders(images, store, ALL, out, protocol="xview", workers=1, progress=stop)
    there = {file: file.stat().st_mtime_ns for file in out.rglob("*.png")}
    assert 0 < len(there) < 120
    write_png_folders(images, store, ALL, out, protocol="xview", workers=1)
    assert len(list(out.rglob("*.png"))) == 120
    assert all(file.stat().st_mtime_ns == time for file, time in there.items())
    corrected = describe_store(store, ALL, tmp_path / "corrected", size=SIZE, corrected=True)
    with pytest.raises(OutputError, match="of other images"):
        write_png_folders(corrected, store, ALL, out, protocol="xview")
    strange = tmp_path / "strange" / "ucla_GD_train"
    strange.mkdir(parents=True)
    (strange / "0_1.png").write_bytes(b"")
    with pytest.raises(OutputError, match="of other images"):
        write_png_folders(images, store, ["gd"], strange.parent, protocol="xview")


def test_what_cannot_be_written(store: SkeletonStore, tmp_path: Path) -> None:
    images = describe_store(store, ["jdd"], size=SIZE)
    with pytest.raises(StoreError, match="no images of 'gd'"):
        write_png_folders(images, store, ["gd"], tmp_path / "png", protocol="xview")
    with pytest.raises(UnknownNameError, match="protocols of nwucla: no 'xsub'"):
        write_png_folders(images, store, ["jdd"], tmp_path / "png", protocol="xsub")
    assert not (tmp_path / "png").exists()


def test_folders_that_do_not_fit_are_refused(store: SkeletonStore, images: DescriptorStore, tmp_path: Path) -> None:
    out, train = tmp_path / "png", tmp_path / "png" / "ucla_JDD_train"
    write_png_folders(images, store, ["jdd"], out, protocol="xview")

    def read() -> None:
        read_png_folders(out, store, ["jdd"], tmp_path / "read", protocol="xview")

    first = train / next(iter(png_names(store, "xview")["train"]))
    content = first.read_bytes()
    (train / "99_1.png").write_bytes(content)
    with pytest.raises(DataError, match=r"of no sequence of the store, such as 99_1\.png"):
        read()
    (train / "99_1.png").unlink()
    first.unlink()
    with pytest.raises(DataError, match=f"lacks 1 of .* such as {first.name}"):
        read()
    first.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="no image that can be read"):
        read()
    Image.fromarray(np.zeros((SIZE, SIZE, 3), dtype=np.uint8)).save(first)
    with pytest.raises(DataError, match=r"is not \(16, 16\) of 8 bits"):
        read()
    assert not (tmp_path / "read").exists()


@pytest.mark.parametrize(("protocol", "official"), [("xsub", "ntu120_csub"), ("xset", "ntu120_csetup")])
def test_the_order_is_the_official_loaders(tmp_path: Path, protocol: str, official: str) -> None:
    with np.load(GOLDEN / "descriptors_splits.npz") as golden:
        given, expected = golden["input/names"].tolist(), dict(golden)
    joints = np.random.default_rng(0).normal(size=(1, 2, 25, 3))
    entries = [
        Entry(SkeletonSequence(name, int(name[-3:]) - 1, joints), int(name[9:12]), int(name[5:8]), int(name[1:4]), 1)
        for name in given
    ]
    store = write_store(tmp_path / "store", info("ntu120"), entries, layout="ntu25")
    names = png_names(store, protocol)
    for part in ("train", "test"):
        rows = [given[row] for row in expected[f"output/{official}_{part}"]]
        assert [str(store.names[row]) for row in names[part].values()] == rows
        assert list(names[part]) == expected[f"output/{official}_{part}_png"].tolist()


def test_nwucla_is_in_the_order_of_the_official_loader(tmp_path: Path, shared_data: Path) -> None:
    listed = json.loads((shared_data / "nw_ucla_split.json").read_text(encoding="utf-8"))
    joints, entries = np.random.default_rng(0).normal(size=(1, 2, 20, 3)), []
    for each in (name for part in ("train", "test") for name in listed[part]):
        label = ACTIONS.index(int(each[1:3]))
        entries.append(Entry(SkeletonSequence(each, label, joints), int(each[5:7]), int(each[13:15]), -1, 1))
    store = write_store(tmp_path / "store", info("nwucla"), entries)
    for part, digest in FINGERPRINTS.items():
        names = png_names(store, "xview")[part]
        lines = [f"{store.names[row]} {name.removesuffix('.png').split('_')[1]}" for name, row in names.items()]
        assert [int(name.split("_")[0]) for name in names] == list(range(len(names)))
        assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == digest
