# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import CONTENT, tiny_recipe

from bonefide.config import load
from bonefide.config.recipe import Recipe
from bonefide.errors import RecipeError, UnknownNameError

NESTEROV = {"name": "sgd", "lr": 1, "momentum": 0, "nesterov": True}
BETAS = {"name": "adam", "lr": 1, "betas": [0.9, 1.5]}


def write(folder: Path, name: str, content: Any) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return file


def faults(name: str | Path, **settings: Any) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load.recipe(name, set={key.replace("__", "."): value for key, value in settings.items()})
    return list(caught.value.faults)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_recipe(tmp_path, name="base")


def test_names_are_experiments_not_their_bases() -> None:
    assert "ctrgcn/nwucla" in load.names()
    assert not [name for name in load.names() if name.rsplit("/", 1)[1].startswith("base")]


@pytest.mark.parametrize("name", ["ctrgcn/nwulca", "ctrgcn/nwucla.yml", "../pyproject", "", "/etc/passwd"])
def test_unknown_recipes(name: str) -> None:
    with pytest.raises(UnknownNameError, match="recipe"):
        load.recipe(name)


def test_did_you_mean_another_recipe() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ctrgcn/nwucla'"):
        load.recipe("ctrgcn/nwulca")


def test_a_file_of_ones_own_has_the_name_of_the_file(base: Path) -> None:
    assert load.recipe(base).name == load.recipe(str(base)).name == "base"
    with pytest.raises(UnknownNameError, match=r"recipe files: no .*bsae\.yaml'; did you mean .*base\.yaml"):
        load.recipe(base.with_name("bsae.yaml"))


def test_mappings_merge_and_all_else_is_replaced(base: Path) -> None:
    above = {
        "extends": "base",
        "data": {"train": [{"name": "modality", "stream": "bone"}]},
        "training": {"optimizer": {"lr": 0.3}},
    }
    found = load.recipe(write(base.parent, "above", above))
    assert [each.name for each in found.data.train] == ["modality"]
    assert [each.name for each in found.data.test] == ["sample_frames", "modality"]
    assert (found.training.optimizer.lr, found.training.optimizer.weight_decay) == (0.3, 0.001)
    assert found.data.batch_size == 4


def test_a_mapping_whose_name_changes_starts_afresh(base: Path) -> None:
    above = {"extends": "base", "training": {"optimizer": {"name": "adam", "lr": 0.3}}}
    found = load.recipe(write(base.parent, "above", above)).training.optimizer
    assert (found.name, found.lr, found.weight_decay) == ("adam", 0.3, 0.0)
    same = {"extends": "base", "training": {"optimizer": {"name": "sgd", "lr": 0.3}}}
    assert load.recipe(write(base.parent, "same", same)).training.optimizer.weight_decay == 0.001


