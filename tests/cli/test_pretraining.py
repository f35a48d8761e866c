# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a pre-training sees, for the report: of a run made up of untrained weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from bonefide.cli._pretraining import illustrations
from bonefide.config import load
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.evaluation.scores import save_scores
from bonefide.hub.recognizer import Recognizer
from bonefide.layouts import layout
from bonefide.methods.mamp import MAMP
from bonefide.run import Run

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from make_runs import made_scores, made_store

SMALL = {"encoder.width": 16, "encoder.depth": 1, "method.decoder_depth": 1, "method.decoder_width": 16}


def made_pretraining(folder: Path, *, stream: str = "joint") -> Run:
    recipe = load.single_run(load.recipe("mamp/nwucla_small", set=SMALL | {"data.stream": stream}), "main")
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(load.dump(recipe))
    facts = {"recipe": recipe.name, "run": "main", "seed": 0, "store": "", "preparation": "nwucla", "hashes": {}}
    (folder / "run.json").write_text(json.dumps(facts | {"neighbors": True}))
    torch.manual_seed(0)
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=32, width=16, depth=1, heads=4)
    weights = MAMP(encoder, decoder_depth=1, decoder_width=16).state_dict()
    Recognizer.from_weights(weights, recipe).save(folder / "weights.safetensors")
    save_scores(made_scores(), folder / "scores.npz")
    return Run(folder)


def test_all_there_is_to_see_of_the_first_seed(tmp_path: Path) -> None:
    store = made_store(tmp_path / "store", 60, frames=40)
    runs = [made_pretraining(tmp_path / f"main.seed{seed}") for seed in (1, 2)]
    found = illustrations(runs, store)
    assert list(found) == [str(runs[0].folder)]
    pictures = found[str(runs[0].folder)]
    assert [each.title for each in pictures] == ["Hidden tokens and where they are taken to be", "Attention"]
    first = min(store.names.tolist())
    assert all(each.png.startswith(b"\x89PNG") and f"Sample {first}." in each.words for each in pictures)
    assert found == illustrations(runs, store), "equal runs give equal pages"
    assert illustrations(runs, None) == {}


def test_what_cannot_be_drawn_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = made_store(tmp_path / "store", 60, frames=40)
    moves, damaged = made_pretraining(tmp_path / "a", stream="joint_motion"), made_pretraining(tmp_path / "b")
    assert illustrations([moves], store) == {str(moves.folder): []}
    damaged.weights_file.write_bytes(b"")
    assert illustrations([damaged], store) == {}
    assert "no pictures of what it sees" in capsys.readouterr().err
