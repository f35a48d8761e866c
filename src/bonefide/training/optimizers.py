# SPDX-License-Identifier: Apache-2.0
"""From a recipe's optimiser to torch's."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from bonefide.config.recipe import SGD, Adam, Optimizer
from bonefide.errors import RecipeError, ShapeError
from bonefide.methods._method import Method

__all__ = ["build_optimizer"]

_NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


def build_optimizer(method: Method, recipe: Optimizer) -> torch.optim.Optimizer:
    """An optimiser over the method's parameter groups.

    Each group carries `lr_scale`, so that a schedule can set `lr` from the recipe's rate at any time.

    Args:
        method: gives the groups.
        recipe: rate, decay and the optimiser's own options.

    Raises:
        ShapeError: if a group names a parameter the method does not have.
        RecipeError: if a pattern of the recipe's `decay_of` fits none.
    """
    groups = _groups(method, recipe)
    if isinstance(recipe, SGD):
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.nesterov)
    if isinstance(recipe, Adam):
        return torch.optim.Adam(groups, lr=recipe.lr, betas=recipe.betas)
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas)


def _groups(method: Method, recipe: Optimizer) -> list[dict[str, Any]]:
    parameters = dict(method.named_parameters())
    spared = _spared(method) if recipe.decay == "weights" else set()
    own = _own_decays(parameters, recipe.decay_of)
    groups = []
    for group in method.parameter_groups():
        if unknown := [name for name in group.names if name not in parameters]:
            raise ShapeError(f"a parameter group names {unknown[0]}, which {type(method).__name__} does not have")
        decay = recipe.weight_decay if group.weight_decay is None else group.weight_decay
        rates: defaultdict[float, list[str]] = defaultdict(list)
        for name in group.names:
            rates[own.get(name, 0.0 if name in spared else decay)].append(name)
        for rate, names in rates.items():
            groups.append(
                {
                    "params": [parameters[name] for name in names],
                    "weight_decay": rate,
                    "lr": recipe.lr * group.lr_scale,
                    "lr_scale": group.lr_scale,
                }
            )
    return groups


def _own_decays(names: Iterable[str], decay_of: Mapping[str, float]) -> dict[str, float]:
    """Parameters with a decay of their own."""
    known = list(names)
    if unused := [pattern for pattern in decay_of if not fnmatch.filter(known, pattern)]:
        raise RecipeError([f"training.optimizer.decay_of: no parameter fits '{each}'" for each in unused])
    own: dict[str, float] = {}
    for pattern, decay in decay_of.items():
        for name in fnmatch.filter(known, pattern):
            own.setdefault(name, decay)
    return own


def _spared(method: Method) -> set[str]:
    """Biases, and all parameters of norms."""
    spared = {name for name, _ in method.named_parameters() if name.rsplit(".", 1)[-1] == "bias"}
    for prefix, module in method.named_modules():
        if isinstance(module, _NORMS):
            spared |= {f"{prefix}.{name}" for name, _ in module.named_parameters(recurse=False)}
    return spared
