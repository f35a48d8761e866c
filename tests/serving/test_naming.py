# SPDX-License-Identifier: Apache-2.0
"""Names of a user: who wins, what is none of these, and what cannot be named so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from bonefide.cli.main import app
from bonefide.config import load
from bonefide.config.recognizer import config_of_recipe
from bonefide.data.class_splits import ClassSplit
from bonefide.errors import DataError
from bonefide.hub.recognizer import Recognizer
from bonefide.hub.weights import built
from bonefide.serving import naming
from bonefide.serving.naming import Namer
from bonefide.text.banks import bank
from bonefide.text.encode import TextEncoder
from bonefide.types import Array, SkeletonSequence

SEQUENCES = [
    SkeletonSequence(f"sample{seed}", 0, np.random.default_rng(seed).normal(size=(1, 20, 20, 3))) for seed in range(4)
]


class Lengths:
    """Stands for the encoder of the package's texts: vectors of the same width, drawn by the length of a sentence."""

    name, origin = "minilm", {"model": "none"}

    def __call__(self, sentences: list[str]) -> Array:
        drawn = [np.random.default_rng(len(each)).normal(size=384) for each in sentences]
        return np.array(drawn, dtype=np.float32)

    def too_long(self, sentences: list[str]) -> int:
        return 0


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    recipe = load.single_run(load.recipe("text_regression/nwucla_small_1"), "main")
    config = config_of_recipe(recipe, origin={})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Recognizer(config, built(config, given={"texts": bank("nwucla")}))


def namer_of(recognizer: Recognizer, labels: list[str], *, gamma: float = 0.0, floor: float | None = None) -> Namer:
    known = recognizer.config.zero_shot
    assert known is not None
    told = recognizer.config.model_copy(update={"zero_shot": known.model_copy(update={"gamma": gamma, "floor": floor})})
    return Namer(Recognizer(told, recognizer.method), labels, encoder=Lengths())  # type: ignore[arg-type]


def test_scores_do_not_depend_on_the_other_names(recognizer: Recognizer) -> None:
    few = namer_of(recognizer, ["yodel", "dance"])(SEQUENCES)
    more = namer_of(recognizer, ["dance", "swim sideways", "yodel"])(SEQUENCES)
    for one, other in zip(few, more, strict=True):
        assert one.scores["yodel"] == pytest.approx(other.scores["yodel"], abs=1e-6)
        assert one.scores["dance"] == pytest.approx(other.scores["dance"], abs=1e-6)


def test_a_seen_class_is_scored_as_before(recognizer: Recognizer) -> None:
    known = recognizer.config.zero_shot
    assert known is not None
    name = recognizer.classes[known.seen[0]]
    found = namer_of(recognizer, [name.upper(), "yodel"])(SEQUENCES[:1])[0]
    with torch.inference_mode():
        batch = next(iter(recognizer.batches(SEQUENCES[:1])))
        expected = recognizer.method.outputs(batch).logits
    assert expected is not None
    assert found.scores[name] == pytest.approx(float(expected[0, known.seen[0]]), abs=1e-6)


def test_it_is_none_of_these_when_a_seen_class_wins_or_nothing_fits(recognizer: Recognizer) -> None:
    labels = ["yodel", "dance"]
    best = [max(each.scores.values()) for each in namer_of(recognizer, labels, gamma=9)(SEQUENCES)]
    for found, score in zip(namer_of(recognizer, labels, gamma=9)(SEQUENCES), best, strict=True):
        assert found.label == found.nearest == max(found.scores, key=found.scores.__getitem__)
        assert found.scores[found.label] == score
    for found in namer_of(recognizer, labels, gamma=-9)(SEQUENCES):
        assert found.label is None
        assert found.nearest in recognizer.classes
    middle = float(np.median(best))
    refused = [each.label is None for each in namer_of(recognizer, labels, gamma=9, floor=middle)(SEQUENCES)]
    assert refused == [score < middle for score in best]


def test_what_cannot_be_named_so_is_refused(recognizer: Recognizer) -> None:
    known = recognizer.config.zero_shot
    assert known is not None
    with pytest.raises(DataError, match="classes the network was trained with"):
        namer_of(recognizer, [recognizer.classes[known.seen[0]]])
    config = config_of_recipe(load.recipe("ctrgcn/nwucla_small"), origin={})
    with pytest.raises(DataError, match="need a zero-shot one"):
        Namer(Recognizer(config, built(config)), ["yodel"])
    texts = bank("nwucla")
    with pytest.raises(DataError, match="need texts by minilm"):
        recognizer.about(replace(texts, encoder="other"), ClassSplit("mine", tuple(known.seen), tuple(known.unseen)))
    with pytest.raises(DataError, match="8 seen"):
        recognizer.about(texts, ClassSplit("mine", (0,), (1, 2)))


def test_from_the_command_line(recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer.save_pretrained(tmp_path / "kept")

    def stub(name: str) -> TextEncoder:
        assert name == "minilm"
        return Lengths()  # type: ignore[return-value]

    monkeypatch.setattr(naming, "text_encoder", stub)
    source = tmp_path / "a01_s01_e00_v01.json"
    joints = np.random.default_rng(0).normal(size=(12, 20, 3)).round(4).tolist()
    source.write_text(json.dumps({"file_name": "a01_s01_e00_v01", "skeletons": joints, "label": 1}))
    command = ["predict", str(tmp_path / "kept"), str(source), "--labels", "yodel; dance: swinging, to music"]
    runner = CliRunner()
    said = runner.invoke(app, [*command, "--closed", "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)["predictions"][0]
    assert found["label"] == max(found["scores"], key=found["scores"].__getitem__)
    assert list(found["scores"]) == ["yodel", "dance"]
    told = runner.invoke(app, command)
    assert told.exit_code == 0, told.output
    title, *lines = told.stdout.splitlines()
    assert title.split(": ", 1)[1].startswith(("none of these", "yodel", "dance"))
    assert len(lines) == 2
    refused = runner.invoke(app, [*command[:3], "--closed"])
    assert "give names to choose among" in str(refused.exception) + refused.output
