# SPDX-License-Identifier: Apache-2.0
"""Cards of probes, and their part of the results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bonefide.errors import OutputError, RunError
from bonefide.evaluation.probe_card import (
    ProbeCard,
    is_probe_card,
    load_probe_card,
    probes_markdown,
    save_probe_card,
)
from bonefide.evaluation.results import results_markdown, write_results

CARD = ProbeCard(
    paper="shiftgcn",
    network="shiftgcn/ntu60_xsub",
    weights="trained",
    statistics="own",
    seed=None,
    dataset="nwucla",
    protocol="xview",
    stored="nwucla",
    preparation="ntu_agcn",
    inferred=("neck", "left_thumb"),
    frames=128,
    features=256,
    train_samples=1020,
    test_samples=464,
    accuracy={"1-NN": 61.0, "5-NN": 62.0, "linear": 83.0},
    balanced={"1-NN": 60.0, "5-NN": 61.0, "linear": 82.0},
    strength=0.1,
    held_out=81.5,
    chosen="5 folds by who performs",
)


def untrained(seed: int, linear: float) -> ProbeCard:
    accuracy = {"1-NN": 30.0, "5-NN": 31.0, "linear": linear}
    return replace(CARD, weights="untrained", seed=seed, accuracy=accuracy, strength=float(seed + 1))


def rows(text: str) -> list[dict[str, str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    return [dict(zip(cells[0], each, strict=True)) for each in cells[1:]]


def test_there_and_back(tmp_path: Path) -> None:
    save_probe_card(CARD, tmp_path / "cards" / "card.json")
    assert load_probe_card(tmp_path / "cards" / "card.json") == CARD
    assert is_probe_card(tmp_path / "cards" / "card.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"recipe": "ctrgcn/nwucla"}', '{"kind": "probe"}', '{"kind": "probe", "accuracy": {"1-NN": 1}}'],
)
def test_what_is_no_card(text: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(RunError, match="not the card of a probe"):
        load_probe_card(tmp_path / "card.json")
    assert is_probe_card(tmp_path / "card.json") == ("probe" in text)


def test_unknown_facts_and_places_that_are_not_there(tmp_path: Path) -> None:
    save_probe_card(CARD, tmp_path / "card.json")
    content = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps({**content, "colour": "red"}))
    with pytest.raises(RunError, match="colour"):
        load_probe_card(tmp_path / "card.json")
    assert not is_probe_card(tmp_path / "none.json")
    with pytest.raises(OutputError):
        save_probe_card(CARD, tmp_path / "card.json" / "card.json")


def test_seeds_share_a_line_and_trained_weights_come_first() -> None:
    text = probes_markdown([untrained(1, 52.0), CARD, untrained(0, 50.0), CARD])
    assert "## Northwestern-UCLA Multiview Action 3D, xview: frozen features" in text
    assert "on 464 test samples" in text
    assert "(1020 training samples, 5 folds by who performs)" in text
    trained, fresh = rows(text)
    assert (trained["paper"], trained["weights"], trained["linear"]) == ("Shift-GCN", "trained", "83.00")
    assert (trained["seeds"], trained["C"], trained["inferred joints"]) == ("\u2013", "0.1", "2")
    assert fresh["weights"] == "untrained, norms as they start"
    assert (fresh["linear"], fresh["1-NN"]) == ("51.00 ± 1.41", "30.00 ± 0.00")
    assert (fresh["seeds"], fresh["C"]) == ("2 (0, 1)", "1, 2")


def test_what_was_measured_otherwise_is_another_line() -> None:
    others = [
        replace(CARD, statistics="measured"),
        replace(CARD, frames=0),
        replace(CARD, network="shiftgcn/ntu120_xsub"),
        replace(CARD, inferred=()),
    ]
    assert len(rows(probes_markdown([CARD, *others]))) == 5
    assert "trained, norms measured on the training part" in probes_markdown(others)
    assert rows(probes_markdown([others[1]]))[0]["frames"] == "of the clip"
    two = probes_markdown([CARD, replace(CARD, dataset="utdmhad", protocol="xsub")])
    assert two.count("## ") == 2


def test_the_order_depends_on_the_cards_alone() -> None:
    cards = [CARD, untrained(0, 50.0), untrained(1, 52.0), replace(CARD, dataset="utdmhad")]
    assert probes_markdown(cards) == probes_markdown(cards[::-1])


def test_they_stand_in_the_results(tmp_path: Path) -> None:
    file = write_results([], tmp_path / "results.md", probes=[CARD], command="x")
    text = file.read_text(encoding="utf-8")
    assert text == results_markdown([], command="x") + probes_markdown([CARD])
    assert results_markdown([], probes=(), command="x") == results_markdown([], command="x")
