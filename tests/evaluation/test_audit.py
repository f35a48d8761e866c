# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from make_runs import made_scores, make_run

from bonefide.errors import OutputError, RunError
from bonefide.evaluation._content import Entry
from bonefide.evaluation._render import card_rows
from bonefide.evaluation._summary import summarize
from bonefide.evaluation.audit import AuditCard, audit, card_of, load_card, save_card
from bonefide.evaluation.ensemble import fuse
from bonefide.evaluation.hits import unpack_hits
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.results import results_markdown
from bonefide.evaluation.vote import any_right, average, branches_of
from bonefide.run import Run


def with_log(run: Run, rows: str) -> Run:
    run.log_file.write_text(rows)
    return run


LOG = """epoch,seconds,lr,loss,train_top1,validation_top1,test_top1
1,2,0.1,2.0,30,40,50
2,2,0.1,1.0,60,80,71
3,2,0.1,0.5,70,80,92
4,2,0.1,0.4,90,75,88
"""


def test_every_choice_stands_under_its_name(tmp_path: Path) -> None:
    card = audit(with_log(make_run(tmp_path / "run", made_scores(), seed=7), LOG))
    assert card.last is not None
    assert card.validation_chosen is not None
    assert card.best_on_test is not None
    assert (card.last.epoch, card.last.test_top1) == (4, 88)
    assert (card.validation_chosen.epoch, card.validation_chosen.test_top1) == (2, 71), "the first of equally good"
    assert card.validation_chosen.validation_top1 == 80
    assert (card.best_on_test.epoch, card.best_on_test.test_top1) == (3, 92)
    assert card.accuracy == top_k(made_scores())
    assert (card.seeds, card.epochs, card.seconds) == ((7,), 4, 8)
    assert card.hashes.items() > made_scores().hashes.items()


