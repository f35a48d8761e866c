# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy

import pytest
from pydantic import ValidationError
from tiny import CONTENT

from bonefide.config.recipe import Component, Recipe


def test_recipes_are_frozen() -> None:
    recipe = Recipe.model_validate(CONTENT)
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.epochs = 3  # type: ignore[misc]


def test_defaults_are_honest() -> None:
    recipe = Recipe.model_validate(CONTENT)
    assert (recipe.training.select, recipe.data.validation, recipe.runs) == ("last", None, {"main": {}})
    assert (recipe.published, recipe.ensemble) == ({}, {})


def test_options_of_a_component_are_all_but_its_name() -> None:
    asked = Component.model_validate({"name": "net", "width": 3, "keep": [1, 2]})
    assert asked.options == {"width": 3, "keep": [1, 2]}
    asked.options["width"] = 4
    assert asked.options["width"] == 3


def test_what_is_given_is_left_alone() -> None:
    content = copy.deepcopy(CONTENT)
    Recipe.model_validate(content)
    assert content == CONTENT


def test_published_may_name_runs_and_the_ensemble() -> None:
    known = {"runs": {"joint": {}}, "ensemble": {"joint": 1}, "published": {"joint": 90, "ensemble": 91}}
    assert Recipe.model_validate(CONTENT | known).published["ensemble"] == 91


def test_a_recipe_may_fuse_its_runs_in_several_ways() -> None:
    runs = {"runs": {"joint": {}, "bone": {}}, "ensembles": {"both": {"joint": 0.6, "bone": 0.4}}}
    recipe = Recipe.model_validate(CONTENT | runs | {"ensemble": {"joint": 1}, "published": {"both": 92}})
    assert recipe.fusions == {"ensemble": {"joint": 1.0}, "both": {"joint": 0.6, "bone": 0.4}}
    assert Recipe.model_validate(CONTENT | runs).fusions == runs["ensembles"]
    assert Recipe.model_validate(CONTENT).fusions == {}


@pytest.mark.parametrize(
    ("ensembles", "said"),
    [
        ({"both": {"joint": 1, "bones": 1}}, "ensembles.both names bones, which is no run"),
        ({"ensemble": {"joint": 1}}, "ensembles names ensemble, which is taken"),
        ({"joint": {"joint": 1}}, "ensembles names joint, which is taken"),
    ],
)
def test_further_ensembles_fit(ensembles: dict[str, dict[str, float]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate(CONTENT | {"runs": {"joint": {}}, "ensembles": ensembles})
