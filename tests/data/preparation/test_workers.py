# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import joblib
import numpy as np
import pytest
from making import make

from bonefide.data import prepare, store_plan
from bonefide.data.datasets import info
from bonefide.data.preparation import _workers
from bonefide.data.preparation._shard_work import ShardWork
from bonefide.data.preparation._workers import make_shards
from bonefide.data.preparation.nwucla import NWUCLA
from bonefide.data.raw import reader
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.store_plan import StorePlan
from bonefide.data.write_store import StoreWriter
from bonefide.errors import DataError, OutputError, RawFileError
from bonefide.layouts import layout
from bonefide.types import SkeletonSequence

ucla = make("nwucla")
pytestmark = pytest.mark.filterwarnings("ignore:.*is not the whole of")


@dataclass(frozen=True)
class Deadly:
    """Kills the process that first prepares a certain recording, or every one that does."""

    marker: str
    always: bool = False
    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ucla20"
    dtype: ClassVar[str] = "float32"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        marker = Path(self.marker)
        if recording.name == marker.name and (self.always or not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return SkeletonSequence(recording.name, recording.label, recording.bodies[0].joints[None])


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_plan, "SHARD_RECORDINGS", 2)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return ucla.write_zip(tmp_path / "all_sqe.zip", ucla.sound_files())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="needs the extra 'scale'")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as made:
        yield made


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _plan(source: RawSource) -> StorePlan:
    members = tuple(name for name, _ in source.members)
    sizes = tuple(size for _, size in source.members)
    return StorePlan(info("nwucla"), "nwucla", "plain", 2, layout("ucla20"), "float32", members, sizes=sizes)


def _work(source: RawSource, marker: Path, *, always: bool = False) -> ShardWork:
    return ShardWork(source, reader("nwucla"), Deadly(str(marker), always))


def _silent(done: int, total: int) -> None:
    """Nobody asks."""


def test_two_processes_give_the_bytes_of_one(archive: Path, tmp_path: Path) -> None:
    alone = prepare("nwucla", raw=archive, out=tmp_path / "alone", workers=1)
    seen: list[tuple[int, int]] = []
    together = prepare(
        "nwucla", raw=archive, out=tmp_path / "two", workers=2, progress=lambda *counts: seen.append(counts)
    )
    assert _bytes(together.path) == _bytes(alone.path)
    assert seen == [(done, 12) for done in range(0, 13, 2)]
    squares = joblib.Parallel(n_jobs=2)(joblib.delayed(pow)(number, 2) for number in range(3))
    assert squares == [0, 1, 4], "others can use joblib afterwards"


def test_a_worker_that_dies_costs_nothing(archive: Path, tmp_path: Path) -> None:
    with RawSource(archive) as source:
        plan = _plan(source)
        marker = tmp_path / Path(plan.members[5]).stem
        with StoreWriter(tmp_path / "store", plan) as writer:
            seen: list[int] = []
            work = _work(source, marker)
            make_shards(writer, work, workers=2, scheduler=None, progress=lambda done, _: seen.append(done))
            store = writer.finish()
    assert marker.exists(), "it did die"
    assert len(store) == 12
    assert seen[0] == 0
    assert seen[-1] == 12


def test_workers_that_always_die_are_given_up_and_nothing_is_lost(archive: Path, tmp_path: Path) -> None:
    with RawSource(archive) as source:
        plan = _plan(source)
        marker = tmp_path / Path(plan.members[11]).stem
        with StoreWriter(tmp_path / "store", plan) as writer:
            with pytest.raises(OutputError, match=r"died 3 times.*--workers 1"):
                make_shards(writer, _work(source, marker, always=True), workers=2, scheduler=None, progress=_silent)
            left = writer.pending()
            assert range(10, 12) in left
            honest = replace(_work(source, marker), step=NWUCLA())
            make_shards(writer, honest, workers=1, scheduler=None, progress=_silent)
            assert len(writer.finish()) == 12


