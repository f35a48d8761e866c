# SPDX-License-Identifier: Apache-2.0
"""Messages say what was given, what there is, and the likely fix; each kind has its exit code."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefide import errors
from bonefide.errors import BonefideError, RawFileError, RecipeError, UnknownNameError, did_you_mean

KINDS = [kind for name in errors.__all__ if inspect.isclass(kind := getattr(errors, name))]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_caught_as_one_and_ends_with_a_failure(kind: type[BonefideError]) -> None:
    assert issubclass(kind, BonefideError)
    assert 1 <= kind.exit_code <= 5


def test_exit_codes() -> None:
    codes = {kind.__name__: kind.exit_code for kind in KINDS}
    assert codes == {
        "BonefideError": 1,
        "DataError": 3,
        "InstallationError": 5,
        "OutputError": 4,
        "RawFileError": 3,
        "RecipeError": 2,
        "RunError": 3,
        "ScoresError": 3,
        "ShapeError": 1,
        "StoreError": 3,
        "UnknownNameError": 2,
    }


def test_shape_errors_are_value_errors_too() -> None:
    with pytest.raises(ValueError, match="25 joints"):
        raise errors.ShapeError("needs 25 joints")


def test_near_names_are_proposed() -> None:
    assert did_you_mean("ctrgn", ["stgcn", "ctrgcn"]) == "; did you mean 'ctrgcn'?"
    assert did_you_mean("walk", ["ctrgcn"]) == ""
    assert did_you_mean("walk", []) == ""


@given(st.text(max_size=8), st.lists(st.text(min_size=1, max_size=8), max_size=5))
def test_only_known_names_are_proposed(name: str, known: list[str]) -> None:
    guess = did_you_mean(name, known)
    assert guess == "" or guess in {f"; did you mean '{each}'?" for each in known}


def test_unknown_name_without_a_near_one_lists_all() -> None:
    error = UnknownNameError("encoders", "xyz", iter(["stgcn", "ctrgcn"]))
    assert str(error) == "encoders: no 'xyz'; there are: ctrgcn, stgcn"
    assert (error.kind, error.name) == ("encoders", "xyz")


def test_unknown_name_where_there_is_none() -> None:
    assert str(UnknownNameError("recipes", "xyz", [])) == "recipes: no 'xyz'"


def test_recipe_error_tells_all_faults() -> None:
    error = RecipeError(["a.b: not an option", "c: missing"], source="ctrgcn/nwucla")
    assert str(error) == "the recipe ctrgcn/nwucla does not fit:\n  a.b: not an option\n  c: missing"
    assert error.faults == ("a.b: not an option", "c: missing")
    assert str(RecipeError(["x"])) == "the recipe does not fit:\n  x"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({}, "too short [truncated]"),
        ({"path": "a.skeleton"}, "a.skeleton: too short [truncated]"),
        ({"path": Path("raw") / "a.skeleton", "line": 12}, f"{Path('raw') / 'a.skeleton'}:12: too short [truncated]"),
    ],
)
def test_raw_file_error_names_the_place(place: dict[str, object], said: str) -> None:
    error = RawFileError("truncated", "too short", **place)  # type: ignore[arg-type]
    assert str(error) == said
    assert error.code == "truncated"
    assert error.path == str(place.get("path", ""))
    assert error.line == place.get("line")


MADE = [
    *(kind("one clear sentence") for kind in KINDS if kind.__init__ is Exception.__init__),
    UnknownNameError("encoders", "ctrgn", ["ctrgcn"]),
    RecipeError(["a: missing", "b: missing"], source="demo"),
    RawFileError("truncated", "too short", path="a.skeleton", line=3),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_errors_travel_between_processes(error: BonefideError) -> None:
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(copied) is type(error)
        assert str(copied) == str(error)
        assert vars(copied) == vars(error)
