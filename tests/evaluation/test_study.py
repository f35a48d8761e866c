# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pairs import made_cards

from bonefide.errors import OutputError, RunError
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import pooled
from bonefide.evaluation.pairs import pairs_of
from bonefide.evaluation.study import load_costs, study_markdown, write_study

COMMAND = "bonefide report results --study csre --results docs/study_csre.md"


def tables(text: str) -> dict[str, list[dict[str, str]]]:
    """Heading, the last before it, to the rows of a table."""
    found: dict[str, list[dict[str, str]]] = {}
    heading, header = "", [""]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("|--"):
            found[f"{heading}.{header[0]}"] = []
        elif line.startswith("| ") and f"{heading}.{cells[0]}" not in found and cells[0] in {"recipe", "what"}:
            header = cells
        elif line.startswith("| "):
            found[f"{heading}.{header[0]}"].append(dict(zip(header, cells, strict=True)))
    return found


def study(cards: list[AuditCard], **options: Any) -> str:
    return study_markdown(cards, method="csre", command=COMMAND, **options)


@pytest.fixture
def cards(tmp_path: Path) -> list[AuditCard]:
    return made_cards(tmp_path)


ACCURACY = "Northwestern-UCLA Multiview Action 3D, xview.recipe"


def test_a_row_says_what_the_pairs_say(cards: list[AuditCard]) -> None:
    text = study(cards)
    assert f"`{COMMAND}`" in text
    (row,) = tables(text)[ACCURACY]
    pairs, _ = pairs_of(cards, method="csre")
    plain, enhanced = ([card.accuracy for card in cards[side::2]] for side in (0, 1))
    assert row["recipe"] == "csre/small"
    assert row["plain"] == f"{np.mean(plain):.2f} ± {np.std(plain, ddof=1):.2f}"
    assert row["CSRE"] == f"{np.mean(enhanced):.2f} ± {np.std(enhanced, ddof=1):.2f}"
    changes = np.subtract(enhanced, plain)
    assert row["difference"] == f"{changes.mean():+.2f} ± {changes.std(ddof=1):.2f}"
    assert row["seeds"] == "1, 2, 3"
    together = pooled(pair.disagreement for pair in pairs)
    assert (row["only plain right"], row["only CSRE right"]) == (str(together.only_first), str(together.only_second))
    assert row["p of each seed"] == ", ".join(f"{pair.disagreement.p_value:.2g}" for pair in pairs)
    assert row["p together"] == f"{together.p_value:.2g}"
    assert row["verdict"] == "CSRE better"


@pytest.mark.parametrize(("gain", "verdict"), [(0.0, "not to be told from chance"), (-1.2, "CSRE worse")])
def test_it_is_stated_as_it_is(tmp_path: Path, gain: float, verdict: str) -> None:
    (row,) = tables(study(made_cards(tmp_path, gain=gain)))[ACCURACY]
    assert row["verdict"] == verdict
    assert row["difference"].startswith("\u2212") == (row["CSRE"] < row["plain"])


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    (row,) = tables(study(made_cards(tmp_path, seeds=(4,))))[ACCURACY]
    assert "±" not in row["plain"] + row["difference"]


def test_costs_and_what_is_kept(cards: list[AuditCard]) -> None:
    known = [
        replace(
            card,
            seconds=8.0 if card.method == "supervised" else 10.0,
            parameters=100 if card.method == "supervised" else 1300,
            kept=90,
            hashes={**card.hashes, "form": "one form"},
        )
        for card in cards
    ]
    found = tables(study(known))
    (row,) = found["What it costs.recipe"]
    assert (row["epoch, plain"], row["epoch, CSRE"], row["ratio"]) == ("2.0 s", "2.5 s", "1.25")
    assert (row["learned, plain"], row["learned, CSRE"]) == ("100", "1,300")
    (row,) = found["What is left of it when it has been trained.recipe"]
    assert (row["kept, plain"], row["kept, CSRE"], row["names, types and shapes"]) == ("90", "90", "equal")
    other = [*known[:-1], replace(known[-1], hashes={**known[-1].hashes, "form": "another"})]
    assert "**different**" in study(other)
    unknown = [*known[:-1], replace(known[-1], hashes={**cards[-1].hashes}, kept=0)]
    assert tables(study(unknown))["What is left of it when it has been trained.recipe"][0]["kept, plain"] == "90"
    assert "unknown" in study(unknown)


def test_fusions_follow_their_members(cards: list[AuditCard]) -> None:
    fusion = {"weights": {"joint": 0.7, "bone": 0.5}, "chosen": "published with the recipe"}
    fused = [replace(card, run=f"{card.method} fused", stream="joint+bone_motion", fusion=fusion) for card in cards]
    rows = tables(study([*fused, *cards]))[ACCURACY]
    assert [row["stream"] for row in rows] == [
        "joint",
        "joint, bone motion fused, weights published with the recipe",
    ]


def test_what_has_no_partner_is_told(cards: list[AuditCard]) -> None:
    text = study(cards[:-1])
    assert "- csre/small, supervised, seed 3" in text
    assert tables(text)[ACCURACY][0]["seeds"] == "1, 2"
    assert "There are no pairs" in study(cards[:1])


def test_order_depends_on_the_cards_alone(cards: list[AuditCard]) -> None:
    expected = study(cards)
    for seed in range(4):
        random.Random(seed).shuffle(cards)
        assert study(cards) == expected


def printed(device: str) -> dict[str, Any]:
    rows = [
        {"what": what, "variant": variant, "batch": 16, "train_ms": clock, "train_cpu_ms": cpu, "peak_mb": peak}
        for what, clock, cpu, peak in (("small plain", 2.0, 1.0, 50.0), ("small csre", 3.0, 1.25, 60.4))
        for variant in ("eager", "bf16")
    ]
    contrast = {"title": "Contrast", "how": "Timed.", "rows": [{"what": "loss", "ratio": 4.25, "met": True}]}
    networks = {"title": "Networks", "how": "Timed.", "rows": rows}
    return {"machine": {"device": device}, "tables": {"networks": networks, "csre": contrast}}


@pytest.mark.parametrize(("device", "ratio", "memory"), [("cpu (x)", "1.25", "\u2013"), ("H200", "1.5", "60.4")])
def test_measured_steps(tmp_path: Path, device: str, ratio: str, memory: str) -> None:
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(printed(device)))
    found = tables(study([], costs=[load_costs(file)]))
    first, second = found["What it costs.what"]
    assert (first["what"], first["over the first"]) == ("small plain", "1")
    assert (second["clock, ms"], second["processor, ms"]) == ("3", "1.25")
    assert (second["over the first"], second["memory, MB"]) == (ratio, memory)
    assert found["Contrast.what"] == [{"what": "loss", "ratio": "4.25", "met": "yes"}]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"machine": {}, "tables": {"networks": {"rows": [{}]}}}'])
def test_what_bench_did_not_print_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bench.json").write_text(content)
    with pytest.raises(RunError, match="not what `bonefide bench --json` prints"):
        load_costs(tmp_path / "bench.json")


def test_writing(cards: list[AuditCard], tmp_path: Path) -> None:
    file = write_study(cards, tmp_path / "docs" / "study.md", method="csre", command=COMMAND)
    assert file.read_text(encoding="utf-8") == study(cards)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        write_study(cards, tmp_path / "file" / "study.md", method="csre", command=COMMAND)