def test_what_test_labels_chose_is_never_the_accuracy(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", made_scores(selected_on="best_on_test"))
    card = audit(run)
    assert (card.accuracy, card.top5, card.balanced) == (None, None, None)
    assert card.best_on_test is not None
    fused = fuse({"a": made_scores(), "b": made_scores(selected_on="best_on_test")}, {"a": 1.0, "b": 1.0})
    tainted = card_of(fused, [card], fusion={"weights": {"a": 1.0, "b": 1.0}, "chosen": "equal"}, published=None)
    assert (tainted.accuracy, tainted.top5, tainted.balanced) == (None, None, None)


def test_card_without_a_look_at_the_test_part_or_at_validation(tmp_path: Path) -> None:
    run = with_log(
        make_run(tmp_path / "run", made_scores()), "epoch,seconds,lr,loss,train_top1,test_top1\n1,1,1,1,1,\n"
    )
    card = audit(run)
    assert (card.last, card.validation_chosen, card.best_on_test) == (None, None, None)
    assert card.curve == [{"epoch": 1.0, "seconds": 1.0, "lr": 1.0, "loss": 1.0, "train_top1": 1.0}]


def test_card_of_a_fusion(tmp_path: Path) -> None:
    members = [audit(make_run(tmp_path / run, made_scores(), run=run, seed=4)) for run in ("joint", "bone")]
    fused = fuse({"joint": made_scores(), "bone": made_scores(seed=1)}, {"joint": 1.0, "bone": 1.0})
    fusion = {"weights": {"joint": 1.0, "bone": 1.0}, "chosen": "equal"}
    card = card_of(fused, members, fusion=fusion, published=96.5)
    assert (card.run, card.seeds, card.published, card.fusion) == ("ensemble", (4,), 96.5, fusion)
    assert card.accuracy == top_k(fused)
    assert card.parameters == sum(member.parameters for member in members)


def test_an_unfinished_run_has_no_card(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", made_scores())
    run.scores_file.unlink()
    with pytest.raises(RunError, match="not finished"):
        audit(run)


def test_cards_are_kept(tmp_path: Path) -> None:
    card = audit(make_run(tmp_path / "run", made_scores(), validation=True))
    save_card(card, tmp_path / "cards" / "one.json")
    assert load_card(tmp_path / "cards" / "one.json") == card
    bare = replace(card, validation_chosen=None, curve=[])
    save_card(bare, tmp_path / "cards" / "one.json")
    assert load_card(tmp_path / "cards" / "one.json") == bare
    assert isinstance(bare, AuditCard)


def test_what_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not an audit card"):
        load_card(tmp_path / "none.json")
    for text in ("{", "[]", "{}", '{"seeds": [1], "surprise": 1}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(RunError, match="not an audit card"):
            load_card(tmp_path / "bad.json")


def test_a_card_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    card = audit(make_run(tmp_path / "run", made_scores()))
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        save_card(card, tmp_path / "file" / "card.json")


def test_branches_stand_beside_the_accuracy_and_oracles_apart(tmp_path: Path) -> None:
    values = {name: made_scores(seed=seed, strength=1.5).values for seed, name in enumerate(("gd", "jdd", "gd+jdd"), 1)}
    scores = replace(made_scores(), branches=values)
    card = audit(make_run(tmp_path / "run", scores))
    alone = branches_of(scores, joined=False)
    assert card.accuracy == top_k(scores)
    assert list(card.parts) == ["gd", "jdd", "average", "average_of_all", "vote", "gd+jdd"]
    assert card.parts["gd+jdd"] == top_k(branches_of(scores)["gd+jdd"])
    assert card.parts["average"] == top_k(average(alone))
    assert card.oracles == {"any_right": any_right(alone)}
    assert card.oracles["any_right"] >= card.parts["average"]
    save_card(card, tmp_path / "card.json")
    assert load_card(tmp_path / "card.json") == card
    text = results_markdown([card])
    line = next(line for line in text.splitlines() if "any_right" in line)
    assert line.startswith(f"- {card.recipe} · {card.run}: gd {card.parts['gd']:.2f}, jdd ")
    assert line.endswith(f". Decided with labels, so no accuracy: `any_right` {card.oracles['any_right']:.2f}")
    rows = dict(card_rows(Entry(card)))
    assert rows["accuracy of gd"] == f"{card.parts['gd']:.2f}"
    assert rows["any_right"] == f"{card.oracles['any_right']:.2f}. Decided with labels, so no accuracy."


def test_branches_of_leaky_weights_have_no_accuracy(tmp_path: Path) -> None:
    scores = made_scores(selected_on="best_on_test")
    card = audit(make_run(tmp_path / "run", replace(scores, branches={"gd": scores.values})))
    assert (card.parts, card.oracles) == ({}, {})
    assert audit(make_run(tmp_path / "plain", made_scores())).parts == {}


def test_parts_over_seeds_are_those_that_all_have(tmp_path: Path) -> None:
    card = audit(make_run(tmp_path / "run", made_scores()))
    first = replace(card, parts={"gd": 70.0, "jdd": 60.0}, oracles={"any_right": 90.0})
    second = replace(card, seeds=(1,), parts={"gd": 72.0}, oracles={"any_right": 92.0})
    (found,) = summarize([first, second])
    assert {name: figure.mean for name, figure in found.parts.items()} == {"gd": 71.0}
    assert str(found.oracles["any_right"]) == "91.00 ± 1.41"


def test_a_card_says_which_samples_are_right_and_in_which_setting(tmp_path: Path) -> None:
    scores = made_scores()
    plain, other = (make_run(tmp_path / name, scores, run=name, epochs=2) for name in ("plain", "other"))
    text = (other.folder / "recipe.yaml").read_text()
    (other.folder / "recipe.yaml").write_text(text.replace("name: supervised", "name: csre"))
    first, second = audit(plain), audit(Run.open(other.folder))
    assert (first.method, second.method) == ("supervised", "csre")
    for key in ("setting", "samples"):
        assert first.hashes[key] == second.hashes[key]
    assert unpack_hits(first.hits, first.test_samples).mean() == pytest.approx(first.accuracy / 100)
    (plain.folder / "recipe.yaml").write_text(text.replace("lr: 0.1", "lr: 0.2"))
    assert audit(Run.open(plain.folder)).hashes["setting"] != first.hashes["setting"]
    fusion = {"weights": {"plain": 1.0, "other": 1.0}, "chosen": "equal"}
    fused = card_of(scores, [first, second], fusion=fusion, published=None)
    assert (fused.method, fused.hits) == ("", first.hits)
    assert card_of(scores, [first], fusion=fusion, published=None).method == "supervised"
    heavier = {**fusion, "weights": {"plain": 1.0, "other": 0.5}}
    assert card_of(scores, [first, second], fusion=heavier, published=None).hashes["setting"] != fused.hashes["setting"]


def test_what_test_labels_chose_has_no_record_of_hits(tmp_path: Path) -> None:
    assert audit(make_run(tmp_path / "run", made_scores(selected_on="best_on_test"), epochs=2)).hits == ""
