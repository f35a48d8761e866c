# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bonefide.data import datasets
from bonefide.data.class_splits import ClassSplit, class_split, class_splits
from bonefide.errors import DataError, UnknownNameError

ALL = [(dataset, name) for dataset in datasets.names() for name in class_splits(dataset)]


@pytest.mark.parametrize(("dataset", "name"), ALL)
def test_every_split_parts_the_classes_as_its_name_says(dataset: str, name: str) -> None:
    split = class_split(name, dataset=dataset)
    assert sorted([*split.seen, *split.unseen]) == list(range(len(datasets.info(dataset).classes)))
    numbers = [int(part) for part in name.split("_")[1:] if part.isdecimal()]
    assert [len(split.seen), len(split.unseen)][-len(numbers) :] == numbers


@pytest.mark.parametrize(("dataset", "name"), ALL)
def test_what_is_held_out_follows_the_rule(dataset: str, name: str) -> None:
    split = class_split(name, dataset=dataset)
    drawn = np.random.default_rng(0).permutation(split.seen)[: len(split.unseen)]
    assert split.held_out == tuple(sorted(drawn.tolist()))
    rehearsal = split.rehearsal
    assert {*rehearsal.seen, *rehearsal.unseen} == set(split.seen)
    assert rehearsal.unseen == split.held_out


def test_the_published_files_say_the_same(shared_data: Path) -> None:
    content = json.loads((shared_data / "zeroshot_splits.json").read_text())
    ours = {"ntu60": "ntu60", "ntu120": "ntu120", "pku51": "pkummd1", "nwucla10": "nwucla", "utdmhad27": "utdmhad"}
    for facts in content["splits"]:
        split = class_split(facts["id"], dataset=ours[facts["dataset"]])
        assert split.unseen == tuple(facts["unseen"])
        assert split.seen == tuple(facts["seen"])
        assert split.held_out == tuple(facts["validation_unseen_bonefide"])
    for facts in content["one_shot"]:
        assert class_split(facts["id"], dataset=ours[facts["dataset"]]).unseen == tuple(facts["novel"])


def test_of_another_data_set_it_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="class splits of nwucla"):
        class_split("ntu60_55_5", dataset="nwucla")


@pytest.mark.parametrize(
    ("seen", "unseen", "held_out", "said"),
    [
        ((0, 1), (1,), (), "seen and unseen"),
        ((0, 0), (1,), (), "listed twice"),
        ((), (1,), (), "needs seen and unseen"),
        ((0,), (), (), "needs seen and unseen"),
        ((0, 1), (2,), (2,), "some of the seen"),
        ((0, 1), (2,), (0, 1), "not all"),
    ],
)
def test_what_is_no_partition_is_refused(
    seen: tuple[int, ...], unseen: tuple[int, ...], held_out: tuple[int, ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        ClassSplit("mine", seen, unseen, held_out)


def test_without_classes_held_out_there_is_no_rehearsal() -> None:
    with pytest.raises(DataError, match="no classes are held out"):
        _ = ClassSplit("mine", (0, 1), (2,)).rehearsal
