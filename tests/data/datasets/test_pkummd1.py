# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD, both phases, from its archives to a store: facts, who is left out, who trains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import py7zr
import pytest
from pkummd.make import files, list_text, text, video

import bonefide
from bonefide.data import datasets
from bonefide.data.protocols import split
from bonefide.data.synthetic.write import synthesize
from bonefide.errors import DataError

VIDEOS = {"0002-M": video(12, second=range(4)), "0089-L": video(12, seed=1), "A01N03-R": video(12, seed=2)}
TRAIN = ["0002-M", "A01N03-R"]


def _folder(path: Path, contents: Mapping[str, bytes]) -> Path:
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def _seven_zip(path: Path, contents: Mapping[str, bytes]) -> Path:
    with py7zr.SevenZipFile(path, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 0}]) as archive:
        for name, content in contents.items():
            archive.writestr(content, name)
    return path


@pytest.mark.parametrize(("name", "missing"), [("pkummd1", 4), ("pkummd2", 47)])
def test_facts(name: str, missing: int) -> None:
    info = datasets.info(name)
    assert len(info.classes) == 51
    # Labels number the classes in alphabetical order.
    assert list(info.classes) == sorted(info.classes)
    listed = Path(datasets.__file__).with_name("missing").joinpath(f"{name}.txt").read_text(encoding="ascii").split()
    assert len(listed) == missing
    pattern = r"F\d{3}V00[123]C0[0-5]\dL\d{3}" if name == "pkummd1" else r"A0\d\dN0\d\dV00[123]C0[0-5]\dL\d{3}"
    assert all(re.fullmatch(pattern, each) for each in listed)


@pytest.mark.parametrize(
    ("name", "own", "foreign"), [("pkummd1", {"0002-M", "0089-L"}, 2), ("pkummd2", {"A01N03-R"}, 4)]
)
def test_phases_are_kept_apart(tmp_path: Path, name: str, own: set[str], foreign: int) -> None:
    store = bonefide.prepare(name, raw=_folder(tmp_path / "raw", files(VIDEOS, training=TRAIN)), out=tmp_path / "store")
    assert {each.rpartition("_")[0] for each in store.names.tolist()} == own
    assert store.info.warnings == {"foreign": foreign}
    assert store.info.left_out == ()
    assert store.info.listed == ("xsub", "xview")


def test_lists_say_who_trains(tmp_path: Path) -> None:
    contents = files(VIDEOS, training=TRAIN)
    contents["cross_view.txt"] = list_text(["0089-L"], ["0002-M"])
    store = bonefide.prepare("pkummd1", raw=_folder(tmp_path / "raw", contents), out=tmp_path / "store")
    for protocol, trains in (("xsub", "0002-M"), ("xview", "0089-L")):
        parts = split(store, protocol)
        assert {each[:6] for each in store.names[parts.train].tolist()} == {trains}
        assert {each[:6] for each in store.names[parts.test].tolist()} == {"0002-M", "0089-L"} - {trains}


def test_without_lists_there_is_a_store_but_no_protocol(tmp_path: Path) -> None:
    contents = files(VIDEOS, training=TRAIN)
    del contents["cross-subject.txt"]
    store = bonefide.prepare("pkummd1", raw=_folder(tmp_path / "raw", contents), out=tmp_path / "store")
    assert store.info.listed == ("xview",)
    assert len(split(store, "xview").train) == 2
    with pytest.raises(DataError, match="xsub"):
        split(store, "xsub")


def test_samples_neuron_leaves_out_are_left_out(tmp_path: Path) -> None:
    contents = files(VIDEOS, "23,1,4,2\n23,5,12,2\n", training=TRAIN)
    raw = _folder(tmp_path / "raw", contents)
    store = bonefide.prepare("pkummd1", raw=raw, out=tmp_path / "neuron", preparation="pkummd_neuron")
    assert store.names.tolist() == ["F002V002C023L001", "F002V002C023L002", "F089V001C023L002"]
    assert [(each.member, each.code) for each in store.info.left_out] == [("F089V001C023L001", "missing")]
    assert len(bonefide.prepare("pkummd1", raw=raw, out=tmp_path / "mamp")) == 4


def test_what_is_left_out_is_listed_once(tmp_path: Path) -> None:
    contents = files(VIDEOS, "12,1,4,2\n1,5,5,2\n60,1,2,2\n", training=TRAIN)
    contents["skeleton/0003-L.txt"] = text(video(5))
    contents["skeleton/0004-L.txt"] = b"1 2 3"
    contents["label/0004-L.txt"] = b"1,1,1,1"
    raw = _folder(tmp_path / "raw", contents)
    store = bonefide.prepare("pkummd1", raw=raw, out=tmp_path / "store")
    assert [(each.member, each.code) for each in store.info.left_out] == [
        ("0002-M_001", "zero"),
        ("skeleton/0003-L.txt", "labels"),
        ("skeleton/0004-L.txt", "truncated"),
        ("0089-L_001", "zero"),
    ]
    assert store.info.warnings["label_line"] == 3
    assert store.names.tolist() == ["0002-M_000", "0089-L_000"]


