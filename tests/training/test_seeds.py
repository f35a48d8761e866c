# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny import loaded

from bonefide.config.load import single_run
from bonefide.data.store import SkeletonStore
from bonefide.training.fit import train_run
from bonefide.training.seeds import seed_all


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002 (the global generator is seeded)


def test_all_generators_follow_seed_and_epoch() -> None:
    seen = set()
    for seed in (0, 1):
        for epoch in (-1, 0, 1):
            seed_all(seed, epoch=epoch)
            first = draws()
            random.random()
            seed_all(seed, epoch=epoch)
            assert draws() == first
            seen.add(first)
    assert len(seen) == 6
    assert len({each for three in seen for each in three}) == 18


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, store: SkeletonStore) -> dict[str, dict[str, torch.Tensor]]:
    """Weights of trainings that differ in one thing each."""
    place = tmp_path_factory.mktemp("seeds")
    torch.set_num_threads(1)
    recipe, found = loaded(place), {}
    for name, seed, workers in (("first", 0, 0), ("again", 0, 0), ("other seed", 1, 0), ("workers", 0, 2)):
        run = train_run(
            single_run(recipe, "main", seed=seed), "main", place / name, store=store, device="cpu", workers=workers
        )
        found[name] = load_file(run.weights_file)
    return found


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_equal_seeds_equal_weights(weights: dict[str, dict[str, torch.Tensor]]) -> None:
    assert equal(weights["first"], weights["again"])
    assert not equal(weights["first"], weights["other seed"])


def test_the_number_of_loading_processes_does_not_matter(weights: dict[str, dict[str, torch.Tensor]]) -> None:
    assert equal(weights["first"], weights["workers"])
