# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pickle
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_files import entry, ntu_name, ntu_store, same, store_of

from bonefide.data import datasets
from bonefide.data.official import _read_official as reading
from bonefide.data.official import read_official, write_official
from bonefide.data.official._samples import Request
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, OutputError, RawFileError, UnknownNameError
from bonefide.types import Array

pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return ntu_store(tmp_path_factory.mktemp("source") / "store")


@pytest.fixture
def file(source: SkeletonStore, tmp_path: Path) -> Path:
    return write_official(source, tmp_path / "NTU60_CS.npz", "ctrgcn", protocols="xsub")[0]


def _digest(store: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(store.iterdir())}


def test_what_is_there_already_is_not_made_again(file: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    read_official("ntu60", file, tmp_path / "store", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(0, 12), (12, 12)]
    read_official("ntu60", file, tmp_path / "store", progress=lambda done, total: calls.append((done, total)))
    assert len(calls) == 2
    with pytest.raises(OutputError, match="--overwrite"):
        read_official("ntu60", file, tmp_path / "store", protocol="xview")
    store = read_official("ntu60", file, tmp_path / "store", protocol="xview", overwrite=True)
    assert store.info.listed == ("xview",)


def test_interrupted_and_run_again_it_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        dataclasses.replace(entry(f"n{number:04}", number % 60, frames=2), subject=number % 4 + 1)
        for number in range(300)
    ]
    store = store_of(tmp_path / "source", made)
    (path,) = write_official(store, tmp_path / "NTU60_CS.npz", "ctrgcn", protocols="xsub")
    read_official("ntu60", path, tmp_path / "whole")
    shard, calls = reading._shard, []

    def interrupt(*arguments: Any) -> Any:
        calls.append(arguments[1])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return shard(*arguments)

    monkeypatch.setattr(reading, "_shard", interrupt)
    with pytest.raises(KeyboardInterrupt) as stop:
        read_official("ntu60", path, tmp_path / "store")
    assert "run the same command again" in stop.value.__notes__[0]
    assert not (tmp_path / "store").exists()
    read_official("ntu60", path, tmp_path / "store")
    assert calls.count(calls[0]) == 1, "what was finished is not done again"
    assert _digest(tmp_path / "store") == _digest(tmp_path / "whole")


def test_another_file_of_the_same_name_is_not_taken_for_it(source: SkeletonStore, file: Path, tmp_path: Path) -> None:
    read_official("ntu60", file, tmp_path / "store")
    changed = [entry(ntu_name(number), number, frames=3) for number in range(12)]
    write_official(store_of(tmp_path / "other", changed), file, "ctrgcn", protocols="xsub", overwrite=True)
    with pytest.raises(OutputError, match="another store"):
        read_official("ntu60", file, tmp_path / "store")


def test_files_of_no_or_several_forms_are_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*did you mean 'NTU60_CS\.npz'"):
        read_official("ntu60", tmp_path / "NTU60_C.npz", tmp_path / "store")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="none of the 0 files has the name"):
        read_official("ntu60", tmp_path / "empty", tmp_path / "store")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes\.txt has the name"):
        read_official("ntu60", tmp_path / "notes.txt", tmp_path / "store")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([]))
    with pytest.raises(DataError, match="different forms"):
        read_official("ntu60", [file, tmp_path / "a.pkl"], tmp_path / "store")
    with pytest.raises(UnknownNameError, match="data sets"):
        read_official("ntu06", file, tmp_path / "store")
    with pytest.raises(UnknownNameError, match="preparations"):
        read_official("ntu60", file, tmp_path / "store", preparation="ntu_denoised")
    with pytest.raises(UnknownNameError, match="protocols of ntu60"):
        read_official("ntu60", file, tmp_path / "store", protocol="xset")
    with pytest.raises(DataError, match="60 classes, the data set has 120"):
        read_official("ntu120", file.rename(tmp_path / "NTU60_CV.npz"), tmp_path / "store")


