# SPDX-License-Identifier: Apache-2.0
"""Zero-shot cards of several splits and seeds, in the results document and on the page of the study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pytest
from made_zero_shot import NAMES, SPLIT, family, made_zero_shot_run, zero_shot_scores
from make_runs import made_scores, make_run

from bonefide.errors import OutputError
from bonefide.evaluation._markdown import markdown_table
from bonefide.evaluation.audit import AuditCard, audit
from bonefide.evaluation.results import results_markdown
from bonefide.evaluation.study_zero_shot import write_zero_shot_study, zero_shot_study_markdown
from bonefide.evaluation.zero_shot import above_chance
from bonefide.evaluation.zero_shot_families import Family, families, is_rehearsal, is_zero_shot, of_figures
from bonefide.evaluation.zero_shot_results import zero_shot_markdown
from bonefide.run import Run

INDUCTIVE = of_figures(lambda found: found.acc_inductive)


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> list[AuditCard]:
    place = tmp_path_factory.mktemp("zero_shot")
    two = make_branches(place, "last"), make_branches(place, "best_on_test")
    return [*map(audit, [*family(place), *family(place, method="text_regression")]), *map(audit, two)]


def make_branches(place: Path, selected_on: str) -> Run:
    scores = zero_shot_scores(seed=40, branches=("spatial", "temporal"), selected_on=selected_on)
    folder = place / "neuron" / selected_on / "main.seed1"
    return made_zero_shot_run(folder, scores, method="neuron", recipe="neuron/nwucla_small_1", seed=1)


def rows_of(lines: list[str], start: str) -> list[list[str]]:
    """Cells of the rows that begin so."""
    return [[each.strip() for each in line.split("|")[1:-1]] for line in lines if line.startswith(f"| {start}")]


def test_seeds_make_a_summary_and_splits_a_family(cards: list[AuditCard]) -> None:
    found = families(cards)
    assert families(reversed(cards)) == found
    pgfa = next(each for each in found if each.first.method == "pgfa")
    assert (pgfa.splits, pgfa.kind) == (("nwucla10_8_2_bonefide1", "nwucla10_8_2_bonefide2"), "nwucla10_8_2_bonefide")
    assert (pgfa.recipe, pgfa.seeds, len(pgfa.cards)) == ("pgfa/nwucla_small", (1, 2), 4)
    by_split = [[card.accuracy for card in pgfa.cards if card.classes == split] for split in pgfa.splits]
    figure = pgfa.figure(INDUCTIVE)
    assert figure is not None
    means = [mean(filter(None, each)) for each in by_split]
    assert (figure.mean, figure.spread) == pytest.approx((mean(means), stdev(means)))
    assert pgfa.seed_spread(INDUCTIVE) == pytest.approx(mean(stdev(filter(None, each)) for each in by_split))
    alone = Family(pgfa.summaries[:1])
    figure = alone.figure(INDUCTIVE)
    assert figure is not None
    assert figure.spread == pytest.approx(stdev(filter(None, by_split[0]))), "over seeds"
    assert (alone.kind, alone.recipe) == ("nwucla10_8_2_bonefide1", "pgfa/nwucla_small_1")


def test_evidence_of_a_family(cards: list[AuditCard]) -> None:
    pgfa = next(each for each in families(cards) if each.first.method == "pgfa")
    right = {card.seeds: 0 for card in pgfa.cards}
    for card in pgfa.cards:
        assert card.zero_shot is not None
        right[card.seeds] += card.zero_shot.right
    assert pgfa.p_value() == above_chance(sum(right.values()), 96, chance=50)
    assert pgfa.worst_seed() == max(above_chance(each, 48, chance=50) for each in right.values())


def test_what_is_left_out(cards: list[AuditCard]) -> None:
    assert sum(map(is_rehearsal, cards)) == 8
    assert not any(is_rehearsal(card) for each in families(cards) for card in each.cards)
    leaky = next(each for each in families(cards) if each.first.selected_on == "best_on_test")
    assert is_zero_shot(leaky.first)
    assert (leaky.figure(INDUCTIVE), leaky.p_value(), leaky.worst_seed(), leaky.seed_spread(INDUCTIVE)) == (None,) * 4


def test_the_results_document(cards: list[AuditCard], tmp_path: Path) -> None:
    lines = results_markdown([*cards, audit(make_run(tmp_path / "plain", made_scores()))]).splitlines()
    assert sum(line.startswith("| CTR-GCN") for line in lines) == 1, "an ordinary run has its own table"
    assert lines.index("## Zero-shot recognition") > lines.index("## Northwestern-UCLA Multiview Action 3D, xview")
    honest, published = rows_of(lines, "PGFA")[:3], rows_of(lines, "PGFA")[3:]
    assert [row[3] for row in honest] == [
        "nwucla10_8_2_bonefide1",
        "nwucla10_8_2_bonefide2",
        "nwucla10_8_2_bonefide (mean of 2 splits)",
    ]
    assert all("chosen on rehearsal" in row[15] for row in honest)
    pgfa = next(each for each in families(cards) if each.first.method == "pgfa")
    assert honest[2][9] == str(pgfa.figure(INDUCTIVE))
    assert honest[2][4:9] == ["minilm", "one score", "last", "2 (1, 2)", "50.00"]
    assert len(published) == 3
    head = next(line for line in lines if "best epoch on test" in line)
    assert "`harmonic_best_gamma_on_test`" in head
    assert "`either_correct`" in head
    leaky, honest_neuron = rows_of(lines, "Neuron")[:2]
    assert leaky[6] == "`best_on_test`"
    assert set(leaky[8:]) == {"\u2013"}, "nothing that test labels chose stands among the honest figures"
    assert honest_neuron[5] == "spatial and temporal, joined"
    assert "chosen on nothing" in honest_neuron[15]
    assert "| rehearsal |" not in "\n".join(lines)
    assert results_markdown(cards) == results_markdown(cards[::-1])


def test_no_part_without_zero_shot_cards(tmp_path: Path) -> None:
    assert zero_shot_markdown([audit(make_run(tmp_path / "plain", made_scores()))]) == []


def test_pre_training_on_seen_classes_is_told_apart(tmp_path: Path) -> None:
    scores = made_scores(classes=tuple(NAMES[label] for label in SPLIT.seen))
    seen = made_zero_shot_run(tmp_path / "main", scores, method="supervised", recipe="shiftgcn/seen")
    rehearsal = made_zero_shot_run(
        tmp_path / "rehearsal", scores, method="supervised", recipe="shiftgcn/seen", run="rehearsal"
    )
    text = results_markdown([audit(run) for run in (seen, rehearsal, make_run(tmp_path / "plain", made_scores()))])
    assert "## Northwestern-UCLA Multiview Action 3D, xview: seen classes of nwucla10_8_2_bonefide1" in text
    assert text.count("shiftgcn/seen") == 1


def test_the_page_of_the_study(cards: list[AuditCard], tmp_path: Path) -> None:
    file = write_zero_shot_study(cards, tmp_path / "study.md", command="bonefide report results")
    text = file.read_text()
    lines = text.splitlines()
    assert "`bonefide report results`" in text
    assert "## Northwestern-UCLA Multiview Action 3D, xview: 8 seen and 2 unseen classes" in lines
    assert "2 splits `nwucla10_8_2_bonefide`; guessing gets 50.00 inductive." in lines
    ours, published, against = rows_of(lines, "PGFA (nwucla_small)")
    assert (ours[2], ours[10], ours[-1]) == ("4", "rehearsal", "above chance")
    pgfa = next(each for each in families(cards) if each.first.method == "pgfa")
    assert ours[3] == published[2] == str(pgfa.figure(INDUCTIVE))
    harmonic = pgfa.figure(of_figures(lambda found: found.calibrated.harmonic))
    best = pgfa.figure(lambda card: card.oracles["harmonic_best_gamma_on_test"])
    assert harmonic is not None
    assert best is not None
    assert published[7:9] == [str(harmonic), str(best)]
    assert float(published[9].split(" ")[0]) == pytest.approx(best.mean - harmonic.mean, abs=0.01)
    assert against[1:4] == ["linear map to class texts, after DeViSE (nwucla_small)", "4", "+0.00 ± 0.00"]
    assert against[-1] == "not to be told from chance"
    classes = rows_of(lines, "nwucla10_8_2_bonefide1")
    assert [row[1] for row in classes] == [NAMES[label] for label in SPLIT.unseen]
    assert all("**" in "".join(row) for row in classes)
    assert any(line.startswith("- PGFA (nwucla_small): ") and " as " in line for line in lines)
    assert zero_shot_study_markdown(cards[::-1], command="bonefide report results") == text
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        write_zero_shot_study(cards, tmp_path / "file" / "study.md", command="")


def test_either_branch_stands_beside_the_honest_figure(cards: list[AuditCard]) -> None:
    lines = zero_shot_study_markdown(cards, command="").splitlines()
    published = rows_of(lines, "Neuron")[1]
    card = next(card for card in cards if card.method == "neuron" and card.zero_shot)
    assert card.zero_shot is not None
    assert published[5] == f"{card.oracles['either_correct']:.2f}"
    assert published[6] == f"{card.oracles['either_correct'] - card.zero_shot.acc_inductive:+.2f}"


def test_guessing_is_not_above_chance(cards: list[AuditCard]) -> None:
    card = next(card for card in cards if card.zero_shot and not is_rehearsal(card))
    assert card.zero_shot is not None
    poor = replace(card, zero_shot=replace(card.zero_shot, confusion=((6, 6), (6, 6))))
    (row,) = rows_of(zero_shot_study_markdown([poor], command="").splitlines(), "PGFA")[:1]
    assert row[-1] == "not to be told from chance"


def test_a_class_without_test_samples_has_no_figure(cards: list[AuditCard]) -> None:
    card = next(card for card in cards if card.zero_shot and not is_rehearsal(card))
    assert card.zero_shot is not None
    lacking = replace(card, zero_shot=replace(card.zero_shot, confusion=((9, 3), (0, 0))))
    rows = rows_of(zero_shot_study_markdown([lacking], command="").splitlines(), SPLIT.name)
    assert [row[2] for row in rows] == ["**75.0**", "\u2013"]


def test_tables() -> None:
    assert markdown_table(("a", "b"), "-r", [("x|y", "1\n2")]) == ["| a | b |", "|---|---:|", "| x\\|y | 1 2 |"]
