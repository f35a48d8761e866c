# SPDX-License-Identifier: Apache-2.0
"""What happens at the end of an epoch: look, remember, log, save; in an order that survives being killed anywhere."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from safetensors.torch import save

from bonefide.config.build import Experiment
from bonefide.config.recipe import Recipe
from bonefide.data.loader import Samples
from bonefide.errors import RunError
from bonefide.evaluation.test import predict
from bonefide.evaluation.zero_shot import unseen_accuracy
from bonefide.run import Run
from bonefide.training.module import MethodModule
from bonefide.writing import replacing, write_file

__all__ = ["EpochEnd", "save_weights", "write_log"]

_CHOOSES = {"validation": "validation_top1", "best_on_test": "test_top1"}


class EpochEnd(Checkpoint):
    """Measures, keeps the weights a recipe chooses, writes the log, and then the checkpoint to resume from.

    The rows of the log lie in the checkpoint too: what was logged after it is measured again on resuming.

    Args:
        run: where to write.
        recipe: of the run.
        data: what to measure on.
        metadata: for the header of chosen weights.
        report: called with each new row.
    """

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        data: Experiment,
        *,
        metadata: dict[str, str],
        report: Callable[[dict[str, float]], None] | None = None,
    ) -> None:
        self.run, self.recipe, self.data, self.metadata, self.report = run, recipe, data, metadata, report
        self.rows: list[dict[str, float]] = []
        self._started = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure, choose, log, save.

        Raises:
            RunError: if the training has diverged.
        """
        assert isinstance(pl_module, MethodModule)
        row = {
            "epoch": float(trainer.current_epoch + 1),
            "seconds": time.perf_counter() - self._started,
            "lr": pl_module.learning_rate,
            **pl_module.epoch_losses(),
            **{name: float(value) for name, value in pl_module.method.counters().items()},
        }
        if not math.isfinite(row["loss"]):
            raise RunError(
                f"{self.run.folder}: the loss of epoch {int(row['epoch'])} is not finite, the training has diverged; "
                "lower training.optimizer.lr or set training.clip_norm, and give another --out"
            )
        row |= self._measured(pl_module, trainer.current_epoch)
        self._keep_chosen(pl_module, row)
        self.rows.append(row)
        write_log(self.run.log_file, self.rows)
        with replacing(self.run.checkpoint_file) as temporary:
            trainer.save_checkpoint(temporary)
        if self.report is not None:
            self.report(row)

    def state_dict(self) -> dict[str, Any]:
        """The rows."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The rows."""
        self.rows = list(state_dict["rows"])

    def _measured(self, module: MethodModule, epoch: int) -> dict[str, float]:
        every, last = self.recipe.training.test_every, epoch + 1 == self.recipe.training.epochs
        if not last and (every == 0 or (epoch + 1) % every):
            return {}
        measured = {}
        if self.data.validation is not None:
            measured["validation_top1"] = self._accuracy(module, self.data.validation)
        measured["test_top1"] = self._accuracy(module, self.data.test)
        return measured

    def _accuracy(self, module: MethodModule, samples: Samples) -> float:
        values = predict(
            module.method,
            samples,
            known=self.data.known,
            num_classes=len(self.data.classes),
            batch_size=self.recipe.data.test_batch_size,
        )
        if self.data.split is not None:
            return unseen_accuracy(values.numpy(), samples.labels, self.data.split)
        return float(100 * (values.argmax(dim=1).numpy() == samples.labels).mean())

    def _keep_chosen(self, module: MethodModule, row: dict[str, float]) -> None:
        chosen_by = _CHOOSES.get(self.recipe.training.select)
        if chosen_by is None or chosen_by not in row:
            return
        if row[chosen_by] > max((earlier.get(chosen_by, -1.0) for earlier in self.rows), default=-1.0):
            save_weights(module, self.run.chosen_file, self.metadata | {"epoch": str(int(row["epoch"]))})


def save_weights(module: MethodModule, file: Path, metadata: dict[str, str]) -> None:
    """Write the method's weights, all or nothing, without what only training needs.

    Raises:
        OutputError: if the place cannot be written.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in module.method.weights().items()}
    write_file(file, save(state, metadata=metadata))


def write_log(file: Path, rows: list[dict[str, float]]) -> None:
    """Write the whole log, all or nothing.

    Raises:
        OutputError: if the place cannot be written.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows({key: f"{value:.8g}" for key, value in row.items()} for row in rows)
    write_file(file, text.getvalue())
