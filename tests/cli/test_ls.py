# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from calling import call

from bonefide.cli.ls import ls
from bonefide.config import load
from bonefide.errors import UnknownNameError

KINDS = {
    "papers": "ctrgcn",
    "recipes": "ctrgcn/nwucla",
    "encoders": "ctrgcn",
    "methods": "supervised",
    "transforms": "crop_resize",
    "datasets": "nwucla",
    "layouts": "ucla20",
}


@pytest.mark.parametrize(("what", "name"), KINDS.items())
def test_everything_can_be_listed(what: str, name: str) -> None:
    table = call(ls, what).stdout
    assert [line for line in table.splitlines() if line.startswith(f"{name} ")]
    rows = json.loads(call(ls, what, "--json").stdout)
    assert rows[name]
    assert json.loads(call(ls, what, name, "--json").stdout) == {name: rows[name]}
    one = call(ls, what, name).stdout.splitlines()
    assert one[0] == name
    assert [line.split(":")[0].strip() for line in one[1:]] == list(rows[name])


def test_a_row_is_a_line_where_nobody_looks() -> None:
    assert len(call(ls, "recipes").stdout.splitlines()) == len(load.names()) + 1


def test_recipes_are_listed_by_default() -> None:
    assert list(json.loads(call(ls, "--json").stdout)) == list(load.names())


def test_papers_are_papers() -> None:
    papers = json.loads(call(ls, "papers", "--json").stdout)
    assert papers["ctrgcn"]["name"] == "CTR-GCN"
    assert "without_paper" not in papers


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("encoder",), "things to list: no 'encoder'; did you mean 'encoders'"),
        (("encoders", "ctrgn"), "encoders: no 'ctrgn'; did you mean 'ctrgcn'"),
        (("datasets", "ntu-60"), "datasets: no 'ntu-60'; did you mean 'ntu60'"),
    ],
)
def test_unknown_names(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        call(ls, *arguments)
