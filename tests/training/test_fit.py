# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny import loaded, tiny_store, trained

from bonefide.config.build import build_data, build_method
from bonefide.config.load import single_run
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, InstallationError, OutputError, RecipeError, RunError, UnknownNameError
from bonefide.evaluation import test as testing
from bonefide.evaluation.audit import load_card
from bonefide.evaluation.scores import load_scores
from bonefide.run import Run
from bonefide.training import callbacks
from bonefide.training.fit import plan_runs, train_run
from bonefide.training.seeds import seed_all
from bonefide.writing import hold

CHOOSING = {"data__validation": {"share": 0.5}, "training__epochs": 4}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, store: SkeletonStore) -> Run:
    place = tmp_path_factory.mktemp("finished")
    return trained(loaded(place, training__epochs=12), place / "run", store)


def test_a_run_learns_and_leaves_all_its_files(finished: Run, store: SkeletonStore) -> None:
    assert {file.name for file in finished.folder.iterdir()} == {
        "recipe.yaml", "run.json", "log.csv", "weights.safetensors", "last.ckpt", "scores.npz", "report.json",
        "environment.json",
    }  # fmt: skip
    log = finished.log()
    assert [row["epoch"] for row in log] == list(range(1, 13))
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    card = load_card(finished.report_file)
    assert card.accuracy == pytest.approx(log[-1]["test_top1"])
    assert card.accuracy > 60, "chance is 25"
    assert (card.recipe, card.run, card.seeds, card.selected_on) == ("tiny", "main", (0,), "last")
    with safe_open(finished.weights_file, "pt") as file:
        header = file.metadata()
    assert (header["epoch"], header["select"], header["recipe"]) == ("12", "last", "tiny")
    assert json.loads(header["hashes"]) == finished.facts["hashes"] == load_scores(finished.scores_file).hashes
    assert finished.recipe == single_run(finished.recipe, "main"), "the recipe of a run can be trained again"
    method = build_method(finished.recipe, build_data(finished.recipe, store))
    assert finished.facts["parameters"] == sum(each.numel() for each in method.parameters())


def test_testing_again_gives_the_same_scores(finished: Run, store: SkeletonStore) -> None:
    again = testing.test(finished, store=store, batch_size=5)
    there = load_scores(finished.scores_file)
    torch.testing.assert_close(torch.tensor(again.values), torch.tensor(there.values), rtol=1e-5, atol=1e-5)
    assert again.hashes == there.hashes


def test_a_finished_run_is_returned_at_once(finished: Run, store: SkeletonStore) -> None:
    before = {file: file.stat().st_mtime_ns for file in finished.folder.iterdir()}
    run = train_run(finished.recipe, "main", finished.folder, store=store, device="cpu")
    assert run.folder == finished.folder
    assert {file: file.stat().st_mtime_ns for file in finished.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"training__optimizer": {"lr": 0.2}}, "recipe or store"),
        ({"training__seed": 1}, "(seed|recipe or store)"),
        ({"runs": {"other": {}}}, "run"),
    ],
)
def test_a_folder_of_another_run_is_left_alone(
    finished: Run, store: SkeletonStore, tmp_path: Path, changed: dict[str, object], what: str
) -> None:
    whole = loaded(tmp_path, training__epochs=12, **changed)
    name = next(iter(whole.runs))
    with pytest.raises(RunError, match=f"holds a run of another {what}; give another --out"):
        train_run(single_run(whole, name), name, finished.folder, store=store, device="cpu")


def test_words_do_not_make_another_run(finished: Run, store: SkeletonStore, tmp_path: Path) -> None:
    recipe = single_run(loaded(tmp_path, training__epochs=12, description="new words", published={"main": 90}), "main")
    assert train_run(recipe, "main", finished.folder, store=store, device="cpu").finished


