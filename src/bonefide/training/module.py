# SPDX-License-Identifier: Apache-2.0
"""The adapter: a method as Lightning wants it. Methods know nothing of it."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from bonefide.config.recipe import TrainingRecipe
from bonefide.data.loader import EpochSampler
from bonefide.methods._method import Method
from bonefide.training.freezing import freeze
from bonefide.training.optimizers import build_optimizer
from bonefide.training.schedules import rate_at
from bonefide.training.seeds import seed_all
from bonefide.types import Batch

__all__ = ["MethodModule"]


class MethodModule(pl.LightningModule):
    """Trains a method by its recipe.

    Learning rate, freezing and seeds are set from (epoch, step) alone, so that resuming needs only weights, optimiser
    and epoch. Losses are summed on the device and fetched once an epoch.

    Args:
        method: what is trained.
        recipe: how.
    """

    def __init__(self, method: Method, recipe: TrainingRecipe) -> None:
        super().__init__()
        self.method, self.recipe = method, recipe
        self._sums: dict[str, Tensor] = {}
        self._count = 0.0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser."""
        return build_optimizer(self.method, self.recipe.optimizer)

    def on_train_epoch_start(self) -> None:
        """Seed and freeze."""
        seed_all(self.recipe.seed, epoch=self.current_epoch)
        freeze(self.method, self.recipe.freeze, epoch=self.current_epoch)
        self.method.start_epoch(self.current_epoch)
        self._sums, self._count = {}, 0.0

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate."""
        factor = rate_at(
            self.recipe.schedule,
            epoch=self.current_epoch,
            step=batch_idx // self.recipe.accumulate,
            steps=-(-int(self.trainer.num_training_batches) // self.recipe.accumulate),
            epochs=self.recipe.epochs,
        )
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.recipe.optimizer.lr * group["lr_scale"] * factor

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Sum of the method's losses."""
        losses = self.method.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        share = self._share(batch, batch_idx)
        for name, value in {"loss": total, **losses}.items():
            self._sums[name] = self._sums.get(name, 0) + share * value.detach().float()
        self._count += share
        # Lightning takes the mean of the parts, however large they are and however few the last batch has.
        return total * (share * self.recipe.accumulate)

    def epoch_losses(self) -> dict[str, float]:
        """Means of this epoch's losses; the parts only if there are several."""
        means = {name: float(value) / max(self._count, 1.0) for name, value in self._sums.items()}
        return means if len(means) > 2 else {"loss": means["loss"]}

    def _share(self, batch: Batch, batch_idx: int) -> float:
        """Of the samples of the batch that this is a part of."""
        if self.recipe.accumulate == 1:
            return 1.0
        parts = self.trainer.train_dataloader
        assert isinstance(parts, DataLoader)
        assert isinstance(parts.sampler, EpochSampler)
        assert parts.batch_size is not None
        whole = parts.batch_size * self.recipe.accumulate
        behind = batch_idx // self.recipe.accumulate * whole
        return len(batch.label) / min(whole, parts.sampler.size - behind)

    @property
    def learning_rate(self) -> float:
        """Rate of the latest step, before groups scale it."""
        group = self.trainer.optimizers[0].param_groups[0]
        return float(group["lr"] / group["lr_scale"])
