# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from making import make

from bonefide.data import datasets, open_store, prepare, store_plan
from bonefide.data.datasets import Rule
from bonefide.data.preparation import _planning, preparation
from bonefide.data.preparation._shard_work import ShardWork
from bonefide.data.raw import reader
from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, OutputError, RawFileError, StoreError, UnknownNameError

ucla, utd = make("nwucla"), make("utdmhad")
pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")

WORK = """
import os, resource, signal, sys, warnings
warnings.simplefilter("ignore")
from bonefide.data import prepare, store_plan
from bonefide.errors import BonefideError
raw, out, kill_at, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store_plan.SHARD_RECORDINGS = 3
calls = 0
def counted(honest):
    def call(*arguments):
        global calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(*arguments)
    return call
os.replace, os.rename = counted(os.replace), counted(os.rename)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    prepare("nwucla", raw=raw, out=out)
except BonefideError as fault:
    sys.exit(str(fault))
print(calls)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return ucla.write_zip(tmp_path / "all_sqe.zip", ucla.sound_files())


def _work(raw: Path, out: Path, *, kill_at: int = 0, limit: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WORK, str(raw), str(out), str(kill_at), str(limit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_ucla_is_stored_as_recorded(archive: Path, tmp_path: Path) -> None:
    store = prepare("nwucla", raw=archive, out=tmp_path / "store")
    assert len(store) == 12
    assert (store.info.layout, store.info.dtype, store.info.raw) == ("ucla20", "float64", "nwucla")
    joints = store[ucla.NAME].joints
    np.testing.assert_array_equal(joints, np.array(ucla.skeletons(1))[None])
    assert store.names.tolist() == sorted(name.removesuffix(".json") for name in ucla.sound_files())


def test_utd_is_stored_in_the_order_of_ucla(tmp_path: Path) -> None:
    files = {**utd.sound_files(), "Skeleton_joint_order.txt": b"1 head"}
    store = prepare("utdmhad", raw=ucla.write_folder(tmp_path / "Skeleton", files), out=tmp_path / "store")
    native = utd.joints(6).transpose(2, 0, 1)
    found = store[utd.NAME].joints[0]
    for place, of_file in enumerate((3, 2, 1, 0, *range(4, 20))):
        np.testing.assert_array_equal(found[:, place], native[:, of_file])
    assert store.layout.joints[3] == "head"
    assert [(each.member, each.code) for each in store.info.left_out] == [("Skeleton_joint_order.txt", "name")]
    assert store.names.tolist() == ["a10_s2_t1", "a1_s1_t1", "a27_s5_t2", "a2_s8_t4", "a8_s1_t3"]


def test_plain_keeps_the_layout_of_the_files(tmp_path: Path) -> None:
    raw = ucla.write_folder(tmp_path / "Skeleton", utd.sound_files())
    store = prepare("utdmhad", raw=raw, out=tmp_path / "store", preparation="plain")
    assert (store.info.layout, store.info.dtype) == ("utd20", "float32")
    np.testing.assert_array_equal(store[utd.NAME].joints[0], utd.joints(6).transpose(2, 0, 1).astype(np.float32))


def test_archives_and_folders_give_the_same_joints(archive: Path, tmp_path: Path) -> None:
    folder = ucla.write_folder(tmp_path / "all_sqe", ucla.sound_files())
    first, second = (prepare("nwucla", raw=raw, out=tmp_path / str(n)) for n, raw in enumerate((archive, folder)))
    assert first.info.checksums == second.info.checksums


def test_damaged_files_are_left_out_and_listed(tmp_path: Path) -> None:
    damaged = {"a01_s10_e00_v01.json": b"", "a01_s10_e00_v02.json": b"{", "a01_s10_e00_v03.json": b"[]"}
    files = {**ucla.sound_files(), **damaged, "readme.txt": b"hello", "a07_s01_e00_v01.json": b"?"}
    raw = ucla.write_zip(tmp_path / "raw.zip", files)
    store = prepare("nwucla", raw=raw, out=tmp_path / "store")
    assert len(store) == 12
    listed = {each.member.removeprefix("all_sqe/"): each.code for each in store.info.left_out}
    assert listed == {
        "readme.txt": "name",
        "a07_s01_e00_v01.json": "name",
        "a01_s10_e00_v01.json": "empty",
        "a01_s10_e00_v02.json": "truncated",
        "a01_s10_e00_v03.json": "object",
    }
    with pytest.raises(RawFileError, match="a01_s10_e00_v01") as caught:
        prepare("nwucla", raw=raw, out=tmp_path / "strict", on_error="raise")
    assert caught.value.code == "empty"
    assert not (tmp_path / "strict").exists()


def test_a_file_that_vanishes_is_left_out(tmp_path: Path) -> None:
    folder = ucla.write_folder(tmp_path / "raw", ucla.sound_files())

    def lose_one(done: int, total: int) -> None:
        if not done:
            (folder / f"{ucla.NAME}.json").unlink()

    store = prepare("nwucla", raw=folder, out=tmp_path / "store", progress=lose_one)
    assert [(each.member, each.code) for each in store.info.left_out] == [(f"{ucla.NAME}.json", "read")]
    assert len(store) == 11


def test_nothing_left_is_an_error_that_counts_the_faults(tmp_path: Path) -> None:
    raw = ucla.write_folder(tmp_path / "raw", {"a01_s01_e00_v01.json": b"", "a01_s01_e00_v02.json": b"", "x": b""})
    with pytest.raises(DataError, match="no sample is left of 2 raw files of nwucla: 2 empty, 1 name"):
        prepare("nwucla", raw=raw, out=tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_raw_data_of_another_set_are_recognised(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did you mean `bonefide prepare nwucla`"):
        prepare("utdmhad", raw=archive, out=tmp_path / "store")
    (archive.parent / "unpacked.json").write_text("{}")
    with pytest.raises(DataError, match=r"give 'all_sqe\.zip' itself"):
        prepare("nwucla", raw=tmp_path, out=tmp_path / "store")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="nothing is there"):
        prepare("nwucla", raw=tmp_path / "empty", out=tmp_path / "store")


def test_missing_raw_data_are_named(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"did you mean 'all_sqe\.zip'"):
        prepare("nwucla", raw=archive.with_name("al_sqe.zip"), out=tmp_path / "store")
    archive.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(DataError, match="truncated"):
        prepare("nwucla", raw=archive, out=tmp_path / "store")


def test_misspelt_names_are_refused_before_anything_is_written(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "store"
    with pytest.raises(UnknownNameError, match="did you mean 'nwucla'"):
        prepare("nwulca", raw=archive, out=out)
    with pytest.raises(UnknownNameError, match="did you mean 'plain'"):
        prepare("nwucla", raw=archive, out=out, preparation="plan")
    with pytest.raises(UnknownNameError, match="options of ntu_denoise: no 'track_gap'; did you mean 'track_gaps'"):
        prepare("nwucla", raw=archive, out=out, preparation="ntu_denoise", options={"track_gap": "packed"})
    with pytest.raises(DataError, match=r"ntu_denoise: track_gaps: input should be .*got 3"):
        preparation("ntu_denoise", {"track_gaps": 3})
    with pytest.raises(UnknownNameError, match="options of nwucla"):
        prepare("nwucla", raw=archive, out=out, options={"center": True})
    with pytest.raises(UnknownNameError, match="did you mean 'raise'"):
        prepare("nwucla", raw=archive, out=out, on_error="rise")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["all_sqe.zip"]


def test_a_shortfall_is_a_warning_and_is_stored(archive: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"12 of 1484 sequences; xview has 8 \+ 4 of 1020 \+ 464"):
        store = prepare("nwucla", raw=archive, out=tmp_path / "store")
    assert not store.info.complete
    assert '"complete": false' in (store.path / "store.json").read_text()


def test_nothing_is_done_twice(archive: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    prepare("nwucla", raw=archive, out=tmp_path / "store", progress=lambda *done: seen.append(done))
    assert seen == [(0, 12), (12, 12)]
    prepare("nwucla", raw=archive, out=tmp_path / "store", progress=lambda *done: seen.append(done))
    assert len(seen) == 2, "no work, no progress"
    with pytest.raises(OutputError, match="--overwrite"):
        prepare("nwucla", raw=archive, out=tmp_path / "store", preparation="plain")
    store = prepare("nwucla", raw=archive, out=tmp_path / "store", preparation="plain", overwrite=True)
    assert store.info.preparation == "plain"


def test_a_damaged_store_in_the_way_is_named(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "store"
    prepare("nwucla", raw=archive, out=out)
    (out / "joints.npy").unlink()
    with pytest.raises(OutputError, match=r"joints\.npy is missing; prepare it again with --overwrite"):
        prepare("nwucla", raw=archive, out=out)
    assert len(prepare("nwucla", raw=archive, out=out, overwrite=True)) == 12


def test_the_same_recording_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    folder = ucla.write_folder(tmp_path / "again", ucla.sound_files(2))
    with pytest.raises(DataError, match="occurs twice"):
        prepare("nwucla", raw=[archive, folder], out=tmp_path / "store")


def test_two_places_are_one_data_set(tmp_path: Path) -> None:
    files = ucla.sound_files()
    halves = [dict(list(files.items())[:5]), dict(list(files.items())[5:])]
    places = [ucla.write_folder(tmp_path / f"part{number}", half) for number, half in enumerate(halves)]
    assert len(prepare("nwucla", raw=places, out=tmp_path / "store")) == 12


def test_an_interrupt_says_how_to_continue(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_plan, "SHARD_RECORDINGS", 3)

    def interrupt(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        prepare("nwucla", raw=archive, out=tmp_path / "store", progress=interrupt)
    assert caught.value.__notes__ == ["6 of 12 files are prepared; run the same command again to continue"]
    seen: list[int] = []
    prepare("nwucla", raw=archive, out=tmp_path / "store", progress=lambda done, _: seen.append(done))
    assert seen == [6, 9, 12]


@pytest.mark.parametrize("kill_at", [1, 2, 5, 9, 10, 12, 13])
def test_killed_anywhere_it_continues_to_the_same_bytes(archive: Path, tmp_path: Path, kill_at: int) -> None:
    out = tmp_path / "store"
    killed = _work(archive, out, kill_at=kill_at)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not out.exists()
    with pytest.raises(StoreError, match="not finished"):
        open_store(out)
    again = _work(archive, out)
    assert again.returncode == 0, again.stderr
    whole = prepare("nwucla", raw=archive, out=tmp_path / "whole")
    assert _bytes(out) == _bytes(whole.path)
    assert not list(tmp_path.glob(".*"))


def test_the_kill_points_above_are_all_there_are(archive: Path, tmp_path: Path) -> None:
    assert _work(archive, tmp_path / "store").stdout == "13\n", "plan, 4 x 2 files of shards, 3 of the store, its name"


def test_a_limit_on_file_sizes_loses_nothing(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "store"
    refused = _work(archive, out, limit=20_000)
    assert refused.returncode == 1
    assert "full while writing" in refused.stderr
    assert "joints" not in [path.name for path in tmp_path.iterdir()]
    assert not out.exists()
    assert len(list((tmp_path / ".store.partial").glob("shard-*.json"))) == 4
    assert _work(archive, out).returncode == 0
    assert len(open_store(out)) == 12


def test_recordings_of_another_set_are_counted_not_listed(tmp_path: Path) -> None:
    some = Rule("subject", frozenset({1, 2, 9}))
    with RawSource(ucla.write_folder(tmp_path / "raw", ucla.sound_files())) as source:
        members = [name for name, _ in source.members]
        work = ShardWork(source, reader("nwucla"), preparation("nwucla"), some, on_error="raise")
        shard = work.shard(members)
    assert {entry.subject for entry in shard.entries} == {1, 2, 9}
    assert shard.left_out == ()
    assert shard.warnings == {"foreign": 12 - len(shard.entries)}


def test_recordings_on_the_missing_list_are_not_read(tmp_path: Path) -> None:
    missing = sorted(_planning._missing(datasets.info("ntu60")))[0]
    raw = ucla.write_folder(
        tmp_path / "raw", {f"{missing}.skeleton": b"not read", "S001C001P001R001A001.skeleton": b""}
    )
    with pytest.raises(DataError, match="no sample is left of 1 raw files of ntu60: 1 missing, 1 empty"):
        prepare("ntu60", raw=raw, out=tmp_path / "store")


def test_an_archive_of_the_real_thing(shared_data: Path, tmp_path: Path) -> None:
    import json

    from bonefide.data import split

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = prepare("nwucla", raw=shared_data / "NW-UCLA" / "all_sqe.zip", out=tmp_path / "nwucla")
    assert (len(store), store.info.complete, store.info.left_out) == (1484, True, ())
    official = json.loads((shared_data / "nw_ucla_split.json").read_text())
    parts = split(store, "xview")
    assert store.names[parts.train].tolist() == official["train"]
    assert store.names[parts.test].tolist() == official["test"]
    assert (store.frames.min(), store.frames.max()) == (1, 201)


def test_the_archive_of_utd(shared_data: Path, tmp_path: Path) -> None:
    store = prepare("utdmhad", raw=shared_data / "UTD-MHAD" / "Skeleton.zip", out=tmp_path / "utdmhad")
    assert (len(store), store.info.complete) == (861, True)
    assert (store.frames.min(), store.frames.max()) == (41, 125)


def test_coordinates_that_are_not_finite_are_kept_if_asked_for(tmp_path: Path) -> None:
    from bonefide.data.raw._recording import RawBody
    from bonefide.data.synthetic.ntu_text import skeleton_text

    joints = np.random.default_rng(0).normal(size=(20, 25, 3))
    joints[3, 4, 0] = np.nan
    body = RawBody("7", np.arange(20), np.zeros(20, np.int64), joints, np.full((20, 25), 2, np.int8))
    name = "S001C001P001R001A001"
    raw = ucla.write_folder(tmp_path / "raw", {f"{name}.skeleton": skeleton_text([body], 20).encode()})
    with pytest.raises(DataError, match="1 nonfinite"):
        prepare("ntu60", raw=raw, out=tmp_path / "store")
    store = prepare("ntu60", raw=raw, out=tmp_path / "kept", options={"nonfinite": "keep"})
    assert np.argwhere(np.isnan(store[name].joints)).tolist() == [[0, 3, 4, 0]]
