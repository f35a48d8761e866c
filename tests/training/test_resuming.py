# SPDX-License-Identifier: Apache-2.0
"""Stopped in the midst of an epoch, or right behind one, a pre-training ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stopping import StoppedError, assert_equal, stop_at_step
from tiny import loaded

from bonefide.config.load import single_run
from bonefide.config.recipe import Recipe
from bonefide.data.store import SkeletonStore
from bonefide.run import Run
from bonefide.training.fit import train_run

MASKED = {"name": "masked_transformer", "width": 8, "depth": 1, "heads": 2}
DECODER = {"decoder_depth": 1, "decoder_width": 8}
METHODS: dict[str, dict[str, Any]] = {
    name: {"encoder": MASKED, "method": {"name": name, **DECODER}} for name in ("mae", "mamp", "stjd_mp")
}
SCHEDULE = {"name": "cosine", "per": "step", "warmup_epochs": 1, "minimum": 0.5}
ADAM = {"name": "adamw", "lr": 0.01, "betas": [0.9, 0.95], "weight_decay": 0.05}


def recipe(folder: Path, method: str) -> Recipe:
    training = {"training__schedule": SCHEDULE, "training__optimizer": ADAM}
    return single_run(loaded(folder, **METHODS[method], **training, data__repeat=2, data__batch_size=4), "main")


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_pretraining_goes_on_bit_for_bit(
    tmp_path: Path, store: SkeletonStore, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = recipe(tmp_path, method)
    whole = train_run(asked, "main", tmp_path / "whole", store=store, device="cpu")
    assert len(whole.log()) == 3
    with monkeypatch.context() as patched:
        stop_at_step(patched, 10)
        with pytest.raises(StoppedError):
            train_run(asked, "main", tmp_path / "stopped", store=store, device="cpu")
    assert len(Run(tmp_path / "stopped").log()) == 1
    assert_equal(train_run(asked, "main", tmp_path / "stopped", store=store, device="cpu"), whole)


def test_and_behind_each_epoch(tmp_path: Path, store: SkeletonStore) -> None:
    asked = recipe(tmp_path, "mamp")
    whole = train_run(asked, "main", tmp_path / "whole", store=store, device="cpu")

    def stop(row: dict[str, float]) -> None:
        raise StoppedError

    for _ in range(3):
        with pytest.raises(StoppedError):
            train_run(asked, "main", tmp_path / "stopped", store=store, device="cpu", report=stop)
    assert_equal(train_run(asked, "main", tmp_path / "stopped", store=store, device="cpu"), whole)


def test_what_is_hidden_depends_on_the_epoch_alone(tmp_path: Path, store: SkeletonStore) -> None:
    """Or these tests would say little."""
    first, second = (
        train_run(
            recipe(tmp_path, "mamp").model_copy(update=change), "main", tmp_path / name, store=store, device="cpu"
        )
        for name, change in (
            ("a", {}),
            ("b", {"method": recipe(tmp_path, "mamp").method.model_copy(update={"seed": 7})}),
        )
    )
    assert first.log()[0]["loss"] != second.log()[0]["loss"]