def test_damage_in_a_worker_is_told_as_at_home(tmp_path: Path) -> None:
    files = ucla.sound_files()
    files[sorted(files)[4]] = b"{"
    raw = ucla.write_folder(tmp_path / "raw", files)
    with pytest.raises(RawFileError) as caught:
        prepare("nwucla", raw=raw, out=tmp_path / "store", workers=2, on_error="raise")
    assert caught.value.path is not None
    assert Path(caught.value.path).name == Path(sorted(files)[4]).name
    store = prepare("nwucla", raw=raw, out=tmp_path / "store", workers=2)
    assert [Path(each.member).name for each in store.info.left_out] == [Path(sorted(files)[4]).name]


def test_small_work_stays_in_this_process(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("another process was started for some kilobytes")

    monkeypatch.setattr(_workers, "get_memmapping_executor", refuse)
    assert len(prepare("nwucla", raw=archive, out=tmp_path / "store")) == 12
    with pytest.raises(DataError, match="at least 1, got 0"):
        prepare("nwucla", raw=archive, out=tmp_path / "other", workers=0)


def test_as_many_processes_as_the_work_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    assert _workers._workers(None, [2**20] * 31) == 1
    assert _workers._workers(None, [2**20] * 100) == 3
    assert _workers._workers(None, [2**20] * 10_000) == 8
    assert _workers._workers(2, [1]) == 2


def test_an_archive_that_is_read_in_order_feeds_the_workers(tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(tmp_path / "all_sqe.7z", "w") as packed:
        for name, content in ucla.sound_files().items():
            packed.writestr(content, name)
    alone = prepare("nwucla", raw=ucla.write_zip(tmp_path / "a.zip", ucla.sound_files()), out=tmp_path / "alone")
    for workers in (1, 2):
        store = prepare("nwucla", raw=tmp_path / "all_sqe.7z", out=tmp_path / str(workers), workers=workers)
        assert np.array_equal(store.names, alone.names)
        assert _bytes(store.path)["joints.npy"] == _bytes(alone.path)["joints.npy"]


def test_a_cluster_gives_the_bytes_of_one_process(archive: Path, tmp_path: Path, cluster: Any) -> None:
    alone = prepare("nwucla", raw=archive, out=tmp_path / "alone", workers=1)
    seen: list[int] = []
    store = prepare(
        "nwucla",
        raw=archive,
        out=tmp_path / "store",
        scheduler=cluster.scheduler_address,
        progress=lambda done, _: seen.append(done),
    )
    assert _bytes(store.path) == _bytes(alone.path)
    assert seen == list(range(0, 13, 2))


def test_a_dead_worker_of_a_cluster_costs_nothing(archive: Path, tmp_path: Path, cluster: Any) -> None:
    with RawSource(archive) as source:
        plan = _plan(source)
        marker = tmp_path / Path(plan.members[3]).stem
        with StoreWriter(tmp_path / "store", plan) as writer:
            address = cluster.scheduler_address
            make_shards(writer, _work(source, marker), workers=None, scheduler=address, progress=_silent)
            assert len(writer.finish()) == 12
    assert marker.exists(), "it did die"


def test_a_cluster_that_sees_no_data_says_so(archive: Path, tmp_path: Path, cluster: Any) -> None:
    with RawSource(archive) as source, StoreWriter(tmp_path / "store", _plan(source)) as writer:
        moved = archive.rename(tmp_path / "elsewhere.zip")
        with pytest.raises(DataError, match=r"worker .* does not see .*all_sqe\.zip"):
            make_shards(
                writer,
                _work(source, tmp_path / "none"),
                workers=None,
                scheduler=cluster.scheduler_address,
                progress=_silent,
            )
    assert moved.exists()


def test_a_scheduler_that_does_not_answer_is_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(_workers, "_PATIENCE", 1)
    with pytest.raises(DataError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        prepare("nwucla", raw=archive, out=tmp_path / "store", scheduler="tcp://127.0.0.1:9")
