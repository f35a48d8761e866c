# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from calling import call

from bonefide.cli.compare import compare
from bonefide.cli.ensemble import ensemble
from bonefide.errors import OutputError, RunError, ScoresError, UnknownNameError
from bonefide.evaluation.audit import load_card
from bonefide.evaluation.ensemble import fit_weights, fuse
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.scores import load_scores, save_scores
from bonefide.evaluation.vote import any_right, average, vote
from bonefide.types import Scores

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from make_runs import made_scores, make_run

STREAMS = ("joint", "bone")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two streams of one recipe, with fusion weights and a published figure for the fusion."""
    folders = []
    for seed, run in enumerate(STREAMS):
        folder = make_run(tmp_path / "runs" / run, made_scores(seed=seed, strength=2), run=run, epochs=2).folder
        content = yaml.safe_load((folder / "recipe.yaml").read_text())
        content |= {"runs": {name: {} for name in STREAMS}, "ensemble": {"joint": 0.6, "bone": 0.4}}
        content["published"] = {"ensemble": 96.5}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(content))
        folders.append(folder)
    return folders


def fused(runs: list[Path], weights: dict[str, float]) -> Scores:
    return fuse({folder.name: load_scores(folder / "scores.npz") for folder in runs}, weights)


def test_published_weights_are_the_default(runs: list[Path], tmp_path: Path) -> None:
    lines = call(ensemble, *runs).stdout.splitlines()
    out = tmp_path / "runs" / "ensemble.published.seed0"
    assert [line.split()[0] for line in lines] == ["joint", "bone", "fused", "scores"]
    assert lines[0].endswith("weight 0.6")
    assert lines[2].endswith("weights: published with the recipe")
    assert lines[3] == f"scores and card in {out}"
    expected = fused(runs, {"joint": 0.6, "bone": 0.4})
    np.testing.assert_allclose(load_scores(out / "scores.npz").values, expected.values, rtol=1e-6)
    card = load_card(out / "ensemble.json")
    assert (card.accuracy, card.published, card.stream) == (top_k(expected), 96.5, "joint+joint")
    assert card.fusion == {"weights": {"joint": 0.6, "bone": 0.4}, "chosen": "published with the recipe"}


@pytest.mark.parametrize(
    ("asked", "weights"), [("equal", (1, 1)), ("0.9,0.1", (0.9, 0.1)), ("1,0", (1, 0)), ("published", (0.6, 0.4))]
)
def test_ways_to_weigh(runs: list[Path], tmp_path: Path, asked: str, weights: tuple[float, float]) -> None:
    said = json.loads(call(ensemble, *runs, "--weights", asked, "--out", tmp_path / "out", "--json").stdout)
    assert said["weights"] == dict(zip(STREAMS, weights, strict=True))
    expected = fused(runs, said["weights"])
    assert (said["top1"], said["top5"]) == (top_k(expected, 1), top_k(expected, 5))
    assert said["out"] == str(tmp_path / "out")


def test_weights_fitted_on_kept_samples(runs: list[Path]) -> None:
    with pytest.raises(RunError, match=r"joint: no validation samples were kept from training; train with --set"):
        call(ensemble, *runs, "--weights", "validation")
    kept = {}
    for seed, folder in enumerate(runs):
        kept[folder.name] = made_scores(30, seed=5 + seed, strength=1 + seed)
        save_scores(kept[folder.name], folder / "validation_scores.npz")
    said = json.loads(call(ensemble, *runs, "--weights", "validation", "--json").stdout)
    assert said["weights"] == fit_weights(kept)


def test_fusions_of_leaky_weights_are_named_so(runs: list[Path]) -> None:
    save_scores(made_scores(selected_on="best_on_test"), runs[0] / "scores.npz")
    assert "fused, best_on_test" in call(ensemble, *runs).stdout
    assert json.loads(call(ensemble, *runs, "--json").stdout)["top1"] is None


def test_weights_fitted_on_test_labels_stand_under_their_name_only(runs: list[Path], tmp_path: Path) -> None:
    said = json.loads(call(ensemble, *runs, "--weights", "fitted_on_test", "--json").stdout)
    out = tmp_path / "runs" / "ensemble.fitted_on_test.seed0"
    assert (said["top1"], said["top5"], said["out"]) == (None, None, str(out))
    assert said["fitted_on_test"] == top_k(fused(runs, said["weights"]))
    card = load_card(out / "ensemble.json")
    assert (card.accuracy, card.top5, card.balanced) == (None, None, None)
    assert card.fitted_on_test == said["fitted_on_test"]
    assert card.selected_on == load_scores(out / "scores.npz").selected_on == "last+fitted_on_test"
    line = call(ensemble, *runs, "--weights", "fitted_on_test").stdout.splitlines()[2]
    assert line.split()[0] == "fitted_on_test"
    assert line.endswith("this is no accuracy")


def test_recipes_with_several_ensembles(runs: list[Path], tmp_path: Path) -> None:
    for folder in runs:
        content = yaml.safe_load((folder / "recipe.yaml").read_text())
        content |= {"runs": {"joint": {}, "bone": {}, "third": {}}, "ensemble": {"third": 1.0, "bone": 0.5}}
        content |= {"ensembles": {"pair": {"joint": 0.2, "bone": 0.9}}, "published": {"pair": 91.0}}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(content))
    said = json.loads(call(ensemble, *runs, "--json").stdout)
    assert said["weights"] == {"joint": 0.2, "bone": 0.9}
    assert said["out"] == str(tmp_path / "runs" / "pair.published.seed0")
    card = load_card(tmp_path / "runs" / "pair.published.seed0" / "ensemble.json")
    assert (card.run, card.published) == ("pair", 91.0)
    third = make_run(tmp_path / "runs" / "third", made_scores(seed=3), run="third").folder
    with pytest.raises(RunError, match="does not fuse all of these runs together; give bone, third; or bone, joint"):
        call(ensemble, *runs, third)


@pytest.mark.parametrize(
    ("weights", "error", "said"),
    [
        ("equl", UnknownNameError, "ways to weigh: no 'equl'; did you mean 'equal'"),
        ("1", RunError, "1 weights for 2 runs"),
        ("0,0", RunError, "fuse nothing"),
        ("nan,1", RunError, "fuse nothing"),
    ],
)
def test_weights_that_make_no_sense(runs: list[Path], weights: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call(ensemble, *runs, "--weights", weights)


def test_runs_that_do_not_belong_together(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="two of these runs have the same name"):
        call(ensemble, runs[0], runs[0])
    with pytest.raises(RunError, match="no run here"):
        call(ensemble, runs[0], tmp_path)
    other = make_run(tmp_path / "other", made_scores(30), run="joint_motion").folder
    with pytest.raises(ScoresError, match="different samples: 30 only in the first"):
        call(ensemble, runs[0], other, "--weights", "equal")
    with pytest.raises(RunError, match="publishes no weight for joint_motion"):
        call(ensemble, runs[0], other)
    (runs[1] / "scores.npz").unlink()
    with pytest.raises(ScoresError, match="no scores here"):
        call(ensemble, *runs)


def test_a_place_that_cannot_be_written(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="cannot write"):
            call(ensemble, *runs, "--out", place)


@pytest.fixture
def networks(tmp_path: Path) -> list[Path]:
    """Two networks of one image and one of both, which is given last."""
    folders = []
    for seed, (run, images) in enumerate({"gd": ["gd"], "jdd": ["jdd"], "all": ["gd", "jdd"]}.items()):
        folder = make_run(tmp_path / "runs" / run, made_scores(seed=seed, strength=1.5), run=run, epochs=2).folder
        content = yaml.safe_load((folder / "recipe.yaml").read_text())
        content["data"] = {"dataset": "nwucla", "protocol": "xview", "images": images}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(content))
        folders.append(folder)
    return folders


def test_a_vote_beside_its_oracle(networks: list[Path], tmp_path: Path) -> None:
    scores = {folder.name: load_scores(folder / "scores.npz") for folder in networks}
    said = json.loads(call(ensemble, *networks, "--vote", "--json").stdout)
    single = {name: scores[name] for name in ("gd", "jdd")}
    assert said["oracles"] == {"any_right": any_right(single)}
    assert said["parts"] == {
        **{name: top_k(each) for name, each in scores.items()},
        "average": top_k(average(single)),
        "average_of_all": top_k(average(scores)),
        "vote": said["top1"],
    }
    expected = vote(scores, priority=["all", "gd", "jdd"])
    assert said["priority"] == ["all", "gd", "jdd"]
    assert said["top1"] == top_k(expected)
    out = tmp_path / "runs" / "vote.seed0"
    np.testing.assert_allclose(load_scores(out / "scores.npz").values, expected.values, rtol=1e-6)
    card = load_card(out / "ensemble.json")
    assert (card.run, card.accuracy, card.parts, card.oracles) == ("vote", said["top1"], said["parts"], said["oracles"])
    lines = call(ensemble, *networks, "--vote").stdout.splitlines()
    assert [line.split()[0] for line in lines[:6]] == ["gd", "jdd", "all", "average", "average_of_all", "vote"]
    assert lines[6] == "vote by majority; of equals the first of all > gd > jdd"
    assert lines[7].startswith("any_right")
    assert lines[7].endswith("labels decide: an upper bound and no accuracy")


def test_whom_a_vote_trusts(networks: list[Path]) -> None:
    assert json.loads(call(ensemble, *networks, "--priority", "jdd", "--json").stdout)["priority"] == [
        "jdd",
        "gd",
        "all",
    ]
    for strength, folder in zip((1, 3, 0), networks, strict=True):
        save_scores(made_scores(30, seed=7, strength=strength), folder / "validation_scores.npz")
    said = json.loads(call(ensemble, *networks, "--vote", "--json").stdout)
    assert said["priority"] == ["all", "jdd", "gd"]
    with pytest.raises(RunError, match="--priority names 'jd', which is none of these runs; did you mean 'jdd'"):
        call(ensemble, *networks, "--priority", "gd,jd")


def test_runs_of_clips_vote_all_alike(runs: list[Path]) -> None:
    said = json.loads(call(ensemble, *runs, "--vote", "--json").stdout)
    assert list(said["parts"]) == ["joint", "bone", "average", "vote"]
    assert said["priority"] == ["joint", "bone"]
    save_scores(made_scores(selected_on="best_on_test"), runs[0] / "scores.npz")
    assert "vote, best_on_test" in call(ensemble, *runs, "--vote").stdout
    assert json.loads(call(ensemble, *runs, "--vote", "--json").stdout)["top1"] is None


def test_comparing_runs_and_files(runs: list[Path]) -> None:
    first, second = (load_scores(folder / "scores.npz") for folder in runs)
    said = json.loads(call(compare, runs[0], runs[1] / "scores.npz", "--json").stdout)
    assert said["top1"] == pytest.approx([top_k(first), top_k(second)])
    counts = [said[key] for key in ("both_right", "only_first", "only_second", "both_wrong")]
    assert sum(counts) == len(first.names)
    assert set(said["per_class"]) == set(first.classes)
    lines = call(compare, *runs).stdout.splitlines()
    assert lines[0].startswith(f"first   {top_k(first):6.2f} %")
    assert f"p = {said['p_value']:.3g} (McNemar, exact)" in lines[3]


def test_a_run_does_not_differ_from_itself(runs: list[Path]) -> None:
    lines = call(compare, runs[0], runs[0]).stdout.splitlines()
    assert lines[3] == "difference +0.00 points, p = 1 (McNemar, exact): not to be told from chance"
    assert len(lines) == 4


def test_comparing_what_cannot_be_compared(runs: list[Path], tmp_path: Path) -> None:
    save_scores(made_scores(30), tmp_path / "scores.npz")
    with pytest.raises(ScoresError, match="different samples"):
        call(compare, runs[0], tmp_path / "scores.npz")
    with pytest.raises(ScoresError, match="no scores here"):
        call(compare, runs[0], tmp_path / "none.npz")
    with pytest.raises(RunError, match="no run here"):
        call(compare, runs[0], tmp_path)


def test_comparing_all_seeds_of_two_runs(tmp_path: Path) -> None:
    for run, strength in (("plain", 1.5), ("csre", 2.5)):
        for seed in (1, 2, 10):
            scores = made_scores(seed=seed, strength=strength)
            make_run(tmp_path / f"{run}.seed{seed}", scores, run=run, seed=seed, epochs=2)
    said = json.loads(call(compare, tmp_path / "plain", tmp_path / "csre", "--json").stdout)
    assert [Path(pair["second"]).name for pair in said["pairs"]] == ["csre.seed1", "csre.seed2", "csre.seed10"]
    one = json.loads(call(compare, tmp_path / "plain.seed2", tmp_path / "csre.seed2", "--json").stdout)
    assert (
        said["pairs"][1].items() >= {key: one[key] for key in ("top1", "only_first", "only_second", "p_value")}.items()
    )
    for side in ("only_first", "only_second"):
        assert said["pooled"][side] == sum(pair[side] for pair in said["pairs"])
    changes = [pair["top1"][1] - pair["top1"][0] for pair in said["pairs"]]
    assert said["difference"] == pytest.approx({"mean": np.mean(changes), "spread": np.std(changes, ddof=1)})
    lines = call(compare, tmp_path / "plain", tmp_path / "csre").stdout.splitlines()
    assert len(lines) == 4
    assert f"p = {said['pooled']['p_value']:.3g} (McNemar, exact)" in lines[3]
    make_run(tmp_path / "csre.seed4", made_scores(seed=4), run="csre", seed=4, epochs=2)
    with pytest.raises(RunError, match="seeds 1, 2, 10 against 1, 2, 4, 10: only equal seeds make pairs"):
        call(compare, tmp_path / "plain", tmp_path / "csre")