@pytest.mark.parametrize("how", ["base", "base.yaml"])
def test_extends_finds_what_lies_beside(base: Path, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load.recipe(write(base.parent, "above", {"extends": how})).training.epochs == 3


def test_extends_finds_a_recipe_of_the_package(tmp_path: Path) -> None:
    file = write(tmp_path, "mine", {"extends": "ctrgcn/base", "data": CONTENT["data"], "training": {"epochs": 2}})
    found = load.recipe(file)
    assert (found.training.epochs, found.name) == (2, "mine")
    assert found.encoder == load.recipe("ctrgcn/nwucla").encoder


def test_extends_reaches_one_level(base: Path) -> None:
    write(base.parent, "middle", {"extends": "base"})
    assert faults(write(base.parent, "top", {"extends": "middle"})) == [
        "extends: middle itself extends another; one level is allowed"
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ctrgcn/nwulca", "extends: recipes: no"),
        (["base"], "extends: expected the name of one"),
        (3, "extends: expected"),
    ],
)
def test_extends_what_is_not_there(tmp_path: Path, given: object, said: str) -> None:
    assert faults(write(tmp_path, "top", {"extends": given}))[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "not YAML"), ("- a", "a mapping"), ("", "a mapping"), ("a: \xff\x00", "not YAML")]
)
def test_what_is_no_recipe(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(text.encode("latin-1"))
    assert said in faults(file)[0]


def test_misspelt_keys_are_told_all_at_once_at_every_level(base: Path) -> None:
    wrong = {
        "extends": "base",
        "metod": {"name": "supervised"},
        "encoder": {"name": "ctrgcn", "base_chanels": 8},
        "data": {"batchsize": 3, "validation": {"shares": 0.1}, "train": [{"name": "crop_resize", "frams": 9}]},
        "training": {
            "epoch": 3,
            "optimizer": {"momentun": 0.9},
            "schedule": {"name": "step", "step": [3], "steps": [3]},
        },
        "enssemble": {},
    }
    found = faults(write(base.parent, "wrong", wrong))
    assert sorted(found) == sorted(
        [
            "metod: not a key; did you mean 'method'?",
            "data.batchsize: not a key; did you mean 'batch_size'?",
            "data.validation.shares: not a key; did you mean 'share'?",
            "training.epoch: not a key; did you mean 'epochs'?",
            "training.optimizer.momentun: not a key; did you mean 'momentum'?",
            "training.schedule.step: not a key; did you mean 'steps'?",
            "enssemble: not a key; did you mean 'ensemble'?",
            "encoders.ctrgcn.base_chanels: not an option; did you mean 'base_channels'?",
            "transforms.crop_resize.frams: not an option; did you mean 'frames'?",
            "transforms.crop_resize.frames: is missing",
        ]
    )


def test_a_missing_component_and_a_misspelt_key_together(base: Path) -> None:
    found = faults(base, encoder={"name": "ctrgn"}, training__epoch=3)
    assert found == [
        "training.epoch: not a key; did you mean 'epochs'?",
        "encoders: no 'ctrgn'; did you mean 'ctrgcn'?",
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"training__epochs": "many"}, "training.epochs: input should be a valid integer"),
        ({"training__epochs": 0}, "training.epochs: input should be greater than or equal to 1, got 0"),
        ({"training__optimizer__lr": -1}, "training.optimizer.lr: input should be greater than 0, got -1"),
        ({"data__stream": "bones"}, "data.stream: input should be 'joint', 'bone', 'joint_motion' or 'bone_motion'"),
        ({"training__optimizer": {"name": "agd", "lr": 1}}, "training.optimizer.name: no 'agd'; did you mean 'sgd'?"),
        ({"training__schedule": {"name": "linear"}}, "training.schedule.name: no 'linear'; there are: constant, step"),
        ({"training__schedule": {"steps": [3]}}, "training.schedule.name: is missing"),
        ({"training__schedule": {"name": "step"}}, "training.schedule.steps: is missing"),
        ({"data__train": [{"frames": 3}]}, "data.train.0.name: is missing"),
        ({"runs": {}}, "runs must name at least one run"),
        ({"ensemble": {"joint": 1}}, "ensemble names joint, which is no run of this recipe"),
        ({"published": {"bone": 90}}, "published names bone, which is no run of this recipe"),
        ({"training__select": "validation"}, "training.select: validation needs data.validation"),
        ({"training__freeze": {"encoder": 0}}, "training.freeze.encoder: input should be greater than or equal to 1"),
        ({"training__freeze": {"encoder": "ever"}}, "training.freeze.encoder: input should be 'always', got 'ever'"),
        ({"training__optimizer": NESTEROV}, "training.optimizer: nesterov needs a momentum above 0"),
        ({"training__optimizer": BETAS}, "training.optimizer.betas.1: input should be less than 1, got 1.5"),
    ],
)  # fmt: skip
def test_wrong_values_say_what_was_given(base: Path, settings: dict[str, Any], expected: str) -> None:
    found = faults(base, **settings)
    assert [fault for fault in found if fault.startswith(expected)], found


def test_settings(base: Path) -> None:
    found = load.recipe(base, set={"training.epochs": 9, "data.train.0.frames": 5, "encoder.width": 3})
    assert (found.training.epochs, found.encoder.options) == (9, {"width": 3})
    assert [each.options for each in found.data.train] == [{"frames": 5, "random": True}, {}]
    assert load.recipe(base, set={"data.test.1": {"stream": "bone"}}).data.test[1].options == {"stream": "bone"}


def test_setting_another_name_starts_afresh(base: Path) -> None:
    found = load.recipe(base, set={"training.optimizer.name": "adamw", "training.optimizer.lr": 0.1})
    assert found.training.optimizer.model_dump()["weight_decay"] == 0.0
    same = load.recipe(base, set={"training.optimizer.name": "sgd"})
    assert same.training == load.recipe(base).training


