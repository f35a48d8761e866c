# SPDX-License-Identifier: Apache-2.0
"""What is frozen until when."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from bonefide.errors import RecipeError, did_you_mean

__all__ = ["freeze"]


def freeze(method: nn.Module, frozen: Mapping[str, int | str], *, epoch: int) -> None:
    """Let gradients reach what is not frozen in this epoch, and nothing else.

    A frozen parameter gets no gradient, so optimisers pass it over: neither decay nor momentum moves it.

    Args:
        method: its parameters are switched.
        frozen: beginning of parameter names to the number of first epochs they are frozen for, or "always".
        epoch: 0-based.

    Raises:
        RecipeError: if a beginning is that of no parameter, or nothing is left to train.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        >>> freeze(network, {"0.": 3, "1.bias": "always"}, epoch=3)
        >>> [name for name, parameter in network.named_parameters() if parameter.requires_grad]
        ['0.weight', '0.bias', '1.weight']
    """
    names = [name for name, _ in method.named_parameters()]
    faults = [
        f"training.freeze.{start}: no parameter begins so{did_you_mean(start, {name.split('.')[0] for name in names})}"
        for start in frozen
        if not any(name.startswith(start) for name in names)
    ]
    if faults:
        raise RecipeError(faults)
    for name, parameter in method.named_parameters():
        until = [frozen[start] for start in frozen if name.startswith(start)]
        parameter.requires_grad_(
            not any(each == "always" or (isinstance(each, int) and epoch < each) for each in until)
        )
        if not parameter.requires_grad:
            parameter.grad = None
    if not any(parameter.requires_grad for parameter in method.parameters()):
        raise RecipeError([f"training.freeze: nothing is left to train in epoch {epoch + 1}"])
