# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import multiprocessing
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from stores import entries, small_store

from bonefide.data.store import SkeletonStore, open_store
from bonefide.errors import StoreError, UnknownNameError


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return small_store(tmp_path / "store", persons=2)


def _change(store: SkeletonStore, **facts: object) -> None:
    path = store.path / "store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def _first_coordinate(store: SkeletonStore) -> float:
    return float(store.joints(3)[0, 0, 0, 0])


def test_gives_back_what_was_written(store: SkeletonStore) -> None:
    for entry in entries(persons=2):
        found = store[entry.sequence.name]
        assert (found.name, found.label) == (entry.sequence.name, entry.sequence.label)
        np.testing.assert_array_equal(found.joints, entry.sequence.joints)
        row = store.row(found.name)
        assert (store.subjects[row], store.cameras[row], store.setups[row], store.repeats[row]) == (
            entry.subject,
            entry.camera,
            -1,
            entry.repeat,
        )
        assert (store.persons[row], store.frames[row]) == entry.sequence.joints.shape[:2]


def test_rows_are_in_order_of_names(store: SkeletonStore) -> None:
    assert store.names.tolist() == sorted(entry.sequence.name for entry in entries())
    assert [store[row].name for row in range(len(store))] == store.names.tolist()
    assert store[-1].name == store.names[-1]


def test_sequences_are_views_of_one_map_and_read_only(store: SkeletonStore) -> None:
    joints = store.joints(2)
    assert np.shares_memory(joints, store.joints(2))
    with pytest.raises(ValueError, match="read-only"):
        joints[...] = 0
    with pytest.raises(ValueError, match="read-only"):
        store.labels[0] = 0


def test_a_warm_read_takes_at_most_20_microseconds(store: SkeletonStore) -> None:
    store.joints(0)
    rows = np.random.default_rng(0).integers(len(store), size=2000).tolist()
    best = min(_seconds(store, rows) for _ in range(5))
    assert best / len(rows) < 20e-6


def _seconds(store: SkeletonStore, rows: list[int]) -> float:
    start = time.perf_counter()
    for row in rows:
        store.joints(row)
    return time.perf_counter() - start


def test_a_pickled_open_store_is_small_and_reads_on(store: SkeletonStore) -> None:
    first = _first_coordinate(store)
    content = pickle.dumps(store)
    assert len(content) < 500
    assert _first_coordinate(pickle.loads(content)) == first


def test_other_processes_reopen_it(store: SkeletonStore) -> None:
    first = _first_coordinate(store)
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(_first_coordinate, [store] * 4) == [first] * 4


def test_a_replaced_store_is_noticed(store: SkeletonStore) -> None:
    content = pickle.dumps(store)
    _change(store, fingerprint="another")
    with pytest.raises(StoreError, match="was replaced"):
        pickle.loads(content)


def test_unknown_samples_are_refused_with_a_guess(store: SkeletonStore) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{store.names[0]}'"):
        store.row(store.names[0] + "x")
    with pytest.raises(IndexError):
        store[len(store)]


def test_missing_unfinished_and_foreign_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store at"):
        open_store(tmp_path / "nothing")
    with pytest.raises(StoreError, match="no store at"):
        open_store(tmp_path / "no" / "where")
    (tmp_path / ".begun.partial").mkdir()
    with pytest.raises(StoreError, match="not finished"):
        open_store(tmp_path / "begun")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="did you mean 'folder'"):
        open_store(tmp_path / "fodler")
    with pytest.raises(StoreError, match="not a store"):
        open_store(tmp_path / "folder")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="not a store"):
        open_store(tmp_path / "file")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"bonefide_store": 99}, "format version 99"),
        ({"bonefide_store": "x"}, "damaged"),
        ({"version": 99}, "version 99 of 'plain'"),
        ({"preparation": "ntu_future"}, "does not have"),
        ({"preparation": "_placing"}, "does not have"),
        ({"preparation": "../plain"}, "does not have"),
        ({"shape": [1, 20, 3]}, "header of joints.npy"),
        ({"shape": [10**30, 20, 3]}, "header of joints.npy"),
        ({"shape": "abc"}, "lacks or garbles"),
        ({"dtype": "float16"}, "header of joints.npy"),
        ({"dtype": "nonsense"}, "header of joints.npy"),
        ({"sizes": {}}, "lacks or garbles"),
        ({"left_out": [{"who": 1}]}, "lacks or garbles"),
        ({"protocols": [1]}, "lacks or garbles"),
    ],
)
def test_other_versions_and_garbled_facts_are_refused(
    store: SkeletonStore, facts: dict[str, object], message: str
) -> None:
    _change(store, **facts)
    with pytest.raises(StoreError, match=message):
        open_store(store.path)


@pytest.mark.parametrize("name", ["joints.npy", "index.parquet"])
def test_missing_and_cut_files_are_refused(store: SkeletonStore, name: str) -> None:
    path = store.path / name
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(StoreError, match=f"{name} has {len(content) - 1} bytes and should have {len(content)}"):
        open_store(store.path)
    path.unlink()
    with pytest.raises(StoreError, match=f"{name} is missing"):
        open_store(store.path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[" * 100_000, b"\xff\xfe"])
def test_an_unreadable_store_json_is_refused(store: SkeletonStore, content: bytes) -> None:
    (store.path / "store.json").write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        open_store(store.path)


def test_a_damaged_header_is_refused(store: SkeletonStore) -> None:
    path = store.path / "joints.npy"
    content = path.read_bytes()
    for damaged in (b"X" + content[1:], content[:10] + b"?" * 20 + content[30:]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"header of joints\.npy"):
            open_store(store.path)


def test_a_damaged_index_is_refused_when_used(store: SkeletonStore) -> None:
    path = store.path / "index.parquet"
    path.write_bytes(b"PAR1" + b"\0" * (path.stat().st_size - 8) + b"PAR1")
    with pytest.raises(StoreError, match=r"index\.parquet cannot be read"):
        _ = open_store(store.path).labels


def test_an_index_of_another_store_is_refused_when_used(store: SkeletonStore, tmp_path: Path) -> None:
    other = small_store(tmp_path / "other")
    content = (other.path / "index.parquet").read_bytes()
    (store.path / "index.parquet").write_bytes(content)
    _change(store, sizes={"joints.npy": store.info.sizes["joints.npy"], "index.parquet": len(content)})
    with pytest.raises(StoreError, match="does not fit"):
        _ = open_store(store.path).labels


def test_verify_finds_a_changed_byte(store: SkeletonStore) -> None:
    store.verify()
    path = store.path / "joints.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"joints\.npy is not what was written"):
        open_store(store.path).verify()


def test_importing_the_package_loads_neither_torch_nor_pyarrow() -> None:
    code = "import sys, bonefide.data, bonefide.data.store; sys.exit(bool({'torch', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
