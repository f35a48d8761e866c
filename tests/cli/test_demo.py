# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from calling import call

from bonefide.cli.demo import demo
from bonefide.evaluation.audit import load_card


def test_the_whole_chain_and_again(tmp_path: Path) -> None:
    arguments = ("--out", tmp_path, "--subjects", "2", "--epochs", "1", "--device", "cpu", "--json")
    said = json.loads(call(demo, *arguments).stdout)
    page, run = Path(said["page"]), Path(said["run"])
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert load_card(run / "report.json").accuracy == said["top1"]
    written = {file: file.stat().st_mtime_ns for file in run.iterdir()}
    started = time.monotonic()
    again = call(demo, *arguments)
    assert time.monotonic() - started < 20
    assert json.loads(again.stdout) == said
    assert {file: file.stat().st_mtime_ns for file in run.iterdir()} == written
    assert [line.split()[0] for line in again.stderr.splitlines()] == ["synthesize", "prepare", "train", "report"]


def test_the_chain_without_labels(tmp_path: Path) -> None:
    task = ("--task", "self-supervised")
    said = json.loads(
        call(demo, "--out", tmp_path, *task, "--subjects", "2", "--epochs", "1", "--device", "cpu", "--json").stdout
    )
    before, pretrained, random = (load_card(Path(run) / "report.json") for run in said["runs"])
    assert (before.neighbors, pretrained.neighbors) == (True, False)
    assert (before.accuracy, pretrained.accuracy, random.accuracy) == tuple(
        said[key] for key in ("embedding_neighbor", "linear", "linear_random")
    )
    assert (pretrained.start["recipe"], random.start) == ("mamp/synthetic", {})
    page = Path(said["page"]).read_text(encoding="utf-8")
    assert "the most similar training sample" in page
    assert pretrained.start["sha256"] in page


def test_the_chain_from_words(tmp_path: Path) -> None:
    task = ("--task", "zero-shot")
    done = call(demo, "--out", tmp_path, *task, "--subjects", "4", "--epochs", "1", "--device", "cpu", "--json")
    said = json.loads(done.stdout)
    figures = load_card(Path(said["run"]) / "report.json").zero_shot
    assert figures is not None
    assert (figures.acc_inductive, figures.gamma, figures.gamma_chosen_on) == (
        said["unseen_alone"], said["gamma"], "rehearsal",
    )  # fmt: skip
    assert "high five" in Path(said["page"]).read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_is_learned_without_labels_beats_random_weights(tmp_path: Path) -> None:
    said = json.loads(call(demo, "--out", tmp_path, "--task", "self-supervised", "--json").stdout)
    assert said["linear"] > said["linear_random"] + 5


@pytest.mark.slow
def test_unseen_people_are_recognised_and_not_by_their_nearest_neighbour(tmp_path: Path) -> None:
    said = json.loads(call(demo, "--out", tmp_path, "--json").stdout)
    assert said["top1"] >= 90
    assert said["nearest_neighbor"] < 75


@pytest.mark.slow
def test_unseen_classes_are_recognised_from_words(tmp_path: Path) -> None:
    said = json.loads(call(demo, "--out", tmp_path, "--task", "zero-shot", "--json").stdout)
    assert said["unseen_alone"] > 2 * said["chance"]
    assert said["harmonic"] > 30
