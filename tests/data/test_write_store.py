# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import errno
import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from stores import entries, small_store

from bonefide.data import _writing, store_plan
from bonefide.data.datasets import info
from bonefide.data.store import open_store
from bonefide.data.store_info import LeftOut
from bonefide.data.write_store import Entry, Shard, StorePlan, StoreWriter, finished_store, write_store
from bonefide.errors import DataError, OutputError, StoreError
from bonefide.layouts import layout
from bonefide.types import SkeletonSequence

ENTRIES = sorted(entries(10), key=lambda entry: entry.sequence.name)
PLAN = StorePlan(
    info("nwucla"),
    "nwucla",
    "plain",
    2,
    layout("ucla20"),
    "float32",
    tuple(each.sequence.name for each in ENTRIES),
    "source",
)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_plan, "SHARD_RECORDINGS", 3)


def _shard(part: range) -> Shard:
    left_out = (LeftOut(f"x{part.start}", "empty", "nothing"),)
    return Shard(tuple(ENTRIES[part.start : part.stop]), left_out, {"trailing": 1})


def _write(target: Path, plan: StorePlan = PLAN, *, overwrite: bool = False, stop_after: int = 99) -> None:
    with StoreWriter(target, plan, overwrite=overwrite) as writer:
        for number, part in enumerate(writer.pending()):
            if number == stop_after:
                return
            writer.shards.write(part, _shard(part))
        writer.finish()


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def _entry(name: str = "a", label: int = 0, shape: tuple[int, ...] = (1, 2, 20, 3), value: float = 1.0) -> Entry:
    return Entry(SkeletonSequence(name, label, np.full(shape, value)))


def test_says_what_it_wrote(tmp_path: Path) -> None:
    _write(tmp_path / "store")
    found = open_store(tmp_path / "store").info
    assert (found.dataset, found.raw, found.preparation, found.version) == ("nwucla", "nwucla", "plain", PLAN.version)
    assert [each.member for each in found.left_out] == ["x0", "x3", "x6", "x9"]
    assert found.warnings == {"trailing": 4}
    counts = found.protocols["xview"]
    assert (counts.train, counts.test, counts.expected_train, counts.expected_test) == (7, 3, 1020, 464)
    assert not found.complete
    assert found.fingerprint == PLAN.fingerprint
    open_store(tmp_path / "store").verify()


def test_a_store_is_complete_when_all_counts_agree(tmp_path: Path) -> None:
    exact = dataclasses.replace(info("nwucla"), sequences=10, parts={"xview": (7, 3)})
    assert write_store(tmp_path / "whole", exact, ENTRIES).info.complete
    other = dataclasses.replace(exact, parts={"xview": (6, 4)})
    assert not write_store(tmp_path / "other", other, ENTRIES).info.complete
    varying = dataclasses.replace(exact, sequences=0, parts={})
    assert write_store(tmp_path / "varying", varying, ENTRIES).info.complete


def test_interrupted_or_not_the_bytes_are_the_same(tmp_path: Path) -> None:
    _write(tmp_path / "whole" / "store")
    for stop_after in range(4):
        target = tmp_path / str(stop_after) / "store"
        _write(target, stop_after=stop_after)
        assert not target.exists()
        with pytest.raises(StoreError, match="not finished"):
            open_store(target)
        with StoreWriter(target, PLAN) as writer:
            assert len(writer.pending()) == 4 - stop_after, "finished shards are taken up"
        _write(target)
        assert _bytes(target) == _bytes(tmp_path / "whole" / "store")
        assert _leftovers(target.parent) == []


def test_rows_are_sorted_whatever_the_order_of_the_shards(tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, members=tuple(reversed(PLAN.members)))
    with StoreWriter(tmp_path / "store", plan) as writer:
        for part in reversed(writer.pending()):
            writer.shards.write(part, Shard(tuple(ENTRIES[::-1][part.start : part.stop])))
        store = writer.finish()
    assert store.names.tolist() == [each.sequence.name for each in ENTRIES]
    for row, entry in enumerate(ENTRIES):
        np.testing.assert_array_equal(store.joints(row), entry.sequence.joints)


@pytest.mark.parametrize("damage", ["cut", "gone", "garbled"])
def test_a_damaged_shard_is_made_again(tmp_path: Path, damage: str) -> None:
    target = tmp_path / "store"
    _write(target, stop_after=2)
    shard = tmp_path / ".store.partial" / "shard-0000000-0000003"
    if damage == "cut":
        content = shard.with_suffix(".npy").read_bytes()
        shard.with_suffix(".npy").write_bytes(content[:-9])
    elif damage == "gone":
        shard.with_suffix(".npy").unlink()
    else:
        shard.with_suffix(".json").write_text('{"columns": {}}')
    with StoreWriter(target, PLAN) as writer:
        assert writer.pending() == [range(3), range(6, 9), range(9, 10)]


def test_work_of_another_plan_is_discarded(tmp_path: Path) -> None:
    _write(tmp_path / "store", stop_after=2)
    for change in (
        {"version": PLAN.version + 1},
        {"options": {"a": 1}},
        {"source": "other"},
        {"dtype": "float64"},
        {"preparation": "x"},
    ):
        with StoreWriter(tmp_path / "store", dataclasses.replace(PLAN, **change)) as writer:
            assert len(writer.pending()) == 4
        _write(tmp_path / "store", stop_after=2)


def test_finishing_too_early_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", PLAN) as writer:
        writer.shards.write(range(3), _shard(range(3)))
        with pytest.raises(OutputError, match="lacks 3 of its parts"):
            writer.finish()
    assert not (tmp_path / "store").exists()


