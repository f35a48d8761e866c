# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_runs import made_scores, made_store, make_run

from bonefide.data.store import SkeletonStore
from bonefide.errors import OutputError, RunError
from bonefide.evaluation.audit import AuditCard, audit, card_of
from bonefide.evaluation.ensemble import fuse
from bonefide.evaluation.report import Illustration, report
from bonefide.layouts.view import front_view
from bonefide.run import Run


class Page(HTMLParser):
    """Start tags, the text of every kind of element, and the embedded data."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.source = file.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open[-1] if self._open else "", []).append(data)

    @property
    def visible(self) -> str:
        spoken = [text for tag, texts in self.texts.items() if tag not in {"script", "style"} for text in texts]
        return " ".join(" ".join(spoken).split())

    @property
    def data(self) -> dict[str, Any]:
        match = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.source, re.DOTALL)
        assert match is not None
        found: dict[str, Any] = json.loads(match[1])
        return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return made_store(tmp_path_factory.mktemp("store") / "store", 60, frames=12)


def runs_of(folder: Path, *seeds: int) -> list[Run]:
    return [make_run(folder / f"seed{seed}", made_scores(seed=seed), seed=seed, epochs=6) for seed in seeds]


def test_the_page_asks_nobody_for_anything(tmp_path: Path, store: SkeletonStore) -> None:
    page = Page(report(runs_of(tmp_path, 0), out=tmp_path / "out", store=store))
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "action", "data", "poster"} & attributes.keys(), (tag, attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|import\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page.source)
    # The name of a namespace is no address that is asked.
    assert re.findall(r"https?://[^\"'\s]+", page.source) == ["http://www.w3.org/2000/svg"]
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_names_from_data_cannot_become_markup(tmp_path: Path, store: SkeletonStore) -> None:
    hostile = ("<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", '"><b>', "a & b", "x|y")
    classes = (*hostile, *(f"class {number}" for number in range(5)))
    run = make_run(tmp_path / "run", made_scores(classes=classes, strength=1.0), epochs=3)
    page = Page(report([run], out=tmp_path / "out", store=store))
    assert len([1 for tag, _ in page.tags if tag == "script"]) == 2
    assert not [tag for tag, _ in page.tags if tag in {"img", "b"}]
    assert hostile[0] in page.visible
    assert page.data["runs"][0]["classes"] == list(classes)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "x\\|y" in markdown


def test_best_on_test_is_never_called_accuracy(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", made_scores(selected_on="best_on_test"), epochs=4)
    run.log_file.write_text("epoch,seconds,lr,loss,train_top1,test_top1\n1,1,1,1,10,91.25\n2,1,1,1,20,77.75\n")
    page = Page(report([run], out=tmp_path / "out"))
    assert "Top-1 accuracy of the last epoch" in page.visible
    assert "77.8" in page.visible
    assert "chosen with test labels and is no accuracy" in page.visible
    assert "none of it is an honest measurement" in page.visible
    stored = json.loads((tmp_path / "out" / "report.json").read_text())
    assert stored["summaries"][0]["accuracy"] is None
    assert stored["summaries"][0]["best_on_test"]["mean"] == 91.25
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "| accuracy | none: chosen with test labels |" in markdown
    for line in markdown.splitlines():
        if "91.25" in line:
            assert "accuracy" not in line.replace("no accuracy", "")
    row = next(line for line in markdown.splitlines() if line.startswith("| ctrgcn/nwucla_small"))
    assert [cell.strip() for cell in row.split("|")][2:6] == ["95.4", "none", "unknown", "91.25"]


def test_seeds_are_one_line_with_mean_and_spread(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, 2, 0, 1)
    report(runs, out=tmp_path / "out")
    (summary,) = json.loads((tmp_path / "out" / "report.json").read_text())["summaries"]
    accuracies = [audit(run).accuracy for run in runs]
    assert summary["seeds"] == [0, 1, 2]
    assert summary["accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert summary["accuracy"]["spread"] == pytest.approx(np.std(accuracies, ddof=1))
    assert summary["accuracy"]["count"] == 3


def test_runs_that_differ_by_more_than_the_seed_are_not_averaged(tmp_path: Path) -> None:
    first, second = runs_of(tmp_path, 0, 1)
    cards = [audit(first), replace(audit(second), hashes={**audit(second).hashes, "recipe": "another"})]
    page = Page(report(cards, out=tmp_path / "out"))
    assert len(json.loads((tmp_path / "out" / "report.json").read_text())["summaries"]) == 2
    assert "No run is put before the others" in page.visible


def test_unknown_says_unknown(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", made_scores(), published=None, epochs=2)
    report([run], out=tmp_path / "out")
    row = next(line for line in (tmp_path / "out" / "report.md").read_text().splitlines() if "· joint |" in line)
    cells = [cell.strip() for cell in row.split("|")]
    assert (cells[2], cells[4]) == ("unknown", "unknown")


def fusion(folder: Path) -> tuple[list[Run], AuditCard, Any]:
    runs = [
        make_run(folder / run, made_scores(seed=seed), run=run, epochs=3) for seed, run in enumerate(("joint", "bone"))
    ]
    fused = fuse({"joint": made_scores(seed=0), "bone": made_scores(seed=1)}, {"joint": 0.6, "bone": 0.4})
    how = {"weights": {"joint": 0.6, "bone": 0.4}, "chosen": "published with the recipe"}
    return runs, card_of(fused, [audit(run) for run in runs], fusion=how, published=96.5), fused


def test_a_fusion_leads_and_says_its_weights(tmp_path: Path) -> None:
    runs, card, fused = fusion(tmp_path)
    page = Page(report([*runs, card], out=tmp_path / "alone"))
    assert "Top-1 accuracy of the fused runs" in page.visible
    assert "joint 0.6, bone 0.4 \u2013 published with the recipe" in page.visible
    assert len(page.data["runs"]) == 2, "a card without scores or curve has nothing to show in detail"
    page = Page(report([*runs, (card, fused)], out=tmp_path / "scored"))
    assert len(page.data["runs"]) == 3
    total = sum(amount for _, _, amount in page.data["runs"][0]["confusion"])
    assert total == len(fused.labels)


def test_confusion_and_classes_add_up(tmp_path: Path) -> None:
    scores = made_scores(strength=1.0)
    report([make_run(tmp_path / "run", scores, epochs=2)], out=tmp_path / "out")
    entry = json.loads((tmp_path / "out" / "report.json").read_text())["entries"][0]
    matrix = np.array(entry["confusion"])
    assert matrix.sum() == len(scores.labels)
    assert 100 * np.trace(matrix) / matrix.sum() == pytest.approx(entry["card"]["accuracy"])
    counts = [pair["count"] for pair in entry["confused"]]
    off_diagonal = np.sort(matrix[~np.eye(10, dtype=bool)])[::-1]
    assert counts == off_diagonal[: len(counts)].tolist() == sorted(counts, reverse=True)


def test_surest_wrong_predictions_come_first(tmp_path: Path, store: SkeletonStore) -> None:
    scores = made_scores(strength=1.0)
    report([make_run(tmp_path / "run", scores, epochs=2)], out=tmp_path / "out", store=store)
    shown = json.loads((tmp_path / "out" / "report.json").read_text())["entries"][0]["predictions"]
    wrong = [each for each in shown if each["true"] != each["predicted"]]
    assert (len(wrong), len(shown) - len(wrong)) == (8, 4)
    exponentials = np.exp(scores.values.astype(float))
    softmax = exponentials / exponentials.sum(axis=1, keepdims=True)
    sure = np.where(scores.predictions != scores.labels, softmax.max(axis=1), 0)
    assert [each["name"] for each in wrong] == scores.names[np.argsort(-sure)[:8]].tolist()
    row = int(np.flatnonzero(scores.names == wrong[0]["name"])[0])
    assert wrong[0]["probability"] == pytest.approx(softmax[row].max())
    assert wrong[0]["true_probability"] == pytest.approx(softmax[row, scores.labels[row]])


def test_packed_sequences_are_those_of_the_store(tmp_path: Path, store: SkeletonStore) -> None:
    page = Page(report(runs_of(tmp_path, 0), out=tmp_path / "out", store=store))
    skeleton = page.data["skeleton"]
    assert [tuple(bone) for bone in skeleton["bones"]] == list(store.layout.edges())
    name, packed = next(iter(page.data["sequences"].items()))
    numbers = np.frombuffer(base64.b64decode(packed["numbers"]), dtype="<i2")
    shape = (packed["persons"], packed["frames"], skeleton["joints"], 3)
    expected = front_view(np.asarray(store[name].joints, dtype=float), store.layout)
    np.testing.assert_allclose(numbers.reshape(shape) / skeleton["unit"], expected, atol=1e-4)


def test_a_page_with_many_long_sequences_stays_small(tmp_path: Path) -> None:
    store = made_store(tmp_path / "store", 60, frames=90, persons=2)
    classes = tuple(f"a class with quite a long name {number}" for number in range(120))
    runs = [
        make_run(tmp_path / f"run{seed}", made_scores(classes=classes, seed=seed), run=f"run{seed}", epochs=80)
        for seed in range(8)
    ]
    page = Page(report(runs, out=tmp_path / "out", store=store))
    assert len(page.source) < 3_000_000
    assert 20 < len(page.data["sequences"]) < 60


def test_without_a_store_the_page_says_so(tmp_path: Path, store: SkeletonStore) -> None:
    runs = runs_of(tmp_path, 0)
    page = Page(report(runs, out=tmp_path / "out"))
    assert page.data["sequences"] == {}
    assert "No skeletons: the store with the test samples was not at hand." in page.visible
    foreign = replace(made_scores(), names=np.array([f"other {number}" for number in range(60)]))
    page = Page(report([make_run(tmp_path / "foreign", foreign)], out=tmp_path / "out", store=store))
    assert "No skeletons: the store holds none of the test samples." in page.visible


def test_a_diverged_loss_is_still_valid_json(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", made_scores())
    run.log_file.write_text("epoch,seconds,lr,loss,train_top1,test_top1\n1,1,1,nan,10,20\n2,1,1,inf,20,30\n")
    page = Page(report([run], out=tmp_path / "out"))
    assert [row["loss"] for row in page.data["runs"][0]["curve"]] == [None, None]
    assert "NaN" not in (tmp_path / "out" / "report.json").read_text()


def test_equal_runs_give_equal_files_and_nothing_else_is_left(tmp_path: Path, store: SkeletonStore) -> None:
    runs = runs_of(tmp_path, 0, 1)
    for out in ("first", "second"):
        report(runs, out=tmp_path / out, store=store)
    names = ["report.html", "report.json", "report.md"]
    assert sorted(file.name for file in (tmp_path / "first").iterdir()) == names
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_nothing_to_report_on(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="at least one run"):
        report([], out=tmp_path / "out")
    run = make_run(tmp_path / "run", made_scores())
    run.weights_file.unlink()
    with pytest.raises(RunError, match="not finished"):
        report([run], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        report(runs_of(tmp_path, 0), out=tmp_path / "file")


def test_tables_have_headers_and_pictures_have_words(tmp_path: Path, store: SkeletonStore) -> None:
    page = Page(report(runs_of(tmp_path, 0, 1), out=tmp_path / "out", store=store))
    tables = page.source.split("<table")[1:]
    assert tables
    for table in tables:
        assert "<th scope=" in table.split("</table>")[0]
    canvases = [attributes for tag, attributes in page.tags if tag == "canvas"]
    assert canvases
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in canvases)


def test_pictures_stand_with_their_run(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, made_scores(seed=seed), run=name) for seed, name in enumerate(("mamp", "other"))]
    pictures = {str(runs[0].folder): [Illustration("Attention", "From <yellow> to red.", b"\x89PNG")]}
    page = Page(report(runs, out=tmp_path / "out", illustrations=pictures))
    assert [attributes["src"] for tag, attributes in page.tags if tag == "img"] == ["data:image/png;base64,iVBORw=="]
    assert "What it sees" in page.visible
    assert "From <yellow> to red." in page.visible
    assert "What it sees" not in Page(report(runs, out=tmp_path / "without")).visible
