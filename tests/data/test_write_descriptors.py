# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from stores import small_store

import bonefide
from bonefide.data import _descriptor_writing as writing
from bonefide.data import write_descriptors
from bonefide.data.datasets import info
from bonefide.data.descriptor_info import DescriptorInfo
from bonefide.data.descriptor_store import DescriptorStore, image_planes, open_descriptors
from bonefide.data.store import SkeletonStore
from bonefide.data.write_descriptors import describe_store, descriptor_folder, training_images
from bonefide.data.write_store import Entry, write_store
from bonefide.descriptors import describe
from bonefide.errors import DataError, OutputError, StoreError, UnknownNameError
from bonefide.types import SkeletonSequence

ALL = ("gd", "jdd", "add", "lad", "fdd")
SIZE = 16


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PIECE", 5)
    monkeypatch.setattr(write_descriptors, "_TOGETHER", 3)


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return small_store(tmp_path / "store", 24)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_every_image_is_that_of_its_sequence(store: SkeletonStore) -> None:
    images = describe_store(store, ALL, size=SIZE)
    assert images.path == descriptor_folder(store)
    assert images.names.tolist() == store.names.tolist()
    assert images.labels.tolist() == store.labels.tolist()
    for row in range(len(store)):
        expected = describe(ALL, [store.joints(row)], store.layout, size=SIZE)
        for name in ALL:
            np.testing.assert_array_equal(images.image(name, row), expected[name][0])
    assert len({images.image("jdd", row).tobytes() for row in range(len(store))}) > 20


def test_networks_get_blue_green_red(store: SkeletonStore) -> None:
    images = describe_store(store, ALL, size=SIZE)
    jdd, add, lad = (images.image(name, 3) for name in ("jdd", "add", "lad"))
    planes = images.planes(["fdd", "add", "gd"], 3)
    assert (planes.dtype, planes.shape) == (np.uint8, (3, 3, SIZE, SIZE))
    np.testing.assert_array_equal(planes[0], [lad, add, jdd])
    np.testing.assert_array_equal(planes[1], [add, add, add])
    np.testing.assert_array_equal(planes[2], np.moveaxis(images.image("gd", 3), 2, 0)[::-1])
    np.testing.assert_array_equal(image_planes([jdd])[0, 1], jdd)


def test_corrected_images_lie_apart(store: SkeletonStore) -> None:
    official, corrected = (describe_store(store, ["gd"], corrected=each, size=SIZE) for each in (False, True))
    assert official.path != corrected.path
    assert corrected.info.corrected
    expected = describe(["gd"], [store.joints(7)], store.layout, corrected=True, size=SIZE)["gd"][0]
    np.testing.assert_array_equal(corrected.image("gd", 7), expected)
    assert (official.array("gd") != corrected.array("gd")).any()


def test_more_descriptors_join_those_that_are_there(store: SkeletonStore, tmp_path: Path) -> None:
    whole = describe_store(store, ALL, tmp_path / "whole", size=SIZE)
    folder = tmp_path / "grown"
    describe_store(store, ["lad"], folder, size=SIZE)
    before = (folder / "lad.npy").stat().st_mtime_ns
    grown = describe_store(store, ALL, folder, size=SIZE)
    assert (folder / "lad.npy").stat().st_mtime_ns == before
    assert content(folder) == content(whole.path)
    grown.verify()
    done: list[int] = []
    describe_store(store, ["fdd"], folder, size=SIZE, progress=lambda now, _: done.append(now))
    assert done == []


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_it_goes_on_to_the_same_bytes(store: SkeletonStore, tmp_path: Path, workers: int) -> None:
    whole, folder = describe_store(store, ["jdd", "gd"], tmp_path / "whole", size=SIZE), tmp_path / "stopped"
    begun: list[int] = []

    def stop(done: int, total: int) -> None:
        begun.append(done)
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        describe_store(store, ["jdd", "gd"], folder, size=SIZE, workers=1, progress=stop)
    assert "of 24 sequences are described" in stopped.value.__notes__[0]
    assert not folder.exists()
    with pytest.raises(StoreError, match="interrupted"):
        open_descriptors(folder)
    resumed: list[int] = []
    describe_store(
        store, ["gd", "jdd"], folder, size=SIZE, workers=workers, progress=lambda now, _: resumed.append(now)
    )
    assert (begun[0], resumed[0], resumed[-1]) == (0, 10, 24)
    assert content(folder) == content(whole.path)
    assert not (tmp_path / ".stopped.partial").exists()


