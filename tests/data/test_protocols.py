# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from stores import entries, small_store

from bonefide.data import datasets
from bonefide.data.protocols import Split, _kept, carve_validation, split, split_digest
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import DataError, UnknownNameError
from bonefide.types import SkeletonSequence


@pytest.fixture
def store(tmp_path: Path) -> SkeletonStore:
    return small_store(tmp_path / "store")


def _official() -> dict[str, list[str]]:
    text = resources.files(datasets).joinpath("splits", "nwucla_xview.json").read_text()
    return json.loads(text)


def test_the_rule_decides(store: SkeletonStore) -> None:
    parts = split(store, "xview")
    assert set(store.cameras[parts.train]) == {1, 2}
    assert set(store.cameras[parts.test]) == {3}
    assert sorted([*parts.train, *parts.test]) == list(range(len(store)))


def test_the_official_order_orders_and_tolerates_strangers_and_gaps(tmp_path: Path) -> None:
    order = _official()
    known = order["train"][10:0:-1]
    names = ["a01_s99_e00_v01", *known, order["test"][4], order["test"][2]]
    made = [Entry(SkeletonSequence(name, 0, np.ones((1, 1, 20, 3))), int(name[5:7]), int(name[-2:])) for name in names]
    store = write_store(tmp_path / "store", datasets.info("nwucla"), made)
    parts = split(store, "xview")
    assert store.names[parts.train].tolist() == [*order["train"][1:11], "a01_s99_e00_v01"]
    assert store.names[parts.test].tolist() == [order["test"][2], order["test"][4]]


def test_the_official_order_agrees_with_the_rule() -> None:
    info, order = datasets.info("nwucla"), _official()
    assert tuple(len(order[part]) for part in ("train", "test")) == info.parts["xview"]
    assert {int(name[-2:]) for name in order["train"]} == info.protocols["xview"].train
    assert len({*order["train"], *order["test"]}) == info.sequences


def test_an_unknown_protocol_is_refused(store: SkeletonStore) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'xview'"):
        split(store, "xveiw")


def test_a_share_is_one_seeded_shuffle(store: SkeletonStore) -> None:
    whole = split(store, "xview")
    half, again, other = (split(store, "xview", share=0.5, seed=seed).train for seed in (1, 1, 2))
    assert len(half) == len(whole.train) // 2
    np.testing.assert_array_equal(half, again)
    assert set(half) != set(other)
    assert set(half) < set(whole.train)
    np.testing.assert_array_equal(split(store, "xview", share=0.5).test, whole.test)
    quarter = split(store, "xview", share=0.25, seed=1).train
    assert set(quarter) < set(half), "smaller shares are parts of larger ones"


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan"), 0.01])
def test_a_share_that_keeps_nothing_is_refused(store: SkeletonStore, share: float) -> None:
    with pytest.raises(DataError, match="share"):
        split(store, "xview", share=share)


@pytest.mark.parametrize(("by", "column"), [("subject", "subjects"), ("camera", "cameras")])
def test_validation_takes_whole_groups_of_the_training_part(store: SkeletonStore, by: str, column: str) -> None:
    parts = split(store, "xview")
    train, validation = carve_validation(store, parts, share=0.3, by=by)  # type: ignore[arg-type]
    groups = getattr(store, column)
    assert len(train)
    assert len(validation)
    assert not set(groups[train]) & set(groups[validation])
    assert sorted([*train, *validation]) == sorted(parts.train)
    np.testing.assert_array_equal(train, [row for row in parts.train if row in set(train.tolist())])


def test_validation_depends_on_the_seed_alone(store: SkeletonStore) -> None:
    parts = split(store, "xview")
    choices = [carve_validation(store, parts, share=0.25, seed=seed)[1].tolist() for seed in range(8)]
    assert choices[0] == carve_validation(store, parts, share=0.25, seed=0)[1].tolist()
    assert len({tuple(choice) for choice in choices}) > 1


