# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import loaded
from torch import nn

from bonefide.config.build import build_data, build_method
from bonefide.config.load import single_run
from bonefide.data.store import SkeletonStore
from bonefide.errors import RecipeError
from bonefide.training.fit import train_run
from bonefide.training.freezing import freeze
from bonefide.training.seeds import seed_all


@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
        {"name": "adamw", "lr": 0.1, "weight_decay": 0.1},
    ],
    ids=lambda each: each["name"],
)
def test_neither_decay_nor_momentum_moves_what_is_frozen(
    tmp_path: Path, store: SkeletonStore, optimizer: dict[str, object]
) -> None:
    frozen = {"encoder.embed": "always", "head.bias": 2}
    recipe = single_run(
        loaded(tmp_path, training__optimizer=optimizer, training__freeze=frozen, training__epochs=3), "main"
    )
    seed_all(recipe.training.seed)
    before = build_method(recipe, build_data(recipe, store)).state_dict()
    after = load_file(train_run(recipe, "main", tmp_path / "run", store=store, device="cpu").weights_file)
    assert torch.equal(after["encoder.embed.weight"], before["encoder.embed.weight"])
    assert torch.equal(after["encoder.embed.bias"], before["encoder.embed.bias"])
    assert not torch.equal(after["head.bias"], before["head.bias"])
    still = single_run(
        loaded(tmp_path, training__optimizer=optimizer, training__freeze=frozen, training__epochs=2), "main"
    )
    early = load_file(train_run(still, "main", tmp_path / "early", store=store, device="cpu").weights_file)
    assert torch.equal(early["head.bias"], before["head.bias"])
    assert not torch.equal(early["head.weight"], before["head.weight"])


def test_a_gradient_left_over_is_thrown_away() -> None:
    network = nn.Linear(2, 2)
    network(torch.ones(1, 2)).sum().backward()
    freeze(network, {"bias": 1}, epoch=0)
    assert network.bias.grad is None
    assert network.weight.grad is not None
    freeze(network, {"bias": 1}, epoch=1)
    assert network.bias.requires_grad


def test_all_wrong_beginnings_are_told_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        freeze(nn.Sequential(nn.Linear(2, 2)), {"1.": 3, "weight": "always"}, epoch=0)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["training.freeze.1.", "training.freeze.weight"]


def test_nothing_left_to_train_is_told_before_anything_is_written(tmp_path: Path, store: SkeletonStore) -> None:
    recipe = single_run(loaded(tmp_path, training__freeze={"encoder": "always", "head": 1}), "main")
    with pytest.raises(RecipeError, match="nothing is left to train in epoch 1"):
        train_run(recipe, "main", tmp_path / "run", store=store, device="cpu")
    assert not (tmp_path / "run").exists()
