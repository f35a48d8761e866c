# SPDX-License-Identifier: Apache-2.0
"""Runs every fixture through the check that claims its name. Checks are the `CHECKS` of `checks_*.py`.

A fixture no check claims is a failure, unless `not_yet.py` lists it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path

import not_yet
import numpy as np
import pytest
from fixture import Fixture

import bonefide

HERE = Path(__file__).resolve().parent
PACKAGE = Path(bonefide.__file__).parent
KNOWN = (HERE / "known_fixtures.txt").read_text(encoding="utf-8").split()

Check = Callable[[Fixture], None]


def _checks() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for path in sorted(HERE.glob("checks_*.py")):
        for prefix, check in importlib.import_module(path.stem).CHECKS.items():
            if prefix in found:
                raise ValueError(f"{path.name}: '{prefix}' is claimed by another file of checks already")
            found[prefix] = check
    return found


def _longest(name: str, prefixes: Iterable[str]) -> str | None:
    return max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)


def _run(fixture: Fixture, checks: dict[str, Check], waiting: dict[str, str]) -> None:
    claim = _longest(fixture.name, checks)
    if claim is not None:
        checks[claim](fixture)
    elif (prefix := _longest(fixture.name, waiting)) is not None:
        pytest.skip(f"not yet covered: waits for {waiting[prefix]}")
    else:
        pytest.fail(
            f"no check claims {fixture.path}: write one in tests/golden/checks_<topic>.py and add the beginning of the "
            f"name to its CHECKS, or, if the part is not built, list it in tests/golden/not_yet.py"
        )


CHECKS = _checks()


def test_fixture(golden: Fixture) -> None:
    _run(golden, CHECKS, not_yet.FIXTURES)


@pytest.mark.parametrize("name", sorted(not_yet.ARRAYS))
def test_arrays_left_out(name: str) -> None:
    arrays = Fixture(HERE / f"{name}.npz").arrays
    for prefix in not_yet.ARRAYS[name]:
        left_out = [array for array in arrays if array.startswith(prefix)]
        assert left_out, f"{name} has no array '{prefix}...': drop the line from tests/golden/not_yet.py"
    pytest.skip(f"not yet covered: {', '.join(f'{key}... ({file})' for key, file in not_yet.ARRAYS[name].items())}")


@pytest.mark.parametrize("prefix", sorted(not_yet.FIXTURES))
def test_not_yet_lists_known_unclaimed_fixtures_only(prefix: str) -> None:
    waiting = [name for name in KNOWN if name.startswith(prefix)]
    assert waiting, (
        f"'{prefix}' is the beginning of no known fixture: correct it, or add the names to known_fixtures.txt"
    )
    unclaimed = [name for name in waiting if _longest(name, CHECKS) is None]
    assert unclaimed, f"every fixture '{prefix}...' has a check now: drop the line from tests/golden/not_yet.py"


@pytest.mark.parametrize(
    "file", sorted({*not_yet.FIXTURES.values(), *(f for a in not_yet.ARRAYS.values() for f in a.values())})
)
def test_what_is_built_is_not_listed_as_not_yet(file: str) -> None:
    listed = [prefix for prefix, waits_for in not_yet.FIXTURES.items() if waits_for == file]
    listed += [name for name, arrays in not_yet.ARRAYS.items() if file in arrays.values()]
    assert not (PACKAGE / file).exists(), (
        f"{file} is built: check {', '.join(listed)} in tests/golden/checks_*.py and drop the lines from not_yet.py"
    )


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_fixture_is_claimed_or_waited_for(name: str) -> None:
    assert _longest(name, [*CHECKS, *not_yet.FIXTURES]) is not None, (
        f"fixture {name} would fail: no check claims it and tests/golden/not_yet.py does not list it"
    )


def _made_up(folder: Path, name: str) -> Fixture:
    path = folder / f"{name}.npz"
    np.savez(path, meta='{"tolerance": "exact"}', **{"output/x": np.arange(3)})
    return Fixture(path, {"nwucla": folder / "absent.zip"})


def test_the_longest_claim_wins(tmp_path: Path) -> None:
    called: list[str] = []
    checks: dict[str, Check] = {"a_": lambda _: called.append("short"), "a_b": lambda _: called.append("long")}
    _run(_made_up(tmp_path, "a_bc"), checks, {"a_": "x.py"})
    assert called == ["long"]


def test_an_unclaimed_fixture_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="no check claims"):
        _run(_made_up(tmp_path, "new_thing"), CHECKS, not_yet.FIXTURES)


def test_a_listed_fixture_is_skipped(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"not yet covered: waits for x\.py"):
        _run(_made_up(tmp_path, "later_thing"), {}, {"later_": "x.py"})


def test_a_fixture_says_what_it_has(tmp_path: Path) -> None:
    fixture = _made_up(tmp_path, "a")
    assert fixture.meta == {"tolerance": "exact"}
    assert list(fixture.arrays) == ["output/x"]
    assert fixture.arrays["output/x"].tolist() == [0, 1, 2]
    with pytest.raises(KeyError, match="has no 'output/y'; it has output/x"):
        fixture.arrays["output/y"]
    with pytest.raises(pytest.fail.Exception, match=r"needs b\.zip beside it"):
        fixture.sibling("b.zip")
    with pytest.raises(pytest.skip.Exception, match="--nwucla or BONEFIDE_NWUCLA"):
        fixture.real_archive("nwucla")