def test_the_archives_as_downloaded_give_the_store_of_their_folder(tmp_path: Path) -> None:
    contents = files(VIDEOS, training=TRAIN)
    skeletons = {Path(name).name: content for name, content in contents.items() if name.startswith("skeleton")}
    labels = {Path(name).name: content for name, content in contents.items() if name.startswith("label")}
    lists = {name: content for name, content in contents.items() if name.startswith("cross")}
    raw = [
        _seven_zip(tmp_path / "Skeleton.7z", skeletons),
        _seven_zip(tmp_path / "Label_PKUMMD.7z", labels),
        *(_folder(tmp_path, {name: content}) / name for name, content in lists.items()),
    ]
    from_folder = bonefide.prepare("pkummd1", raw=_folder(tmp_path / "raw", contents), out=tmp_path / "a")
    for number, order in enumerate((raw, raw[::-1])):
        store = bonefide.prepare("pkummd1", raw=order, out=tmp_path / f"b{number}")
        assert store.names.tolist() == from_folder.names.tolist()
        assert store.info.checksums == from_folder.info.checksums
        assert store.info.listed == ("xsub", "xview")


@pytest.mark.parametrize("preparation", ["pkummd_mamp", "pkummd_neuron"])
def test_made_up_archives_are_read(tmp_path: Path, preparation: str) -> None:
    made = synthesize("pkummd2", tmp_path / "raw", subjects=4, cameras=2)
    raw = sorted(made.iterdir())
    assert {path.suffix for path in raw} == {".7z", ".txt"}
    store = bonefide.prepare("pkummd2", raw=raw, out=tmp_path / "store", preparation=preparation)
    assert len(store) >= 4 * 2 * 5
    assert not store.info.left_out
    assert not store.info.warnings
    for protocol in ("xsub", "xview"):
        parts = split(store, protocol)
        assert len(parts.train)
        assert len(parts.test)


def _many(videos: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Name, text and labels of short videos, each seen by three cameras; the texts are a few, told apart by a frame."""
    texts = [text(video(30, seed=seed, second=range(10 + seed))) for seed in range(8)]
    for number in range(2, 2 + videos):
        first = text(np.full((1, 2, 25, 3), number / 1000))
        labels = f"{number % 51 + 1},1,10,2\n{(number + 7) % 51 + 1},12,40,1\n"
        for camera, view in enumerate("LMR"):
            yield f"{number:04}-{view}", first + texts[(number + camera) % 8], labels.encode()


@pytest.mark.slow
@pytest.mark.parametrize("preparation", ["pkummd_mamp", "pkummd_neuron"])
def test_two_thousand_files_from_the_archives_and_from_a_folder(tmp_path: Path, preparation: str) -> None:
    found = list(_many(350))
    skeletons = {f"PKU_Skeleton_Renew/{name}.txt": content for name, content, _ in found}
    labels = {f"Train_Label_PKU_final/{name}.txt": content for name, _, content in found}
    names = [name for name, _, _ in found]
    lists = list_text(names[:600], names[600:])
    assert len(skeletons) + len(labels) == 2_100
    raw = [
        _seven_zip(tmp_path / "Skeleton.7z", skeletons),
        _seven_zip(tmp_path / "Label_PKUMMD.7z", labels),
        _folder(tmp_path, {"cross-subject.txt": lists}) / "cross-subject.txt",
    ]
    packed = bonefide.prepare("pkummd1", raw=raw, out=tmp_path / "packed", preparation=preparation)
    folder = _folder(tmp_path / "raw", {**skeletons, **labels, "cross-subject.txt": lists})
    plain = bonefide.prepare("pkummd1", raw=folder, out=tmp_path / "plain", preparation=preparation)
    assert packed.info.checksums == plain.info.checksums
    assert len(packed) == 2 * len(names)
    assert not packed.info.left_out
    assert packed.info.warnings == {"clamped": len(names)}
    assert len(split(packed, "xsub").train) == 1_200
    if preparation == "pkummd_mamp":
        assert [packed[f"{names[0]}_{line:03}"].joints.shape[1] for line in (0, 1)] == [9, 19]
        row = np.flatnonzero(packed.names == "0351-R_001")[0]
        assert packed.labels[row] == (351 + 7) % 51
    else:
        assert {packed[row].joints.shape[1] for row in range(0, len(packed), 97)} == {64}
