# SPDX-License-Identifier: Apache-2.0
"""What every method is: the five questions the engine asks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from bonefide.errors import ShapeError
from bonefide.types import Batch, Outputs

__all__ = ["Method", "ParameterGroup"]


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are optimised alike.

    Args:
        names: names of parameters of the method.
        lr_scale: factor on the recipe's learning rate.
        weight_decay: instead of the recipe's, or None for the recipe's.
    """

    names: tuple[str, ...]
    lr_scale: float = 1.0
    weight_decay: float | None = None


class Method(nn.Module):
    """From batches to losses, and from outputs to decisions; knows no training framework."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Scalars by name, which the engine adds, logs and minimises."""
        raise TypeError(f"{type(self).__name__} does not say its losses")

    def outputs(self, batch: Batch) -> Outputs:
        """What there is to say about one batch at test time."""
        raise TypeError(f"{type(self).__name__} does not say its outputs")

    def decide(self, outputs: Outputs) -> Tensor:
        """Scores of all test samples at once, (N, K); the logits unless a method knows better."""
        if outputs.logits is None:
            raise ShapeError(f"{type(self).__name__} has no logits to decide with")
        return outputs.logits

    def parameter_groups(self) -> list[ParameterGroup]:
        """How parameters differ in their optimisation; one group unless a method says otherwise."""
        return [ParameterGroup(tuple(name for name, _ in self.named_parameters()))]

    def start_epoch(self, epoch: int) -> None:
        """Called before each epoch, 0-based."""