def test_at_least_one_group_trains_and_one_validates(store: SkeletonStore) -> None:
    parts = split(store, "xview")
    for share, held_out in ((0.01, 1), (0.99, 3)):
        train, validation = carve_validation(store, parts, share=share)
        assert len(set(store.subjects[validation])) == held_out
        assert len(train)


def test_validation_that_cannot_be_carved_is_refused(store: SkeletonStore, tmp_path: Path) -> None:
    parts = split(store, "xview")
    for share in (0, 1, 2):
        with pytest.raises(DataError, match="above 0 and below 1"):
            carve_validation(store, parts, share=share)
    with pytest.raises(DataError, match="only one setup"):
        carve_validation(store, parts, by="setup")
    with pytest.raises(UnknownNameError, match="did you mean 'subject'"):
        carve_validation(store, parts, by="subjects")  # type: ignore[arg-type]
    nobody = [dataclasses.replace(each, subject=-1 if each.repeat % 2 else 1) for each in entries()]
    anonymous = write_store(tmp_path / "anonymous", datasets.info("nwucla"), nobody)
    with pytest.raises(DataError, match="not known"):
        carve_validation(anonymous, split(anonymous, "xview"))


def test_the_digest_names_the_samples_and_their_parts(store: SkeletonStore) -> None:
    parts = split(store, "xview")
    digest = split_digest(store, parts)
    assert digest == split_digest(store, split(store, "xview"))
    assert (
        len(
            {
                digest,
                split_digest(store, Split(parts.test, parts.train)),
                split_digest(store, Split(parts.train[1:], parts.test)),
            }
        )
        == 3
    )


def test_a_store_that_does_not_know_who_trains_says_so(tmp_path: Path) -> None:
    unknown = [dataclasses.replace(entry, camera=-1) for entry in entries(6)]
    store = write_store(tmp_path / "unknown", datasets.info("nwucla"), unknown)
    with pytest.raises(DataError, match="does not know the camera of every sample, by which xview parts them"):
        split(store, "xview")
    assert "xview" not in store.info.protocols
    store = write_store(tmp_path / "pku", datasets.info("pkummd1"), entries(6), layout="ucla20")
    with pytest.raises(DataError, match=r"prepared without the lists of xsub.*another --raw"):
        split(store, "xsub")
    assert store.info.protocols == {}


def test_a_share_of_each_class_keeps_its_part_and_at_least_one(store: SkeletonStore) -> None:
    whole = split(store, "xview").train
    for share in (0.01, 0.4, 0.5):
        kept = split(store, "xview", share=share, seed=3, by="class").train
        assert kept.tolist() == sorted(kept, key=whole.tolist().index), "in their former order"
        counts, all_counts = (np.bincount(store.labels[rows], minlength=10) for rows in (kept, whole))
        expected = [max(1, round(share * count)) if count else 0 for count in all_counts]
        assert counts.tolist() == expected
    again = split(store, "xview", share=0.5, seed=3, by="class").train
    np.testing.assert_array_equal(again, kept)


@pytest.mark.parametrize(
    ("samples", "share", "both"), [(40091, 0.01, 794), (40091, 0.1, 7584), (37646, 0.01, 747), (37646, 0.1, 7145)]
)
def test_shares_of_processes_are_those_of_the_official_code(samples: int, share: float, both: int) -> None:
    kept = _kept(np.zeros(samples, dtype=np.int64), share, 0, "process")
    assert len(kept) == both
    first = {40091: [33602, 32977, 30506, 22260, 28080], 37646: [18012, 26038, 9068, 27687, 34716]}[samples]
    assert set(first) < set(kept.tolist())


def test_an_unknown_way_to_choose_a_share_is_refused(store: SkeletonStore) -> None:
    with pytest.raises(UnknownNameError, match="ways to choose a share: no 'classes'; did you mean 'class'"):
        split(store, "xview", share=0.5, by="classes")  # type: ignore[arg-type]
