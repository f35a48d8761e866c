# SPDX-License-Identifier: Apache-2.0
"""What the facts of every data set keep; the folder says which there are."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from tiny import tiny_store

from bonefide.data import datasets, preparation, raw
from bonefide.data.datasets import DatasetInfo
from bonefide.data.protocols import split

RANGES = {"subject": range(1, 200), "camera": range(1, 10), "setup": range(20_000)}

OWN = "custom"
"""One's own data: classes and protocols are those of each store, from its table of labels."""

every = pytest.mark.parametrize("info", [datasets.info(name) for name in datasets.names()], ids=lambda each: each.name)


def test_the_folder_was_read() -> None:
    assert set(datasets.names()) >= {"ntu60", "ntu120", "nwucla", "utdmhad", "synthetic"}
    assert [datasets.info(name).name for name in datasets.names()] == list(datasets.names())


@every
def test_classes_are_told_apart(info: DatasetInfo) -> None:
    assert len(info.classes) > 1 or info.name == OWN
    assert len(set(info.classes)) == len(info.classes)
    assert all(name == name.strip() and name for name in info.classes)


@every
def test_where_it_comes_from_is_said(info: DatasetInfo) -> None:
    assert all((info.title, info.citation, info.licence, info.homepage))
    assert info.citation.endswith(".")


@every
def test_protocols_divide(info: DatasetInfo) -> None:
    assert info.protocols or info.name == OWN
    for name, rule in info.protocols.items():
        if rule.by == "lists":
            assert not rule.train, f"{name}: the raw data's lists say who trains"
            continue
        assert rule.train, name
        assert rule.train < set(RANGES[rule.by]), f"{name}: somebody must test"
    if info.only is not None:
        assert info.only.train <= set(RANGES[info.only.by])


@every
def test_counts_agree(info: DatasetInfo) -> None:
    assert info.sequences >= 0
    assert set(info.parts) == (set(info.protocols) if info.sequences else set())
    for train, test in info.parts.values():
        assert train + test == info.sequences


@every
def test_formats_preparations_and_lists_are_files(info: DatasetInfo) -> None:
    assert info.preparations
    for raw_format, prepared in info.preparations.items():
        assert raw_format in raw.names()
        assert prepared in preparation.names()
    for prepared, options in info.options.items():
        preparation.preparation(prepared, options)
    folder = resources.files(datasets)
    if info.missing:
        listed = folder.joinpath("missing", info.missing).read_text(encoding="utf-8").split()
        assert len(set(listed)) == len(listed) > 0
    for name, rule in info.protocols.items():
        if rule.order:
            order = json.loads(folder.joinpath("splits", rule.order).read_text(encoding="utf-8"))
            assert (len(order["train"]), len(order["test"])) == info.parts[name]
            assert not set(order["train"]) & set(order["test"])


@every
def test_every_protocol_splits_a_store(info: DatasetInfo, tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store", info.name)
    for protocol, rule in info.protocols.items():
        parts = split(store, protocol)
        assert sorted([*parts.train, *parts.test]) == list(range(len(store)))
        if rule.by == "lists":
            assert set(parts.train) == set(store.trains(protocol).nonzero()[0])
            continue
        by = {"subject": store.subjects, "camera": store.cameras, "setup": store.setups}[rule.by]
        assert set(by[parts.train]) <= rule.train
        assert not set(by[parts.test]) & rule.train
