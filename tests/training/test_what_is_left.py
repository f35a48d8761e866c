# SPDX-License-Identifier: Apache-2.0
"""What only training needs stays in the checkpoint: the weights of a run, and its recogniser, know nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny import loaded

from bonefide.config.load import single_run
from bonefide.config.recognizer import config_of_recipe
from bonefide.data.store import SkeletonStore
from bonefide.evaluation import test as testing
from bonefide.evaluation.scores import load_scores
from bonefide.hub.recognizer import Recognizer
from bonefide.methods.supervised import Supervised
from bonefide.run import Run
from bonefide.training.fit import train_run

CSRE: dict[str, Any] = {"name": "csre", "width": 8, "positives": 2, "negatives": 3, "reduction": 4, "dropout": 0.1}


def trained(place: Path, store: SkeletonStore, select: str) -> Run:
    recipe = single_run(loaded(place, method=CSRE, training__select=select), "main")
    return train_run(recipe, "main", place / "run", store=store, device="cpu")


@pytest.mark.parametrize("select", ["last", "best_on_test"])
def test_a_run_of_csre_leaves_a_plain_recogniser(tmp_path: Path, store: SkeletonStore, select: str) -> None:
    run = trained(tmp_path, store, select)
    assert all(row["spatial"] > 0 and row["left_out"] == 0 for row in run.log())
    for file in (run.weights_file, run.chosen_file) if select != "last" else (run.weights_file,):
        weights = load_file(file)
        assert {name.split(".")[0] for name in weights} == {"encoder", "head"}
        with safe_open(file, "pt") as opened:
            config = json.loads(opened.metadata()["recognizer"])
        assert config["method"] == {"name": "supervised"}
    kept = torch.load(run.checkpoint_file, weights_only=True)["state_dict"]
    assert {"method.memory.spatial", "method.memory.filled", "method.memory._extra_state"} <= kept.keys()

    scores = load_scores(run.scores_file)
    again = testing.test(run, store=store)
    np.testing.assert_array_equal(again.values, scores.values)

    trust = {"trust_code": True}
    recognizer = Recognizer.load(run.folder, **trust)
    assert isinstance(recognizer.method, Supervised)
    recognizer.save_pretrained(tmp_path / "saved")
    saved = Recognizer.load(tmp_path / "saved", **trust)
    assert "csre" not in (tmp_path / "saved/config.json").read_text().replace(str(tmp_path), "")
    sequences = [store[name] for name in scores.names]
    probabilities = torch.tensor(scores.values).softmax(dim=1).numpy()
    np.testing.assert_allclose(saved.scores(sequences), probabilities, rtol=1e-5, atol=1e-6)


def test_so_does_a_recipe_for_weights_from_elsewhere(tmp_path: Path) -> None:
    recipe = single_run(loaded(tmp_path, method=CSRE, encoder={"name": "ctrgcn", "base_channels": 8}), "main")
    assert config_of_recipe(recipe, origin={}).method.model_dump() == {"name": "supervised"}
