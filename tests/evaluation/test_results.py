# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from make_runs import made_scores, make_run

from bonefide.errors import OutputError
from bonefide.evaluation.audit import AuditCard, audit
from bonefide.evaluation.results import results_markdown, write_results


@pytest.fixture
def card(tmp_path: Path) -> AuditCard:
    return audit(make_run(tmp_path / "run", made_scores(), epochs=5, validation=True))


def rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    header = [cell.strip() for cell in lines[0].split("|")[1:-1]]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line != lines[0]]
    return [dict(zip(header, each, strict=True)) for each in cells]


def test_a_row_says_all_there_is(card: AuditCard) -> None:
    first = replace(card, accuracy=94.0, seeds=(0,), published=96.5, source="table 5")
    second = replace(first, accuracy=95.0, seeds=(1,))
    text = results_markdown([first, second], command="bonefide report cards --results docs/results.md")
    (row,) = rows(text)
    assert row["paper"] == "CTR-GCN"
    assert row["published"] == "96.5"
    assert row["reproduced"] == "94.50 ± 0.71"
    assert row["difference"] == "\u22122.00"
    assert row["seeds"] == "2 (0, 1)"
    assert row["selected on"] == "last"
    assert row["hardware"] == "cpu"
    assert "- Published for ctrgcn/nwucla_small: table 5" in text
    assert "`bonefide report cards --results docs/results.md`" in text


def test_order_depends_on_the_cards_alone(card: AuditCard) -> None:
    cards = [
        replace(card, dataset=dataset, recipe=recipe, run=run, seeds=(seed,), accuracy=90.0 + seed)
        for dataset in ("nwucla", "ntu60")
        for recipe in ("b/x", "a/x")
        for run in ("joint", "ensemble", "bone")
        for seed in (0, 1)
    ]
    expected = results_markdown(cards)
    for seed in range(5):
        random.Random(seed).shuffle(cards)
        assert results_markdown(cards) == expected
    assert [row["run"] for row in rows(expected)[:3]] == ["bone", "joint", "ensemble"]
    assert expected.count("\n## ") == 2


def test_what_test_labels_chose_is_not_reproduced(card: AuditCard) -> None:
    (row,) = rows(results_markdown([replace(card, accuracy=None, selected_on="best_on_test")]))
    assert (row["reproduced"], row["difference"]) == ("none", "unknown")
    assert card.best_on_test is not None
    assert row["`best_on_test`"] == f"{card.best_on_test.test_top1:.2f}"
    assert row["selected on"] == "`best_on_test`"


def test_unknown_is_said(card: AuditCard) -> None:
    bare = replace(card, published=None, environment={}, seconds=0.0, parameters=0, epochs=0, validation_chosen=None)
    (row,) = rows(results_markdown([bare]))
    for column in ("published", "difference", "hardware", "training time", "parameters", "epochs"):
        assert row[column] == "unknown"


def test_a_card_given_twice_counts_once(card: AuditCard) -> None:
    (row,) = rows(results_markdown([card, replace(card)]))
    assert row["seeds"] == "1 (0)"


def test_fusions_fitted_per_seed_are_one_row_and_fixed_weights_are_told_apart(card: AuditCard) -> None:
    def fused(seed: int, weight: float, chosen: str) -> AuditCard:
        fusion = {"weights": {"joint": 1.0, "bone": weight}, "chosen": chosen}
        return replace(card, run="ensemble", seeds=(seed,), fusion=fusion)

    fitted = "fitted on validation samples"
    assert len(rows(results_markdown([fused(0, 0.3, fitted), fused(1, 0.7, fitted)]))) == 1
    assert len(rows(results_markdown([fused(0, 0.3, "given"), fused(1, 0.7, "given")]))) == 2
    assert "joint 1, bone 0.3; given" in results_markdown([fused(0, 0.3, "given")])


def test_a_fusion_fitted_on_test_has_no_accuracy(card: AuditCard) -> None:
    def fused(seed: int, figure: float) -> AuditCard:
        fusion = {"weights": {"joint": 1.0, "bone": figure / 100}, "chosen": "fitted_on_test"}
        leaky = replace(card, run="ensemble", seeds=(seed,), fusion=fusion, selected_on="last+fitted_on_test")
        return replace(leaky, accuracy=None, fitted_on_test=figure)

    (row,) = rows(results_markdown([fused(0, 94.0), fused(1, 95.0)]))
    assert (row["reproduced"], row["difference"]) == ("none", "unknown")
    assert row["run"].endswith("no accuracy: `fitted_on_test` 94.50 ± 0.71)")
    assert row["selected on"] == "last+`fitted_on_test`"


def test_cells_cannot_break_the_table(card: AuditCard) -> None:
    text = results_markdown([replace(card, environment={"device": "a|b\nc"})])
    assert "a\\|b c" in text


def test_writing(card: AuditCard, tmp_path: Path) -> None:
    file = write_results([card], tmp_path / "docs" / "results.md", command="x")
    assert file.read_text(encoding="utf-8") == results_markdown([card], command="x")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        write_results([card], tmp_path / "file" / "results.md", command="x")
