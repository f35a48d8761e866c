# SPDX-License-Identifier: Apache-2.0
"""A batch gone through in parts is the same batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny import loaded, tiny_store

from bonefide.config.load import recipe_digest, single_run
from bonefide.data.store import SkeletonStore
from bonefide.errors import RecipeError
from bonefide.run import Run
from bonefide.training.fit import train_run

SETTINGS: dict[str, Any] = {
    "encoder": {"name": "masked_transformer", "width": 8, "depth": 1, "heads": 2},
    "method": {"name": "stjd_mp", "decoder_depth": 1, "decoder_width": 8},
    "training__schedule": {"name": "cosine", "per": "step", "warmup_epochs": 1},
    "training__clip_norm": 0.5,
    "training__test_every": 0,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    """13 samples to train with."""
    return tiny_store(tmp_path_factory.mktemp("stores") / "odd", count=26)


def trained(folder: Path, store: SkeletonStore, **settings: Any) -> Run:
    asked = single_run(loaded(folder, **SETTINGS, **settings), "main")
    return train_run(asked, "main", folder / "run", store=store, device="cpu")


@pytest.mark.parametrize(("size", "drop_last"), [(8, False), (8, True), (16, True)])
def test_it_ends_with_the_same_weights(tmp_path: Path, store: SkeletonStore, size: int, drop_last: bool) -> None:
    options = {"data__batch_size": size, "data__drop_last": drop_last}
    first, *others = (
        trained(tmp_path / str(parts), store, training__accumulate=parts, **options) for parts in (1, 2, 4)
    )
    whole = load_file(first.weights_file)
    for run in others:
        for name, value in load_file(run.weights_file).items():
            torch.testing.assert_close(value, whole[name], rtol=1e-4, atol=1e-6, msg=name)
        for ours, theirs in zip(run.log(), first.log(), strict=True):
            assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
            assert ours["lr"] == theirs["lr"]
        steps = [torch.load(each.checkpoint_file, weights_only=True)["global_step"] for each in (first, run)]
        assert steps[0] == steps[1] == 3 * (1 if drop_last else 2)


def test_it_must_divide_the_batch(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"training\.accumulate 3 must divide data\.batch_size 4, the whole batch"):
        loaded(tmp_path, training__accumulate=3)


def test_its_digest_is_another_but_that_of_one_part_is_as_before(tmp_path: Path) -> None:
    plain, one, two = (
        loaded(tmp_path / str(n), **s)
        for n, s in enumerate(({}, {"training__accumulate": 1}, {"training__accumulate": 2}))
    )
    assert recipe_digest(plain) == recipe_digest(one) == DIGEST != recipe_digest(two)


DIGEST = "f54b61abe92b6e10"
"""Of the recipe in `tiny.py` since long ago: keys that came later must not change digests of runs without them."""
