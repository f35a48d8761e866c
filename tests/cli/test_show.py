# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from calling import call
from tiny import tiny_recipe

from bonefide.cli.show import show
from bonefide.config import load
from bonefide.config.recipe import Recipe
from bonefide.errors import RecipeError, UnknownNameError


def test_every_default_is_written_out() -> None:
    said = yaml.safe_load(call(show, "ctrgcn/nwucla").stdout)
    assert Recipe.model_validate(said) == load.recipe("ctrgcn/nwucla")
    assert said["training"]["test_every"] == 1
    assert json.loads(call(show, "ctrgcn/nwucla", "--json").stdout) == said


def test_settings_and_a_run_are_applied() -> None:
    said = call(show, "ctrgcn/nwucla", "--run", "bone", "--set", "training.epochs=3", "--set", "data.repeat=2").stdout
    found = yaml.safe_load(said)
    assert (found["data"]["stream"], found["training"]["epochs"], found["data"]["repeat"]) == ("bone", 3, 2)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    assert yaml.safe_load(call(show, tiny_recipe(tmp_path)).stdout)["name"] == "tiny"


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        call(
            show,
            tiny_recipe(tmp_path),
            "--set",
            "encoder.widht=3",
            "--set",
            "trainig.epochs=3",
            "--set",
            "data.stream=x",
        )
    assert len(caught.value.faults) == 3
    with pytest.raises(UnknownNameError, match="runs: no 'bone'; there are: main"):
        call(show, tiny_recipe(tmp_path), "--run", "bone")
    with pytest.raises(RecipeError, match="expected key=value"):
        call(show, tiny_recipe(tmp_path), "--set", "training.epochs")
