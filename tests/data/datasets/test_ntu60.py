# SPDX-License-Identifier: Apache-2.0
"""Facts of NTU RGB+D 60 and 120 that follow from one another."""

from __future__ import annotations

from importlib import resources

import pytest

from bonefide.data import datasets
from bonefide.data.raw.ntu import NTU

CARDS = {"ntu60": (60, 56_880, {"subject": 40, "camera": 3, "setup": 17}), "ntu120": (120, 114_480, {})}


@pytest.mark.parametrize("name", CARDS)
def test_counts_agree(name: str) -> None:
    classes, recorded, groups = CARDS[name]
    info = datasets.info(name)
    missing = resources.files(datasets).joinpath("missing", info.missing).read_text(encoding="utf-8").split()
    assert len(set(info.classes)) == len(info.classes) == classes
    assert info.sequences == recorded - len(set(missing))
    assert all(sum(parts) == info.sequences for parts in info.parts.values())
    assert set(info.parts) == set(info.protocols)
    assert all(NTU().matches(f"{each}.skeleton") for each in missing)
    for rule in info.protocols.values():
        assert not groups or rule.train < set(range(1, groups[rule.by] + 1))


def test_ntu120_continues_ntu60() -> None:
    small, large = datasets.info("ntu60"), datasets.info("ntu120")
    assert large.classes[:60] == small.classes
    assert small.protocols["xsub"].train < large.protocols["xsub"].train
    added = large.protocols["xsub"].train - small.protocols["xsub"].train
    assert (len(small.protocols["xsub"].train), len(added)) == (20, 33)
    assert min(added) > 40
    assert max(added) <= 106
    assert large.options["ntu_denoise"] == {"second_slot": "copy"}
    assert small.only is not None
    assert small.only.train == set(range(1, 18))


def test_missing_names_of_ntu60_are_among_those_of_ntu120() -> None:
    folder = resources.files(datasets).joinpath("missing")
    small, large = (set(folder.joinpath(f"{name}.txt").read_text(encoding="utf-8").split()) for name in CARDS)
    assert small == {each for each in large if int(each[1:4]) <= 17}