def test_settings_that_lead_nowhere_are_told(base: Path) -> None:
    found = faults(base, training__epochs__most=3, data__train__9__frames=3, data__train__last=3, paper__a__b=1)
    assert found == [
        "training.epochs.most: nothing can be set below training.epochs, which is 3",
        "data.train.9.frames: nothing can be set below data.train, which is a list of 2, counted from 0",
        "data.train.last: nothing can be set below data.train, which is a list of 2, counted from 0",
        "paper.a.b: nothing can be set below paper, which is 'ctrgcn'",
    ]


def test_settings_of_a_command_line() -> None:
    assert load.parse_overrides(["a.b=1", " c = [1, x]", "d=", "e=a=b", "f={g: 0.5}"]) == {
        "a.b": 1,
        "c": [1, "x"],
        "d": None,
        "e": "a=b",
        "f": {"g": 0.5},
    }
    with pytest.raises(RecipeError) as caught:
        load.parse_overrides(["training.epochs", "=3", "a=[", "b=1"])
    assert list(caught.value.faults) == [
        "training.epochs: expected key=value, as in training.epochs=10",
        "=3: expected key=value, as in training.epochs=10",
        "a: '[' is not YAML",
    ]


def test_runs_apply_their_settings_and_nothing_else(base: Path) -> None:
    runs = {"joint": {}, "wide": {"data.stream": "bone", "encoder": {"width": 32}, "training.optimizer.lr": 0.5}}
    whole = load.recipe(base, set={"runs": runs})
    wide = load.single_run(whole, "wide", seed=7)
    assert (wide.data.stream, wide.encoder.options["width"], wide.training.optimizer.lr) == ("bone", 32, 0.5)
    assert (wide.training.seed, wide.training.epochs, wide.name) == (7, 3, "base")
    assert load.single_run(whole, "joint").data.stream == "joint"
    assert whole.runs == runs
    with pytest.raises(UnknownNameError, match="runs: no 'bone'; there are: joint, wide"):
        load.single_run(whole, "bone")
    faulty = load.recipe(base, set={"runs": {"bad": {"training.epohs": 3}}})
    with pytest.raises(RecipeError, match=r"run bad does not fit:\n  training.epohs: not a key; did you mean 'epochs'"):
        load.single_run(faulty, "bad")


def test_settings_of_runs_do_not_reach_each_other(base: Path) -> None:
    runs = {"a": {"training.schedule": {"name": "exponential", "gamma": 0.9}, "training.schedule.gamma": 0.5}}
    whole = load.recipe(base, set={"runs": runs})
    load.single_run(whole, "a")
    assert whole.runs["a"]["training.schedule"]["gamma"] == 0.9


@pytest.mark.parametrize("name", load.names())
def test_a_recipe_written_out_is_the_recipe(name: str) -> None:
    whole = load.recipe(name)
    assert Recipe.model_validate(yaml.safe_load(load.dump(whole))) == whole


@pytest.mark.parametrize(
    "change",
    [
        {"training__epochs": 4},
        {"training__optimizer__lr": 0.06},
        {"training__schedule": {"name": "cosine"}},
        {"data__stream": "bone"},
        {"data__batch_size": 5},
        {"data__share": 0.5},
        {"data__train__0__frames": 9},
        {"encoder__width": 16},
        {"method__dropout": 0.5},
        {"training__select": "best_on_test"},
    ],
)
def test_the_digest_changes_with_the_numbers(base: Path, change: dict[str, Any]) -> None:
    changed = load.recipe(base, set={key.replace("__", "."): value for key, value in change.items()})
    assert load.recipe_digest(changed) != load.recipe_digest(load.recipe(base))


def test_the_digest_does_not_change_with_words_and_seeds(base: Path, tmp_path: Path) -> None:
    words = {
        "training.seed": 5,
        "description": "new",
        "source": "table 1",
        "published": {"main": 90},
        "tolerance": 1,
        "ensemble": {"main": 1},
        "runs": {"main": {}, "other": {}},
    }
    assert load.recipe_digest(load.recipe(base, set=words)) == load.recipe_digest(load.recipe(base))
    reordered = dict(reversed(CONTENT.items())) | {"training": dict(reversed(CONTENT["training"].items()))}
    again = load.recipe(write(tmp_path, "other_name", reordered))
    assert load.recipe_digest(again) == load.recipe_digest(load.recipe(base))
