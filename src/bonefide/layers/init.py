# SPDX-License-Identifier: Apache-2.0
"""The initialisations the papers share."""

from __future__ import annotations

import math

from torch import Tensor, nn

__all__ = ["head_", "kaiming_fan_out_"]


def kaiming_fan_out_(layer: nn.Conv1d | nn.Conv2d, *, branches: int = 1) -> None:
    """Kaiming normal by fan-out with gain sqrt(2), zero bias, in place.

    Args:
        layer: a convolution; its groups do not divide the fan-out, as in the papers' code.
        branches: how many convolutions of the paper this one holds side by side in its output channels.
    """
    fan_out = layer.out_channels // branches * math.prod(layer.kernel_size)
    nn.init.normal_(layer.weight, 0, math.sqrt(2 / fan_out))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def head_(weight: Tensor) -> None:
    """Normal with deviation sqrt(2 / K) for a classifier of K classes, in place.

    Shape:
        weight: (K, D).
    """
    nn.init.normal_(weight, 0, math.sqrt(2 / weight.shape[0]))
