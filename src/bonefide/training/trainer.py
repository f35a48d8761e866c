# SPDX-License-Identifier: Apache-2.0
"""Lightning's Trainer as bonefide sets it up; the benchmark measures the same one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from bonefide.config.recipe import TrainingRecipe
from bonefide.errors import InstallationError
from bonefide.training.devices import accelerator

__all__ = ["Precision", "build_trainer"]

Precision = Literal["32", "bf16", "16"]
_PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def build_trainer(
    recipe: TrainingRecipe,
    *,
    device: str = "auto",
    precision: Precision = "32",
    batches: int | None = None,
    callbacks: Sequence[pl.Callback] = (),
) -> pl.Trainer:
    """A silent trainer that writes nothing by itself; its callbacks do.

    Args:
        recipe: how long to train, where gradients are clipped, and how many are accumulated.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: of the arithmetic; weights stay float32.
        batches: at most so many an epoch, or parts of batches where gradients are accumulated; all if None.
        callbacks: what happens besides.

    Raises:
        InstallationError: if the device is unknown or not there, or cannot calculate so.
    """
    kind, devices = accelerator(device)
    if kind == "cpu" and precision == "16":
        raise InstallationError("precision 16 needs a GPU; on the CPU use bf16 or 32")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator=kind,
        devices=devices,
        precision=_PRECISIONS[precision],
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.clip_norm,
        accumulate_grad_batches=recipe.accumulate,
        limit_train_batches=batches,
        callbacks=list(callbacks),
        logger=False,
        # Otherwise Lightning adds a checkpoint of its own; one among the callbacks needs the permission.
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )
