# SPDX-License-Identifier: Apache-2.0
"""What every method is: the five questions the engine asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

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

    recognizes_as: ClassVar[str | None] = None
    """File of `methods/` whose class, with what the engine gives and its own defaults, is all that is left of it at
    test time; None if it is itself."""
    frozen_encoder: ClassVar[bool] = False
    """Whether its encoder stays in evaluation mode in training too."""
    judged_by_neighbors: ClassVar[bool] = False
    """Whether it says embeddings and no logits, so that a sample gets the class of the most similar training sample."""
    joint_decision: ClassVar[bool] = False
    """Whether `decide_together` says something else than `decide`."""
    only_training: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names in its state dict that recognition does not need; the others are those of that class."""

    def train(self, mode: bool = True) -> Self:
        """As any module, but a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.frozen_encoder:
            self.get_submodule("encoder").eval()
        return self

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

    def decide_together(self, outputs: Outputs) -> Tensor:
        """Scores of all test samples at once, (N, K), knowing that all are of unseen classes: transductive."""
        return self.decide(outputs)

    def class_vectors(self) -> Tensor | None:
        """What embeddings are compared with, (K, E), such as texts of the classes; None if nothing is."""
        return None

    def parameter_groups(self) -> list[ParameterGroup]:
        """How parameters differ in their optimisation; one group unless a method says otherwise."""
        return [ParameterGroup(tuple(name for name, _ in self.named_parameters()))]

    def start_epoch(self, epoch: int) -> None:
        """Called before each epoch, 0-based."""

    def counters(self) -> dict[str, Tensor]:
        """Scalars by name to log after each epoch beside the losses; nothing unless a method says otherwise."""
        return {}

    def weights(self) -> dict[str, Tensor]:
        """What leaves a training: the state dict without what only training needs."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith(self.only_training)}

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Take all of `weights()` and nothing else; what only training needs stays as it is."""
        own = {name: value for name, value in self.state_dict().items() if name.startswith(self.only_training)}
        self.load_state_dict({**own, **weights}, strict=True)
