# SPDX-License-Identifier: Apache-2.0
"""What every recipe keeps: it loads, fits, and each of its runs trains."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny import tiny_store

import bonefide
from bonefide.config import load
from bonefide.config.build import build_data, build_method
from bonefide.config.components import check_recipe, component
from bonefide.config.recipe import Recipe
from bonefide.data import datasets
from bonefide.data.loader import loader
from bonefide.data.store import SkeletonStore
from bonefide.training.optimizers import build_optimizer

FOLDER = Path(bonefide.__file__).parent / "recipes"
FILES = sorted(FOLDER.rglob("*.yaml"))
RECIPES = [file.relative_to(FOLDER).with_suffix("").as_posix() for file in FILES if not file.stem.startswith("base")]
NUMBER = 271
"""How many there are; change it with the recipe that is added or removed."""
SMALLER = {"base_channels": 8, "base_width": 4, "heads": 1, "width": 16, "depth": 1}
"""Options by name that make an encoder small, where its constructor has them."""
SMALLER_METHOD = {
    "attributes": 8,
    "width": 16,
    "decoder_depth": 1,
    "decoder_width": 16,
    "hidden": 16,
    "queue": 8,
    "hidden_frames": 2,
    # Small stores have no exemplar of each class.
    "anchors": "text",
}
"""The same of a method."""

every = pytest.mark.parametrize("name", RECIPES)


def test_all_are_found_and_none_is_lost() -> None:
    assert list(load.names()) == RECIPES
    assert len(RECIPES) == NUMBER


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(FOLDER).as_posix())
def test_files_say_what_they_are(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# ")
    assert file.parent.parent == FOLDER, "paper/experiment.yaml"


@every
def test_it_fits(name: str) -> None:
    recipe = load.recipe(name)
    for run in recipe.runs:
        check_recipe(load.single_run(recipe, run))
    info = datasets.info(recipe.data.dataset)
    # The protocols of one's own data come from their table; without one for a split there is `random`.
    assert recipe.data.protocol in (info.protocols or {"random"})
    assert recipe.name == name
    assert recipe.paper == name.split("/", maxsplit=1)[0]
    assert recipe.paper in yaml.safe_load((FOLDER.parent / "papers.yaml").read_text(encoding="utf-8"))["papers"]
    assert recipe.description
    assert not recipe.published or recipe.source, "say where the published numbers stand"
    assert recipe.training.select != "best_on_test"


def _apart() -> list[tuple[str, str]]:
    """The runs that differ in more than the stream, how many samples, which classes, and the weights to start from."""
    found: dict[str, tuple[str, str]] = {}
    for name in RECIPES:
        whole = load.recipe(name)
        # Rehearsals, which need more samples than there are, differ from what they rehearse in the samples alone.
        for run in sorted(whole.runs, key=lambda name: load.single_run(whole, name).data.rehearsal):
            one = load.single_run(whole, run)
            alike = {"stream": "joint", "share": 1.0, "share_by": "sample", "share_seed": None, "repeat": 1}
            alike |= {"classes": None if one.data.classes is None else "some", "rehearsal": False}
            data = one.data.model_copy(update=alike)
            found.setdefault(repr((one.encoder, one.method, data, one.training)), (name, run))
    return list(found.values())


def test_without_and_with_csre_differ_in_the_method_alone() -> None:
    pairs = 0
    for name in RECIPES:
        whole = load.recipe(name)
        for run in whole.runs:
            if whole.paper != "csre" or not run.startswith("csre"):
                continue
            without = "plain" if run == "csre" else run.removeprefix("csre_")
            plain, enhanced = load.single_run(whole, without), load.single_run(whole, run)
            assert (plain.encoder, plain.data, plain.training) == (enhanced.encoder, enhanced.data, enhanced.training)
            assert (plain.method.name, enhanced.method.name) == ("supervised", "csre")
            assert plain.method.options == enhanced.method.options
            pairs += 1
    # Five encoders in five settings and four streams, and two small ones.
    assert pairs == 5 * 5 * 4 + 2


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SkeletonStore]:
    found: dict[str, SkeletonStore] = {}
    for name in RECIPES:
        data = load.recipe(name).data
        key = f"{data.dataset}.{data.preparation}"
        if key not in found:
            persons = 2 if "ntu" in datasets.info(data.dataset).preparations else 1
            folder = tmp_path_factory.mktemp("stores") / key
            found[key] = tiny_store(folder, data.dataset, count=16, persons=persons, preparation=data.preparation)
    return found


def _small(recipe: Recipe) -> Recipe:
    changes: dict[str, Any] = {}
    for folder, part, smaller in (("encoders", "encoder", SMALLER), ("methods", "method", SMALLER_METHOD)):
        options = inspect.signature(component(folder, getattr(recipe, part).name)).parameters
        changes |= {f"{part}.{key}": value for key, value in smaller.items() if key in options}
    changes |= {"data.batch_size": 4, "training.epochs": 1, "data.repeat": 1}
    runs = recipe.runs | {"small": changes}
    return load.single_run(recipe.model_copy(update={"runs": runs}), "small")


@pytest.mark.parametrize(("name", "run"), _apart())
def test_runs_take_two_steps(name: str, run: str, stores: dict[str, SkeletonStore]) -> None:
    recipe = _small(load.single_run(load.recipe(name), run))
    check_recipe(recipe)
    torch.manual_seed(0)
    data = build_data(recipe, stores[f"{recipe.data.dataset}.{recipe.data.preparation}"])
    method = build_method(recipe, data)
    before = {key: value.clone() for key, value in method.named_parameters()}
    optimizer = build_optimizer(method, recipe.training.optimizer)
    batches = iter(loader(data.train, batch_size=4, shuffle=True))
    for _ in range(2):
        optimizer.zero_grad()
        losses = method.losses(next(batches))
        total = torch.stack(list(losses.values())).sum()
        assert total.isfinite()
        total.backward()
        optimizer.step()
    learns = {key for key, value in method.named_parameters() if value.grad is not None}
    moved = {key for key, value in method.named_parameters() if not torch.equal(value, before[key])}
    assert len(learns & moved) > len(learns) // 2
    with torch.inference_mode():
        outputs = method.eval().outputs(next(iter(loader(data.test, batch_size=4))))
    if method.judged_by_neighbors:
        assert outputs.embedding is not None
        assert outputs.embedding.shape == (4, method.encoder.out_channels)
        return
    assert method.decide(outputs).shape == (4, len(data.classes))
