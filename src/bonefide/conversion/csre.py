# SPDX-License-Identifier: Apache-2.0
"""Weights of the official CSRE-Hyperformer, there and back, without what only its training needs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion.hyperformer import Hyperformer
from bonefide.errors import DataError

__all__ = ["CSRE"]

_LAYERS = ("conv1", "convs", "conv2", "convt")


class CSRE:
    """Between the official state dict and that of `Supervised` around our `Hyperformer`.

    The decomposition, `std.` there, has no part in recognition and is left out; the banks are in no official file.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        zhshj0110/CSRE, commit fd0b34e. No trained files are published: the keys are those of the code.
    """

    encoder = "hyperformer"
    ignored: tuple[str, ...] = tuple(f"std.{layer}.{kind}" for layer in _LAYERS for kind in ("weight", "bias"))
    """Official keys that recognition does not need."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        state = {key.removeprefix("module."): value for key, value in state.items()}
        if missing := sorted(set(self.ignored) - state.keys()):
            raise DataError(f"weights: '{missing[0]}' is missing; is this a file of Hyperformer without CSRE?")
        return Hyperformer().from_official({key: value for key, value in state.items() if key not in self.ignored})

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones, without the ignored."""
        return Hyperformer().to_official(state)
