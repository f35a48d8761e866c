# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from bonefide.cli.report import report
from bonefide.errors import RunError, StoreError, UnknownNameError
from bonefide.evaluation.audit import audit, card_of, load_card, save_card
from bonefide.evaluation.ensemble import fuse
from bonefide.evaluation.scores import load_scores, save_scores

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from made_pairs import made_run
from made_starts import made_card
from make_runs import made_scores, made_store, make_run

app = typer.Typer()
app.command()(report)


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    store = made_store(tmp_path / "store", 60, frames=6)
    folder = tmp_path / "runs"
    made = [
        make_run(folder / f"{run}.seed0", made_scores(seed=seed), run=run, epochs=3, store=str(store.path))
        for seed, run in enumerate(("joint", "bone"))
    ]
    weights = {"joint": 0.6, "bone": 0.4}
    fused = fuse({run.facts["run"]: load_scores(run.scores_file) for run in made}, weights)
    fusion = {"weights": weights, "chosen": "published with the recipe"}
    card = card_of(fused, [audit(run) for run in made], fusion=fusion, published=96.5)
    save_card(card, folder / "ensemble.published.seed0" / "ensemble.json")
    save_scores(fused, folder / "ensemble.published.seed0" / "scores.npz")
    return folder


def stored(place: Path) -> dict[str, list[dict[str, dict[str, str]]]]:
    found: dict[str, list[dict[str, dict[str, str]]]] = json.loads((place / "report.json").read_text())
    return found


def test_a_folder_gives_a_page_of_all_its_runs_and_fusions(runs: Path, tmp_path: Path) -> None:
    result = call(runs, "--out", tmp_path / "out")
    assert result.stdout.splitlines() == [f"page: {tmp_path / 'out' / 'report.html'}"]
    entries = stored(tmp_path / "out")["entries"]
    assert [entry["card"]["run"] for entry in entries] == ["ensemble", "bone", "joint"]
    assert "confusion" in entries[0], "the scores of the fusion lie beside its card"
    assert '"sequences":{"a' in (tmp_path / "out" / "report.html").read_text()


def test_a_place_given_twice_counts_once(runs: Path, tmp_path: Path) -> None:
    call(runs, runs / "joint.seed0", runs / "ensemble.published.seed0" / "ensemble.json", "--out", tmp_path / "out")
    assert len(stored(tmp_path / "out")["entries"]) == 3


def test_cards_are_kept_and_make_the_results(runs: Path, tmp_path: Path) -> None:
    said = json.loads(call(runs, "--cards", tmp_path / "results", "--json").stdout)
    assert said == {"cards": str(tmp_path / "results"), "runs": 2, "cards_given": 1}
    assert sorted(file.name for file in (tmp_path / "results").iterdir()) == [
        "ctrgcn.nwucla_small.bone.seed0.json",
        "ctrgcn.nwucla_small.ensemble.seed0.json",
        "ctrgcn.nwucla_small.joint.seed0.json",
    ]
    assert len(load_card(tmp_path / "results" / "ctrgcn.nwucla_small.joint.seed0.json").curve) == 3
    call(tmp_path / "results", "--results", tmp_path / "docs" / "results.md")
    call(runs, "--results", tmp_path / "from_runs.md")
    from_cards = (tmp_path / "docs" / "results.md").read_text()
    assert "96.5" in from_cards
    from_runs = (tmp_path / "from_runs.md").read_text()
    tables = [[line for line in text.splitlines() if line[:1] == "|"] for text in (from_cards, from_runs)]
    assert tables[0] == tables[1]
    assert f"bonefide report {tmp_path / 'results'} --results" in from_cards


def test_cards_of_equal_names_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for place, seed in (("first", 1), ("second", 2)):
        make_run(tmp_path / "runs" / place, made_scores(seed=seed), epochs=2)
    call(tmp_path / "runs", "--cards", tmp_path / "cards")
    assert len({load_card(file).accuracy for file in (tmp_path / "cards").iterdir()}) == 2


def test_a_missing_store_is_told_and_does_no_harm(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    result = call(runs, "--out", tmp_path / "out")
    assert "no skeletons" in result.stderr
    assert "--store" in result.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    result = call(runs, "--out", tmp_path / "out", "--store", tmp_path / "elsewhere")
    assert result.stderr == ""
    with pytest.raises(StoreError, match="no store"):
        call(runs, "--out", tmp_path / "out", "--store", tmp_path / "typing_error")


def test_unfinished_runs_are_left_out_and_told(runs: Path, tmp_path: Path) -> None:
    (runs / "bone.seed0" / "scores.npz").unlink()
    result = call(runs, "--out", tmp_path / "out")
    assert "bone.seed0: left out" in result.stderr
    assert [entry["card"]["run"] for entry in stored(tmp_path / "out")["entries"]] == ["ensemble", "joint"]
    with pytest.raises(RunError, match="none of 1 runs has finished"):
        call(runs / "bone.seed0", "--out", tmp_path / "out")


def test_nothing_asked_and_nothing_there(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing to write"):
        call(runs)
    (tmp_path / "empty").mkdir()
    for place in ("empty", "nowhere"):
        with pytest.raises(RunError, match="neither runs nor audit cards"):
            call(tmp_path / place, "--out", tmp_path / "out")
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(RunError, match="not an audit card"):
        call(tmp_path / "x.json", "--out", tmp_path / "out")


def test_a_study_sets_trainings_by_a_method_beside_plain_ones(tmp_path: Path) -> None:
    for method, strength in (("supervised", 1.5), ("csre", 3.5)):
        for seed in (1, 2):
            made_run(tmp_path / "runs" / f"{method}.seed{seed}", method, seed=seed, strength=strength)
    call(tmp_path / "runs", "--cards", tmp_path / "cards")
    page, costs = tmp_path / "study.md", tmp_path / "bench.json"
    costs.write_text(json.dumps({"machine": {"device": "cpu"}, "tables": {}}))
    said = call(tmp_path / "cards", "--study", "csre", "--results", page, "--costs", costs)
    assert said.stdout.splitlines() == [f"study: {page}"]
    text = page.read_text()
    command = f"`bonefide report {tmp_path / 'cards'} --study csre --costs {costs} --results {page}`"
    assert command in text
    assert "| csre/small | joint |" in text
    with pytest.raises(UnknownNameError, match="did you mean 'csre'"):
        call(tmp_path / "cards", "--study", "csr", "--results", page)
    for options in (("--study", "csre", "--cards", page), ("--results", page, "--costs", costs)):
        with pytest.raises(RunError, match="--study needs --results"):
            call(tmp_path / "cards", *options)


def test_a_study_sets_starts_side_by_side(tmp_path: Path) -> None:
    recipe = "mamp/nwucla_small_downstream"
    for run, right in (("linear", 60), ("random_linear", 40)):
        save_card(made_card(recipe, run, 1, right), tmp_path / "cards" / f"{run}.json")
    page = tmp_path / "study.md"
    call(tmp_path / "cards", "--study", "self-supervised", "--results", page)
    text = page.read_text()
    assert f"`bonefide report {tmp_path / 'cards'} --study self-supervised --results {page}`" in text
    assert "- MAMP pays in linear (+20.00" in text
    with pytest.raises(RunError, match="leave them out"):
        call(tmp_path / "cards", "--study", "self-supervised", "--results", page, "--costs", page)
