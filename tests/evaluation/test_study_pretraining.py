# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from made_starts import made_card

from bonefide.config import load
from bonefide.errors import OutputError, RunError
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.starts import RANDOM, changes, trials_of
from bonefide.evaluation.study_pretraining import pretraining_markdown, write_pretraining_study

COMMAND = "bonefide report results --study self-supervised --results docs/study_self_supervised.md"
MAMP, STJD = "mamp/nwucla_small_downstream", "stjd_mp/nwucla_small_downstream"


@pytest.fixture
def cards() -> list[AuditCard]:
    right = {
        (MAMP, "random_linear"): 40,
        (MAMP, "linear"): 60,
        (STJD, "linear"): 62,
        (MAMP, "scratch"): 80,
        (MAMP, "finetune"): 80,
        (STJD, "finetune"): 65,
        (MAMP, "scratch_10"): 50,
        (MAMP, "semi_10"): 54,
    }
    made = [
        made_card(recipe, run, seed, points + seed) for (recipe, run), points in right.items() for seed in (1, 2, 3)
    ]
    made += [made_card("mamp/nwucla_small", "main", 0, 70)]
    return [
        *made,
        *(made_card("stjd_mp/nwucla_small", run, 0, points) for run, points in (("main", 71), ("scratch", 72))),
    ]


def tables(text: str) -> list[list[list[str]]]:
    blocks = [[line for line in block.splitlines() if line.startswith("| ")] for block in text.split("\n\n")]
    return [
        [[cell.strip() for cell in line.split("|")[1:-1]] for line in block[0:1] + block[1:]]
        for block in blocks
        if block
    ]


def test_starts_stand_side_by_side(cards: list[AuditCard]) -> None:
    text = pretraining_markdown(cards, command=COMMAND)
    assert f"`{COMMAND}`" in text
    accuracies, settings, before = tables(text)
    rows = {tuple(row[:2]): row[2:] for row in accuracies[1:]}
    ten = "fine-tuned, 10 % of the labels"
    assert list(rows) == [
        ("linear", RANDOM),
        ("linear", "MAMP"),
        ("linear", "STJD-MP"),
        ("fine-tuned", RANDOM),
        ("fine-tuned", "MAMP"),
        ("fine-tuned", "STJD-MP"),
        (ten, RANDOM),
        (ten, "MAMP"),
    ]
    assert rows["linear", RANDOM] == ["42.00 ± 1.00", "\u2013", "1, 2, 3", "\u2013", "\u2013", "\u2013"]
    assert rows["linear", "MAMP"] == ["62.00 ± 1.00", "+20.00 ± 0.00", "1, 2, 3", "0", "60", f"{2 * 0.5**60:.2g}"]
    assert rows["fine-tuned", "MAMP"][-3:] == ["0", "0", "1"]
    assert rows["fine-tuned", "STJD-MP"][1] == "\u221215.00 ± 0.00"
    assert rows[ten, "MAMP"][-1] == f"{2 * 0.5**12:.2g}"
    assert [row[0] for row in settings[1:]] == ["linear", "fine-tuned", ten]
    recipe = load.single_run(load.recipe(MAMP), "semi_10")
    passes = recipe.training.epochs * recipe.data.repeat
    sizes = "masked_transformer, width 64, depth 4, heads 4"
    assert settings[3][1:] == [sizes, "32", str(recipe.training.epochs), str(passes), "123,456", "1 min 30 s"]
    assert [row[:4] for row in before[1:]] == [
        ["MAMP: mamp/nwucla_small, main", RANDOM, "70.00", "0"],
        ["STJD-MP: stjd_mp/nwucla_small, main", "MAMP", "71.00", "0"],
        ["STJD-MP: stjd_mp/nwucla_small, scratch", RANDOM, "72.00", "0"],
    ]


def test_sentences_say_where_it_pays(cards: list[AuditCard]) -> None:
    lines = pretraining_markdown(cards, command=COMMAND).splitlines()
    said = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    assert said[0].startswith("MAMP pays in linear (+20.00 ± 0.00, p ")
    assert ", fine-tuned, 10 % of the labels (+4.00" in said[0]
    assert said[0].endswith("; makes no difference to be told from chance in fine-tuned (+0.00 ± 0.00, p 1).")
    assert "costs accuracy in fine-tuned (\u221215.00" in said[1]
    assert said[2].startswith(
        "STJD-MP, beside MAMP, is better in linear (+2.00 ± 0.00, p 0.031); is worse in fine-tuned"
    )
    assert said[3].startswith("One pre-training each: MAMP, STJD-MP.")


def test_only_equal_trainings_are_compared(cards: list[AuditCard]) -> None:
    other = [
        replace(card, hashes={**card.hashes, "samples": "others"}) if card.run == "linear" else card for card in cards
    ]
    tasks, _, _ = trials_of(other)
    assert [list(task.starts) for task in tasks if task.name == "linear"] == [["MAMP", "STJD-MP"], [RANDOM]]
    tasks, _, _ = trials_of([card for card in cards if card.run != "scratch" or card.seeds != (2,)])
    tuned = next(task for task in tasks if task.name == "fine-tuned")
    assert [change.seed for change in changes(tuned.starts[RANDOM], tuned.starts["MAMP"])] == [1, 3]
    assert pretraining_markdown([], command=COMMAND).endswith("no such trainings yet.\n")


def test_what_has_no_place_is_told_or_passed_over(cards: list[AuditCard]) -> None:
    strange = replace(cards[0], hashes={**cards[0].hashes, "recipe": "older"})
    tainted = replace(cards[1], accuracy=None, hits="", selected_on="best_on_test")
    text = pretraining_markdown([strange, tainted, *cards[2:]], command=COMMAND)
    assert text.endswith(f"- {MAMP}, random_linear, seed 1\n- {MAMP}, random_linear, seed 2\n")
    others = [replace(cards[0], recipe="ctrgcn/nwucla"), replace(cards[1], classes="nwucla10_8_2_bonefide1")]
    assert pretraining_markdown(others, command=COMMAND) == pretraining_markdown([], command=COMMAND)
    elsewhere = [
        replace(card, start={"weights": "mine.safetensors"}) if (card.recipe, card.run) == (MAMP, "linear") else card
        for card in cards
    ]
    assert list(trials_of(elsewhere)[0][0].starts) == [RANDOM, "mine.safetensors", "STJD-MP"]


def test_two_cards_of_one_training_are_refused(cards: list[AuditCard]) -> None:
    with pytest.raises(RunError, match="keep one of them"):
        pretraining_markdown([*cards, replace(cards[0], seconds=1.0)], command=COMMAND)


def test_order_depends_on_the_cards_alone(cards: list[AuditCard]) -> None:
    expected = pretraining_markdown(cards, command=COMMAND)
    assert pretraining_markdown([*cards, *cards], command=COMMAND) == expected
    random.Random(1).shuffle(cards)
    assert pretraining_markdown(cards, command=COMMAND) == expected


def test_writing(cards: list[AuditCard], tmp_path: Path) -> None:
    file = write_pretraining_study(cards, tmp_path / "docs" / "study.md", command=COMMAND)
    assert file.read_text(encoding="utf-8") == pretraining_markdown(cards, command=COMMAND)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        write_pretraining_study(cards, tmp_path / "file" / "study.md", command=COMMAND)