def test_a_preparation_of_other_joints_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="25 joints, 'nwucla' gives 20"):
        read_official("ntu60", file, tmp_path / "store", preparation="nwucla")


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("NTU60_CV.npz", "xview"),
        ("NTU60_XView.npz", "xview"),
        ("ntu-cross-view.npz", "xview"),
        ("cross_subject/data.npz", "xsub"),
        ("xview/deep/data.npz", "xview"),
        ("xview/NTU60_CS.npz", "xsub"),
    ],
)
def test_the_protocol_is_told_by_names(file: Path, tmp_path: Path, name: str, protocol: str) -> None:
    place = tmp_path / "given" / name
    place.parent.mkdir(parents=True)
    store = read_official("ntu60", file.rename(place), tmp_path / "store")
    assert store.info.listed == (protocol,)


def test_short_words_of_far_folders_say_nothing(file: Path, tmp_path: Path) -> None:
    place = tmp_path / "cs" / "xsub" / "a" / "b" / "data.npz"
    place.parent.mkdir(parents=True)
    with pytest.raises(DataError, match="name the protocol, one of xsub, xview"):
        read_official("ntu60", file.rename(place), tmp_path / "store")


def test_a_part_may_be_empty(tmp_path: Path) -> None:
    store = store_of(tmp_path / "source", [entry(ntu_name(0), 0)])
    write_official(store, tmp_path / "files", "ctrgcn")
    write_official(store, tmp_path / "pairs", "npy", protocols="xsub")
    same(read_official("ntu60", tmp_path / "files", tmp_path / "a"), store)
    same(read_official("ntu60", tmp_path / "pairs" / "xsub", tmp_path / "b"), store)


def _bytes(kind: str, tmp_path: Path) -> tuple[str, bytes]:
    data: Array = np.ones((2, 3, 4, 25, 2), np.float32)
    if kind == "npz":
        np.savez(tmp_path / "x.npz", x_train=data, y_train=[0, 1], x_test=data, y_test=[0, 1])
        return "NTU60_CS.npz", (tmp_path / "x.npz").read_bytes()
    if kind == "npy":
        np.save(tmp_path / "x.npy", data)
        return "train_data.npy", (tmp_path / "x.npy").read_bytes()
    if kind == "imdar":
        made = {"nbodys": [1, 1], "skel_body0": np.ones((2, 25, 3))}
        np.save(tmp_path / "x.npy", made, allow_pickle=True)  # type: ignore[arg-type]
        return "S001C001P001R001A001.skeleton.npy", (tmp_path / "x.npy").read_bytes()
    annotations = [
        {"frame_dir": name, "label": 0, "keypoint": np.ones((1, 2, 25, 3)), "total_frames": 2} for name in "ab"
    ]
    return "a.pkl", pickle.dumps({"split": {"xsub_train": ["a"], "xsub_val": ["b"]}, "annotations": annotations})


def _read_all(path: Path) -> None:
    """Everything but writing the store."""
    form, paths = reading._recognized([path])
    info = datasets.info("ntu60")
    with ExitStack() as opened:
        found = form.read(paths, Request(info), opened)
        reading._plan(info, found)
        for place in range(len(found.samples)):
            with contextlib.suppress(RawFileError):
                found.read(place)


def _corrupt(kind: str, folder: Path, examples: int) -> None:
    (folder / "xsub").mkdir()
    (folder / "xsub" / "train_label.pkl").write_bytes(pickle.dumps((["a", "b"], [0, 1])))
    name, sound = _bytes(kind, folder)
    heads = [place for place in range(len(sound) - 600) if sound.startswith((b"PK", b"\x93NUMPY"), place)]

    @settings(max_examples=examples, deadline=1000)
    @given(
        start=st.sampled_from([0, *heads, len(sound) - 600]),
        at=st.integers(0, 599),
        put=st.binary(max_size=8),
        cut=st.booleans(),
    )
    def check(start: int, at: int, put: bytes, cut: bool) -> None:
        at = max(0, start) + at
        path = folder / "xsub" / name
        path.write_bytes(sound[:at] + put + (b"" if cut else sound[at + len(put) :]))
        with contextlib.suppress(DataError, UnknownNameError):
            _read_all(path)

    _read_all_of(folder / "xsub" / name, sound)
    check()


def _read_all_of(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _read_all(path)


KINDS = ["npz", "npy", "imdar", "pyskl"]


@pytest.mark.parametrize("kind", KINDS)
def test_corruption_never_crashes(kind: str, tmp_path: Path) -> None:
    _corrupt(kind, tmp_path, 100)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_corruption_never_crashes_at_length(kind: str, tmp_path: Path) -> None:
    _corrupt(kind, tmp_path, 5000)
