# SPDX-License-Identifier: Apache-2.0
"""The weights rule in the fixtures' README: weights that follow from names, places and shapes, and are never stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bonefide.types import Array

__all__ = ["filled", "tensor_of", "weights_by_rule"]


def weights_by_rule(
    order: Iterable[tuple[str, Sequence[int]]], *, special: Mapping[str, Callable[[Array], Array]] | None = None
) -> dict[str, Tensor]:
    """A state dict.

    Args:
        order: names and shapes, in the order of the official state dict.
        special: names for which a fixture has something else, with what makes it of the wave.
    """
    special, state = special or {}, {}
    for position, (key, shape) in enumerate(order):
        wave = np.sin(0.37 * position + 0.11 * np.arange(math.prod(shape))).reshape(shape)
        state[key] = tensor_of(key, special[key](wave) if key in special else filled(key, wave))
    return state


def filled(key: str, wave: Array) -> Array:
    """What becomes of a wave by the name and shape of its entry."""
    if key.endswith("num_batches_tracked"):
        return np.zeros_like(wave)
    if key.endswith("running_var"):
        return 1 + 0.3 * wave
    if key.endswith("running_mean"):
        return 0.1 * wave
    if wave.ndim >= 2:
        return wave * math.sqrt(2 / math.prod(wave.shape[1:]))
    return 1 + 0.2 * wave if key.endswith("weight") else 0.1 * wave


def tensor_of(key: str, value: Array) -> Tensor:
    """As the entry of that name, counts being whole numbers."""
    return torch.tensor(value, dtype=torch.int64 if key.endswith("num_batches_tracked") else torch.float32)