def test_a_store_of_something_else(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = loaded(tmp_path)
    with pytest.raises(DataError, match="holds utdmhad, the recipe wants nwucla"):
        trained(recipe, tmp_path / "run", tiny_store(tmp_path / "utd", "utdmhad"))
    plain = tiny_store(tmp_path / "plain", preparation="plain")
    with pytest.raises(DataError, match="prepared by plain, the recipe wants nwucla; run: bonefide prepare nwucla"):
        trained(loaded(tmp_path, data__preparation="nwucla"), tmp_path / "run", plain)
    with pytest.raises(UnknownNameError, match="protocols of nwucla: no 'xsub'"):
        trained(loaded(tmp_path, data__protocol="xsub"), tmp_path / "run", store)
    assert not (tmp_path / "run").exists()


def test_a_device_that_is_not_there_leaves_nothing_behind(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = single_run(loaded(tmp_path), "main")
    with pytest.raises(InstallationError, match="no device 'gpu' here"):
        train_run(recipe, "main", tmp_path / "run", store=store, device="gpu")
    assert not (tmp_path / "run").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path, store: SkeletonStore) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        trained(loaded(tmp_path), tmp_path / "file" / "run", store)
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        trained(loaded(tmp_path), tmp_path / "file", store)


def test_damaged_files_of_a_run(tmp_path: Path, store: SkeletonStore, finished: Run) -> None:
    damages = (("run.json", "{"), ("run.json", "[]"), ("run.json", "{}"), ("last.ckpt", "half of it"))
    for number, (name, content) in enumerate(damages):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in ("run.json", "recipe.yaml"):
            (folder / file).write_bytes((finished.folder / file).read_bytes())
        (folder / name).write_text(content)
        with pytest.raises(RunError, match=f"{name} is damaged"):
            train_run(finished.recipe, "main", folder, store=store, device="cpu")
    (tmp_path / "recipe.yaml").write_text("paper: [")
    with pytest.raises(RunError, match=r"recipe\.yaml is damaged"):
        _ = Run.open(tmp_path).recipe
    (tmp_path / "log.csv").write_text("epoch\nthree\n")
    with pytest.raises(RunError, match=r"log\.csv is damaged"):
        Run(tmp_path).log()


def measured(monkeypatch: pytest.MonkeyPatch, accuracies: dict[str, list[float]]) -> None:
    """Let the measured accuracies be these, whatever the network does."""

    def accuracy(self: callbacks.EpochEnd, module: object, samples: object) -> float:
        return accuracies["validation" if samples is self.data.validation else "test"][len(self.rows)]

    monkeypatch.setattr(callbacks.EpochEnd, "_accuracy", accuracy)


def weights_after_each_epoch(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    kept: list[dict[str, torch.Tensor]] = []
    log = callbacks.EpochEnd._measured

    def keep(self: callbacks.EpochEnd, module: object, epoch: int) -> dict[str, float]:
        kept.append({key: value.clone() for key, value in module.method.state_dict().items()})  # type: ignore[attr-defined]
        return log(self, module, epoch)  # type: ignore[arg-type]

    monkeypatch.setattr(callbacks.EpochEnd, "_measured", keep)
    return kept


def test_validation_chooses_and_never_sees_the_test_part(
    tmp_path: Path, store: SkeletonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, {"validation": [10, 70, 70, 60], "test": [99, 1, 50, 98]})
    kept = weights_after_each_epoch(monkeypatch)
    run = trained(loaded(tmp_path, training__select="validation", **CHOOSING), tmp_path / "run", store)
    chosen = load_file(run.weights_file)
    assert all(torch.equal(chosen[key], kept[1][key]) for key in chosen), "the first of the best epochs"
    assert not torch.equal(chosen["head.weight"], kept[3]["head.weight"])
    card = load_card(run.report_file)
    assert card.validation_chosen is not None
    assert (card.selected_on, card.validation_chosen.epoch) == ("validation", 2)
    assert card.accuracy is not None
    assert load_scores(run.scores_file).selected_on == "validation"
    held_out = set(load_scores(run.validation_scores_file).names)
    data = build_data(run.recipe, store)
    assert held_out
    assert not held_out & {*data.train.names, *data.test.names}


def test_the_best_by_test_labels_is_never_called_an_accuracy(
    tmp_path: Path, store: SkeletonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, {"test": [10, 99, 50, 98]})
    kept = weights_after_each_epoch(monkeypatch)
    run = trained(loaded(tmp_path, training__select="best_on_test", training__epochs=4), tmp_path / "run", store)
    chosen = load_file(run.weights_file)
    assert all(torch.equal(chosen[key], kept[1][key]) for key in chosen)
    card = load_card(run.report_file)
    assert (card.accuracy, card.top5, card.balanced) == (None, None, None)
    assert card.best_on_test is not None
    assert (card.best_on_test.epoch, card.best_on_test.test_top1) == (2, 99)
    assert card.selected_on == load_scores(run.scores_file).selected_on == "best_on_test"
    with safe_open(run.weights_file, "pt") as file:
        assert (file.metadata()["select"], file.metadata()["epoch"]) == ("best_on_test", "2")


@pytest.mark.parametrize(("every", "looks"), [(0, [4]), (1, [1, 2, 3, 4]), (3, [3, 4])])
def test_how_often_the_test_part_is_looked_at(
    tmp_path: Path, store: SkeletonStore, every: int, looks: list[float]
) -> None:
    run = trained(loaded(tmp_path, training__test_every=every, training__epochs=4), tmp_path / "run", store)
    assert [row["epoch"] for row in run.log() if "test_top1" in row] == looks


def test_the_rate_of_the_schedule_is_used(tmp_path: Path, store: SkeletonStore) -> None:
    schedule = {"name": "step", "steps": [2], "gamma": 0.1, "warmup_epochs": 1}
    run = trained(loaded(tmp_path, training__schedule=schedule), tmp_path / "run", store)
    assert [row["lr"] for row in run.log()] == pytest.approx([0.05, 0.05, 0.005])


def test_gradients_are_clipped(tmp_path: Path, store: SkeletonStore) -> None:
    plain = {"training__optimizer": {"momentum": 0, "weight_decay": 0}, "training__epochs": 1}
    recipes = [loaded(tmp_path, **plain), loaded(tmp_path, **plain, training__clip_norm=1e-9)]
    seed_all(0)
    before = build_method(recipes[0], build_data(recipes[0], store)).state_dict()["head.weight"]
    free, clipped = (
        load_file(trained(recipe, tmp_path / f"run{number}", store).weights_file)["head.weight"]
        for number, recipe in enumerate(recipes)
    )
    assert (free - before).abs().max() > 1e-3
    assert (clipped - before).abs().max() < 1e-6


def test_plans(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, runs={"a": {"data.stream": "bone"}, "b": {}})
    plans = plan_runs(recipe, tmp_path)
    assert [(name, folder.relative_to(tmp_path).as_posix()) for _, name, folder in plans] == [
        ("a", "tiny/a"),
        ("b", "tiny/b"),
    ]
    assert plans[0][0].data.stream == "bone"
    seeded = plan_runs(recipe, tmp_path, runs=["b", "b"], seeds=[3, 1, 3])
    assert [(r.training.seed, folder.name) for r, _, folder in seeded] == [(3, "b.seed3"), (1, "b.seed1")]
    with pytest.raises(UnknownNameError, match="runs: no 'c'; there are: a, b"):
        plan_runs(recipe, tmp_path, runs=["c"])


def test_faults_of_any_run_are_told_before_the_first_is_trained(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, runs={"good": {}, "bad": {"encoder.widht": 9}})
    with pytest.raises(RecipeError, match="widht: not an option; did you mean 'width'"):
        plan_runs(recipe, tmp_path)


def test_one_process_a_run(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = loaded(tmp_path)
    ((single, name, folder),) = plan_runs(recipe, tmp_path / "runs")
    lock = hold(folder / ".lock", folder)
    with pytest.raises(OutputError, match="another process is writing"):
        train_run(single, name, folder, store=store, device="cpu")
    lock.release()
    assert train_run(single, name, folder, store=store, device="cpu").finished


@pytest.mark.parametrize("stream", ["joint", "bone_motion"])
def test_an_encoder_that_asks_for_joints_trains_and_tests(tmp_path: Path, store: SkeletonStore, stream: str) -> None:
    encoder = {"name": "blockgcn", "base_channels": 8}
    recipe = loaded(tmp_path, encoder=encoder, data__stream=stream, training__epochs=1)
    run = trained(recipe, tmp_path / "run", store)
    again = testing.test(run, store=store, batch_size=5)
    there = load_scores(run.scores_file)
    torch.testing.assert_close(torch.tensor(again.values), torch.tensor(there.values), rtol=1e-4, atol=1e-4)
