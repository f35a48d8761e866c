# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bonefide.config.components import check_recipe, component, component_faults, create, names
from bonefide.config.recipe import Component, Recipe
from bonefide.errors import BonefideError, RecipeError, UnknownNameError
from bonefide.layouts import layout

sys.path.insert(0, str(Path(__file__).parent))

import own_parts
from tiny import CONTENT


def asked(name: str, **options: object) -> Component:
    return Component.model_validate({"name": name, **options})


def test_names_are_files() -> None:
    assert names("encoders")
    for folder in ("encoders", "methods", "transforms"):
        for name in names(folder):
            assert component(folder, name).__name__.lower() == name.replace("_", "")


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match="encoders: no 'ctrgn'; did you mean 'ctrgcn'"):
        component("encoders", "ctrgn")
    with pytest.raises(UnknownNameError, match="methods: no 'ctrgcn'"):
        create("methods", asked("ctrgcn"), {})
    with pytest.raises(UnknownNameError):
        component("encoders", "_encoder")


@pytest.mark.parametrize(
    "name", ["no_such_module:Net", "own_parts:Missing", ":Net", "own_parts:", "own_parts:Strict:x"]
)
def test_parts_from_outside_that_are_not_there(name: str) -> None:
    with pytest.raises(BonefideError, match=r"transforms: cannot import .* put its folder on PYTHONPATH"):
        component("transforms", name)


def test_parts_from_outside() -> None:
    made = create("transforms", asked("own_parts:Strict", size=3, keep=[0, 1]), {"layout": "given", "stream": "bone"})
    assert isinstance(made, own_parts.Strict)
    assert (made.layout, made.size, made.keep) == ("given", 3, (0.0, 1.0))


def test_without_annotations_values_are_taken_as_they_are() -> None:
    made = create("transforms", asked("own_parts:Loose", factor=[1, "two"], steps=[3]), {})
    assert (made.factor, made.steps, made.more) == ([1, "two"], [3], {})


def test_what_the_recipe_says_goes_before_what_the_engine_gives() -> None:
    made = create(
        "transforms", asked("modality", stream="joint_motion"), {"stream": "bone", "layout": layout("ucla20")}
    )
    assert made.stream == "joint_motion"


def test_all_faults_of_a_part_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        create("transforms", asked("own_parts:Strict", sise=3, keep=[0.5, "much"], mode=4), {})
    assert list(caught.value.faults) == [
        "transforms.own_parts:Strict.sise: not an option; did you mean 'size'?",
        "transforms.own_parts:Strict.keep: input should be a valid number, unable to parse string as a number, "
        "got 'much'",
        "transforms.own_parts:Strict.mode: input should be a valid string, got 4",
        "transforms.own_parts:Strict.size: is missing",
    ]


def test_the_message_of_the_architecture() -> None:
    with pytest.raises(RecipeError) as caught:
        create("encoders", asked("ctrgcn", strategy="spatia", base_chanels=3), {})
    strategy, channels = caught.value.faults
    assert strategy.startswith("encoders.ctrgcn.strategy: input should be ")
    assert strategy.endswith("got 'spatia'")
    assert channels == "encoders.ctrgcn.base_chanels: not an option; did you mean 'base_channels'?"


def test_a_whole_recipe_is_checked() -> None:
    content = {
        **CONTENT,
        "encoder": {"name": "ctrgn"},
        "method": {"name": "supervised", "dropuot": 0.1},
        "data": {**CONTENT["data"], "train": [{"name": "crop_resize", "frmes": 3}, {"name": "modality"}]},
    }
    with pytest.raises(RecipeError) as caught:
        check_recipe(Recipe.model_validate(content))
    assert [fault.split(";")[0] for fault in caught.value.faults] == [
        "encoders: no 'ctrgn'",
        "methods.supervised.dropuot: not an option",
        "transforms.crop_resize.frmes: not an option",
        "transforms.crop_resize.frames: is missing",
    ]


@pytest.mark.parametrize(
    "content",
    [{}, {"encoder": "ctrgcn"}, {"encoder": {"name": 3}}, {"data": []}, {"data": {"train": "x", "test": [3, {1: 2}]}}],
)
def test_what_is_no_component_is_passed_over(content: dict[str, object]) -> None:
    assert component_faults(content) == []
