# SPDX-License-Identifier: Apache-2.0
"""Trainings that start from the weights of another."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import CONTENT, loaded, tiny_recipe

from bonefide.config import load
from bonefide.config.build import build_data, build_method
from bonefide.config.load import recipe_digest
from bonefide.config.recipe import Recipe, StartRecipe
from bonefide.data.store import SkeletonStore
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.errors import RecipeError, RunError
from bonefide.evaluation.audit import load_card
from bonefide.layers.position import resize_times
from bonefide.layouts import layout
from bonefide.methods.linear_probe import LinearProbe
from bonefide.run import Run
from bonefide.training.fit import plan_runs, train_run
from bonefide.training.parallel import train
from bonefide.training.start import located, start

FIRST = {"recipe": "first", "run": "main"}


def chained(folder: Path, **settings: object) -> Recipe:
    return loaded(folder, name="second", start_from=FIRST, training__seed=5, **settings)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, store: SkeletonStore) -> Path:
    """A folder of runs in which `first` is trained with its own seed and with seed 1."""
    place = tmp_path_factory.mktemp("start")
    first = loaded(place / "recipes", name="first")
    train(first, store=store, out=place / "runs", device="cpu")
    train(first, store=store, out=place / "runs", seeds=[1], device="cpu")
    return place / "runs"


def encoder_of(run: Run) -> dict[str, torch.Tensor]:
    weights = load_file(run.weights_file)
    return {name: value for name, value in weights.items() if name.startswith("encoder.")}


def test_the_encoder_is_taken_and_the_head_is_fresh(tmp_path: Path, store: SkeletonStore, out: Path) -> None:
    ((recipe, name, folder),) = plan_runs(chained(tmp_path, training__freeze={"encoder.": "always"}), out)
    run = train_run(recipe, name, folder, store=store, device="cpu")
    before, after = encoder_of(Run(out / "first" / "main")), encoder_of(run)
    learned = [key for key in before if "norm.running" not in key and "num_batches" not in key]
    assert learned
    assert all(torch.equal(before[key], after[key]) for key in learned)
    heads = [load_file(each.weights_file)["head.weight"] for each in (run, Run(out / "first" / "main"))]
    assert not torch.equal(*heads)
    told = load_card(run.report_file).start
    assert (told["recipe"], told["run"], told["seed"], told["part"]) == ("first", "main", 0, "encoder")
    assert told["sha256"] == hashlib.sha256((out / "first/main/weights.safetensors").read_bytes()).hexdigest()
    assert train_run(*plan_runs(recipe, out)[0], store=store, device="cpu").finished, "as it is"


def test_the_run_of_the_same_seed_comes_first(tmp_path: Path, out: Path) -> None:
    plans = plan_runs(chained(tmp_path), out, seeds=[1, 2])
    found = [recipe.start_from.path for recipe, _, _ in plans if recipe.start_from]
    assert [Path(path or "").name for path in found] == ["main.seed1", "main"]


def test_where_the_weights_lie_decides_no_digest_but_whose_they_are_does(tmp_path: Path, out: Path) -> None:
    recipe = chained(tmp_path)
    ((planned, _, _),) = plan_runs(recipe, out)
    assert recipe_digest(planned) == recipe_digest(recipe)
    other = recipe.model_copy(update={"start_from": StartRecipe(recipe="third")})
    plain = recipe.model_copy(update={"start_from": None})
    assert len({recipe_digest(each) for each in (recipe, other, plain)}) == 3


def test_weights_may_be_named_instead(tmp_path: Path, store: SkeletonStore, out: Path) -> None:
    own = tmp_path / "own.safetensors"
    save_file({"encoder.norm.weight": torch.full((3,), 7.0)} | {
        key: value for key, value in load_file(out / "first/main/weights.safetensors").items()
        if key not in {"encoder.norm.weight", "head.weight", "head.bias"}
    }, own)  # fmt: skip
    ((recipe, *_),) = plan_runs(loaded(tmp_path), tmp_path / "runs", start_from=own)
    method = build_method(recipe, build_data(recipe, store))
    assert recipe.start_from is not None
    start(method, recipe.start_from)
    assert (method.get_parameter("encoder.norm.weight") == 7).all()
    # Runs that start from nothing stay so where others start from something.
    runs = {"scratch": {"start_from": None}, "main": {}}
    plans = plan_runs(load.recipe(tiny_recipe(tmp_path, runs=runs, start_from=FIRST)), tmp_path, start_from=own)
    assert [recipe.start_from and recipe.start_from.path for recipe, _, _ in plans] == [None, str(own)]


def test_another_start_is_another_run(tmp_path: Path, store: SkeletonStore, out: Path) -> None:
    place = tmp_path / "runs"
    paths = [out / "first/main", out / "first/main.seed1"]
    train(chained(tmp_path), store=store, out=place, start_from=paths[0], device="cpu")
    with pytest.raises(RunError, match="started from other weights; give another --out"):
        train(chained(tmp_path), store=store, out=place, start_from=paths[1], device="cpu")


def test_what_is_not_there_is_told_before_anything_is_trained(tmp_path: Path, store: SkeletonStore, out: Path) -> None:
    with pytest.raises(RunError, match=r"it starts from first, run main, and .* holds no finished run; train that fir"):
        plan_runs(chained(tmp_path), tmp_path)
    with pytest.raises(RunError, match="no weights to start from; give the folder of a finished run"):
        plan_runs(chained(tmp_path), out, start_from=tmp_path / "absent")
    with pytest.raises(RunError, match="whose place is not known"):
        train_run(chained(tmp_path), "main", tmp_path / "run", store=store, device="cpu")


def _method(recipe: Recipe, store: SkeletonStore):  # type: ignore[no-untyped-def]
    return build_method(recipe, build_data(recipe, store))


def test_weights_of_another_network_are_refused(tmp_path: Path, store: SkeletonStore, out: Path) -> None:
    wider = _method(loaded(tmp_path, encoder__width=9), store)
    asked = StartRecipe(path=str(out / "first/main"))
    with pytest.raises(RunError, match=r"it has embed.bias as \(8,\) instead of \(9,\) and differs in 1 more"):
        start(wider, asked)
    method = _method(loaded(tmp_path), store)
    with pytest.raises(
        RunError, match=r"start_from\.part: Supervised has no 'coder'; it has encoder, dropout, head and wh"
    ):
        start(method, asked.model_copy(update={"part": "coder"}))
    own = tmp_path / "own.safetensors"
    save_file({"encoder.norm.weight": torch.ones(3), "encoder.strange": torch.ones(1)}, own)
    with pytest.raises(RunError, match=r"it lacks norm\.bias and differs in"):
        start(method, StartRecipe(path=str(own)))
    with pytest.raises(RunError, match="it has strange besides"):
        start(method, StartRecipe(path=str(own), fresh=("norm", "embed")))
    with pytest.raises(RunError, match="there is no such part in these weights"):
        start(method, StartRecipe(path=str(own), part="head"))
    own.write_text("no weights")
    with pytest.raises(RunError, match="it is no file of weights"):
        start(method, StartRecipe(path=str(own)))


def test_the_whole_of_a_method_but_what_may_stay_fresh(tmp_path: Path, store: SkeletonStore, out: Path) -> None:
    method = _method(loaded(tmp_path), store)
    head = method.get_parameter("head.weight").detach().clone()
    weights = load_file(out / "first/main/weights.safetensors")
    own = tmp_path / "own.safetensors"
    save_file({key: value for key, value in weights.items() if not key.startswith("head.")}, own)
    start(method, StartRecipe(path=str(own), part="whole", fresh=("head.",)))
    assert torch.equal(method.get_parameter("head.weight"), head)
    assert torch.equal(method.get_parameter("encoder.embed.weight"), weights["encoder.embed.weight"])


def test_a_recipe_must_say_whose(tmp_path: Path) -> None:
    assert "start_from" not in CONTENT
    with pytest.raises(RecipeError, match=r"start_from: .*must name a recipe, or the path"):
        loaded(tmp_path, start_from={"part": "encoder"})


def test_nothing_is_looked_for_without_a_start(tmp_path: Path) -> None:
    recipe = loaded(tmp_path)
    assert located(recipe, tmp_path) is recipe
    assert json.loads(recipe.model_dump_json())["start_from"] is None


def test_vectors_of_times_are_interpolated_for_clips_of_another_length(tmp_path: Path) -> None:
    long, short = (
        MaskedTransformer(layout("ucla20"), 3, frames=frames, width=8, depth=1, heads=1) for frames in (32, 16)
    )
    with torch.no_grad():
        long.position.times.copy_(torch.arange(8.0).unsqueeze(1).expand(-1, 8))
    own = tmp_path / "own.safetensors"
    save_file({f"encoder.{name}": value.contiguous() for name, value in long.state_dict().items()}, own)
    method = LinearProbe(short, 3)
    start(method, StartRecipe(path=str(own)))
    assert torch.equal(short.embed.weight, long.embed.weight)
    assert short.position.times[:, 0].tolist() == pytest.approx(resize_times(long.position.times, 4)[:, 0].tolist())