def test_what_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.tex").write_text("years of work")
    (tmp_path / "file").write_text("work")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "store.json").write_text("{}")
    for target in (folder, tmp_path / "file", tmp_path / "json"):
        for overwrite in (False, True):
            with pytest.raises(OutputError, match="is not a store"):
                _write(target, overwrite=overwrite)
    assert (folder / "chapter.tex").read_text() == "years of work"
    assert _leftovers(tmp_path) == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    _write(tmp_path / "store")
    assert len(open_store(tmp_path / "store")) == 10


def test_a_store_is_replaced_only_on_request_and_only_when_the_new_one_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "store"
    small_store(target, 5)
    before = _bytes(target)
    with pytest.raises(OutputError, match="--overwrite"):
        _write(target)
    _write(target, overwrite=True, stop_after=2)
    assert _bytes(target) == before
    _write(target, overwrite=True)
    assert len(open_store(target)) == 10
    assert _leftovers(tmp_path) == []


def test_a_store_that_is_there_is_taken_only_if_it_would_come_out_the_same(tmp_path: Path) -> None:
    target = tmp_path / "store"
    assert finished_store(target, PLAN) is None
    _write(target)
    store = finished_store(str(target), PLAN)
    assert store is not None
    assert store.path == target
    assert finished_store(target, dataclasses.replace(PLAN, version=PLAN.version + 1)) is None
    (target / "joints.npy").write_bytes(b"")
    with pytest.raises(OutputError, match="store is a store that cannot be used"):
        finished_store(target, PLAN)


def test_a_store_of_another_version_can_be_replaced(tmp_path: Path) -> None:
    target = small_store(tmp_path / "store", 5).path
    facts = json.loads((target / "store.json").read_text())
    (target / "store.json").write_text(json.dumps({**facts, "bonefide_store": 99}))
    _write(target, overwrite=True)
    assert len(open_store(target)) == 10


def test_killed_between_the_renames_of_an_overwriting_nothing_is_lost(tmp_path: Path) -> None:
    target = tmp_path / "store"
    small_store(target, 5)
    os.rename(target, tmp_path / ".store.previous")
    with pytest.raises(OutputError, match="--overwrite"):
        _write(target)
    assert len(open_store(target)) == 5
    os.rename(target, tmp_path / ".store.previous")
    _write(target, overwrite=True)
    assert len(open_store(target)) == 10
    assert _leftovers(tmp_path) == []


def test_a_link_is_followed(tmp_path: Path) -> None:
    small_store(tmp_path / "real", 5)
    (tmp_path / "link").symlink_to("real")
    _write(tmp_path / "link", overwrite=True)
    assert len(open_store(tmp_path / "real")) == 10
    assert (tmp_path / "link").is_symlink()


def _try(target: Path, outcome: object) -> None:
    try:
        _write(target)
        outcome.put("written")
    except OutputError as fault:
        outcome.put(str(fault))


def test_two_processes_do_not_write_one_store(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    outcome = context.Queue()
    with StoreWriter(tmp_path / "store", PLAN) as writer:
        writer.shards.write(range(3), _shard(range(3)))
        other = context.Process(target=_try, args=(tmp_path / "store", outcome))
        other.start()
        assert "another process is writing" in outcome.get(timeout=20)
        other.join()
        assert len(writer.pending()) == 3
    other = context.Process(target=_try, args=(tmp_path / "store", outcome))
    other.start()
    assert outcome.get(timeout=20) == "written"
    other.join()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("file", ["plan", "shard-0000003-0000006.npy", "joints.npy", "store.json"])
def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, file: str) -> None:
    target = tmp_path / "store"
    honest = os.fsync

    def full(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(f"{file}.tmp"):
            raise OSError(code, os.strerror(code))
        honest(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(_writing.os, "fsync", full)
        with pytest.raises(OutputError, match=r"full while writing .*MB are free; what is finished is kept"):
            _write(target)
    assert not target.exists()
    with StoreWriter(target, PLAN) as writer:
        assert len(writer.pending()) == {"plan": 4, "shard-0000003-0000006.npy": 3}.get(file, 0)
    _write(target)
    _write(tmp_path / "other")
    assert _bytes(target) == _bytes(tmp_path / "other")


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "store", Path("/proc/store"), Path("/dev/null/store")):
        with pytest.raises(OutputError, match=f"cannot write {target}.*choose a place"):
            _write(target)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (_entry(shape=(2, 20, 3)), "do not fit"),
        (_entry(shape=(1, 2, 25, 3)), "do not fit"),
        (_entry(shape=(1, 0, 20, 3)), "do not fit"),
        (_entry(shape=(128, 1, 20, 3)), "do not fit"),
        (_entry(value=float("nan")), "not all finite"),
        (_entry(label=10), "outside the 10 classes"),
        (_entry(label=-1), "outside the 10 classes"),
    ],
)
def test_sequences_that_do_not_fit_are_refused(tmp_path: Path, bad: Entry, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_store(tmp_path / "store", info("nwucla"), [_entry("b"), bad])
    assert not (tmp_path / "store").exists()


def test_no_samples_and_equal_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sample is left"):
        write_store(tmp_path / "store", info("nwucla"), [])
    with pytest.raises(DataError, match="'a' occurs twice"):
        write_store(tmp_path / "store", info("nwucla"), [_entry("a"), _entry("a")])
    assert _leftovers(tmp_path) == []


def test_a_value_too_large_for_the_stored_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not all finite"):
        write_store(tmp_path / "store", info("nwucla"), [_entry(value=1e300)])
    assert (
        write_store(tmp_path / "double", info("nwucla"), [_entry(value=1e300)], dtype="float64").joints(0).max()
        == 1e300
    )