def test_a_piece_that_was_cut_off_is_made_again(store: SkeletonStore, tmp_path: Path) -> None:
    whole, folder = describe_store(store, ["jdd"], tmp_path / "whole", size=SIZE), tmp_path / "cut"
    with pytest.raises(RuntimeError):
        describe_store(store, ["jdd"], folder, size=SIZE, progress=_fail_after(10))
    array = tmp_path / ".cut.partial" / "jdd.npy"
    array.write_bytes(array.read_bytes()[:-7])
    assert describe_store(store, ["jdd"], folder, size=SIZE).array("jdd").tobytes() == whole.array("jdd").tobytes()


def test_work_of_another_kind_is_not_taken_up(store: SkeletonStore, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        describe_store(store, ["jdd"], tmp_path / "out", size=SIZE, progress=_fail_after(10))
    done: list[int] = []
    describe_store(
        store, ["jdd"], tmp_path / "out", size=SIZE, corrected=True, progress=lambda now, _: done.append(now)
    )
    assert done[0] == 0


@pytest.mark.parametrize("at", ["replace", "rename"])
def test_killed_while_it_finishes(
    store: SkeletonStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    whole = describe_store(store, ["jdd", "gd"], tmp_path / "whole", size=SIZE)
    folder, real, calls = tmp_path / "out", getattr(writing.os, at), []

    def die(source: str, target: str) -> None:
        if Path(target).suffix != ".json" and "out" in str(target):
            calls.append(target)
            if len(calls) == (2 if at == "replace" else 1):
                raise RuntimeError("killed")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(writing.os, at, die)
        with pytest.raises(RuntimeError, match="killed"):
            describe_store(store, ["jdd", "gd"], folder, size=SIZE)
    describe_store(store, ["jdd", "gd"], folder, size=SIZE)
    assert content(folder) == content(whole.path)


def test_only_one_process_writes_a_folder(store: SkeletonStore, tmp_path: Path) -> None:
    facts = DescriptorInfo.of(store, corrected=False, size=SIZE)
    with (
        writing.DescriptorWriter(tmp_path / "out", facts, store),
        pytest.raises(OutputError, match="another process is writing"),
    ):
        describe_store(store, ["jdd"], tmp_path / "out", size=SIZE)


def test_what_lies_there_is_not_replaced_unasked(store: SkeletonStore, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    describe_store(store, ["jdd"], folder, size=SIZE)
    before = content(folder)
    with pytest.raises(OutputError, match=rf"another way \(size {SIZE} instead of {SIZE + 1}\); .* --overwrite"):
        describe_store(store, ["jdd"], folder, size=SIZE + 1)
    other = small_store(tmp_path / "other", 6)
    with pytest.raises(OutputError, match="another store"):
        describe_store(other, ["jdd"], folder, size=SIZE)
    assert content(folder) == before
    assert len(describe_store(other, ["add"], folder, size=SIZE, overwrite=True)) == 6
    assert open_descriptors(folder).info.stored == ("add",)
    (folder / "add.npy").write_bytes(b"")
    with pytest.raises(OutputError, match="damaged, or of another version; replace them by `bonefide describe --ov"):
        describe_store(other, ["add"], folder, size=SIZE)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match="holds no descriptors"):
        describe_store(store, ["jdd"], tmp_path / "mine", size=SIZE, overwrite=True)


def test_what_cannot_be_asked_for(store: SkeletonStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no 'jd'; did you mean"):
        describe_store(store, ["jd"])
    with pytest.raises(DataError, match="no descriptor"):
        describe_store(store, [])
    with pytest.raises(DataError, match="8 to 1024, got 4"):
        describe_store(store, ["jdd"], size=4)
    with pytest.raises(DataError, match="workers"):
        describe_store(store, ["jdd"], workers=0)
    with pytest.raises(StoreError, match="no descriptors at"):
        open_descriptors(tmp_path / "nowhere")
    assert not descriptor_folder(store).exists()


def test_images_that_are_not_there(store: SkeletonStore) -> None:
    images = describe_store(store, ["jdd"], size=SIZE)
    with pytest.raises(StoreError, match="no images of 'gd', only of: jdd"):
        images.array("gd")
    with pytest.raises(StoreError, match="no images of 'add'"):
        images.image("fdd", 0)
    with pytest.raises(UnknownNameError):
        images.image("xdd", 0)


def test_coordinates_that_are_not_finite_are_named(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(size=(1, 4, 20, 3))
    joints[0, 2, 1, 0] = 1e39
    entry = Entry(SkeletonSequence("a01_s01_e00_v01", 0, joints), 1, 1)
    store = write_store(tmp_path / "store", info("nwucla"), [entry], dtype="float64")
    array = store.path / "joints.npy"
    raw = bytearray(array.read_bytes())
    raw[-8:] = np.float64("nan").tobytes()
    array.write_bytes(raw)
    with pytest.raises(DataError, match="a01_s01_e00_v01: coordinates that are not finite"):
        describe_store(bonefide.open_store(store.path), ["jdd"])


@pytest.mark.parametrize("name", ["gd.npy", "names.npy", "descriptors.json"])
def test_damage_is_seen(store: SkeletonStore, name: str) -> None:
    folder = describe_store(store, ["gd"], size=SIZE).path
    (folder / name).write_bytes((folder / name).read_bytes()[:-5])
    with pytest.raises(StoreError, match="damaged"):
        len(open_descriptors(folder).names)


def test_other_versions_and_other_bytes_are_seen(store: SkeletonStore) -> None:
    images = describe_store(store, ["gd"], size=SIZE)
    file = images.path / "gd.npy"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with pytest.raises(StoreError, match=r"gd\.npy is not what was written"):
        open_descriptors(images.path).verify()
    facts = json.loads((images.path / "descriptors.json").read_text())
    (images.path / "descriptors.json").write_text(json.dumps({**facts, "bonefide_descriptors": 99}))
    with pytest.raises(StoreError, match="version 99"):
        open_descriptors(images.path)


def test_it_travels_as_its_path(store: SkeletonStore, tmp_path: Path) -> None:
    images = describe_store(store, ALL, size=SIZE)
    images.array("gd")
    sent = pickle.dumps(images)
    assert len(sent) < 2000
    received: DescriptorStore = pickle.loads(sent)
    np.testing.assert_array_equal(received.array("gd"), images.array("gd"))
    shutil.rmtree(images.path)
    describe_store(small_store(tmp_path / "other", 6), ["gd"], images.path, size=SIZE)
    with pytest.raises(StoreError, match="replaced"):
        pickle.loads(sent)


def test_trainings_take_what_lies_in_the_store(store: SkeletonStore) -> None:
    done: list[int] = []
    images = training_images(store, ["jdd"], progress=lambda now, _: done.append(now))
    assert (images.info.size, images.path, done[-1]) == (112, descriptor_folder(store), 24)
    facts = json.loads((images.path / "descriptors.json").read_text())
    (images.path / "descriptors.json").write_text(json.dumps({**facts, "origin": "png"}))
    assert training_images(store, ["jdd"]).info.origin == "png"
    with pytest.raises(OutputError, match="origin png instead of computed"):
        training_images(store, ["gd"])


def test_what_trainings_cannot_take_is_told(store: SkeletonStore) -> None:
    describe_store(store, ["jdd"], size=SIZE)
    with pytest.raises(
        OutputError, match=rf"descriptors holds .* \(size {SIZE} instead of 112\); replace them by `bon"
    ):
        training_images(store, ["jdd"])
    shutil.rmtree(descriptor_folder(store))
    descriptor_folder(store).mkdir()
    (descriptor_folder(store) / "a08_s01_e00_v01.png").touch()
    with pytest.raises(OutputError, match="descriptors is there already and holds no descriptors; move it away"):
        training_images(store, ["jdd"])


def test_trainings_do_not_look_elsewhere(store: SkeletonStore, tmp_path: Path) -> None:
    describe_store(store, ["jdd"], tmp_path / "elsewhere", size=SIZE)
    assert training_images(store, ["jdd"]).path == descriptor_folder(store) == store.path / "descriptors"


def test_real_recordings_give_the_official_images(shared_data: Path, golden_real: Path, tmp_path: Path) -> None:
    store = bonefide.prepare("nwucla", raw=shared_data / "NW-UCLA" / "all_sqe.zip", out=tmp_path / "store")
    images = describe_store(store, ALL)
    fixtures = sorted(golden_real.glob("descriptors_ucla_*.npz"))
    assert len(fixtures) >= 4
    for fixture in fixtures:
        with np.load(fixture) as golden:
            row = store.row(fixture.stem.removeprefix("descriptors_ucla_"))
            for name in ALL:
                np.testing.assert_array_equal(images.image(name, row), golden[f"output/{name}_img"])


def _fail_after(count: int):  # type: ignore[no-untyped-def]
    def fail(done: int, total: int) -> None:
        if done >= count:
            raise RuntimeError("killed")

    return fail
